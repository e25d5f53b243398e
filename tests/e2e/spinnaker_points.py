"""The moments at which a daemon dies that starts, follows and ends executions in Spinnaker.

Each is reached by what everybody can see: what the front was asked, what the attempt has written
down, what the daemon tells. The daemon is killed where the block of each runs; what stands after
`yield` happens while there is none, or under the next.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TypeAlias

from tests.e2e.e2e_bench import until
from tests.e2e.spinnaker_kills import SHORT, Killer, Trial
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_pipelines import Config, verdict

Point: TypeAlias = Callable[[Killer], AbstractContextManager[None]]

WORK = verdict("work")
HELD = "held"


def held(*, stubborn: int = 0) -> Config:
    """A stage that runs until `release`."""
    return verdict(HELD, hold=True, stubborn=stubborn)


def release(killer: Killer, execution: str) -> None:
    """Let the stage end, and return when the execution has."""
    killer.gate.bed.release(execution, HELD)
    killer.gate.bed.wait_until_complete(execution)


# --- before the start -----------------------------------------------------------------------


@contextmanager
def accepted(killer: Killer) -> Iterator[None]:
    """The job was accepted, and more is not known."""
    killer.begin(WORK)
    yield


@contextmanager
def acquiring(killer: Killer) -> Iterator[None]:
    """Gate does not say yet whether anything is in the way."""
    with killer.held(Fault.HUNG, Call.EXECUTIONS, killer.next_name):
        trial = killer.begin(WORK)
        killer.gate.wait_for_requests(Call.EXECUTIONS, about=trial.name)
        assert not trial.noted
        yield


@contextmanager
def noted(killer: Killer) -> Iterator[None]:
    """That the start is posted is written down, and nothing was sent: the login hangs."""
    with killer.held(Fault.HUNG, Call.EXECUTIONS, killer.next_name):
        trial = killer.begin(WORK, ends="lost", auth="session", settle=SHORT)
        killer.gate.wait_for_requests(Call.EXECUTIONS, about=trial.name)
        login = killer.gate.faults.inject(Fault.HUNG, Call.LOGIN)
        logins = len(killer.gate.asked(Call.LOGIN))
    killer.gate.wait_for_requests(Call.LOGIN, logins + 1)
    assert trial.noted["posted"]
    assert not killer.gate.asked(Call.TRIGGER, about=trial.name)
    yield
    killer.gate.faults.lift(login)


@contextmanager
def refused(killer: Killer) -> Iterator[None]:
    """Gate has not taken the start, which is written down; it is posted again."""
    with killer.held(Fault.GATE_429, Call.TRIGGER, killer.next_name):
        trial = killer.begin(WORK)
        until("it was refused", lambda: trial.noted and trial.noted["posted"] is None)
        yield
        killer.refused[trial.name] = len(killer.gate.asked(Call.TRIGGER, about=trial.name))
        if trial.noted["posted"] is not None:
            # It had posted again when it died: that was refused too, and nobody wrote it down.
            killer.trials[-1] = replace(trial, ends=frozenset({"lost"}))


# --- the start ------------------------------------------------------------------------------


@contextmanager
def posted(killer: Killer) -> Iterator[None]:
    """The start is on its way, and reaches Orca when the daemon is dead."""
    with killer.held(Fault.HUNG, Call.TRIGGER, killer.next_name):
        killer.until_posted(killer.begin(WORK))
        yield


@contextmanager
def overtaken(killer: Killer) -> Iterator[None]:
    """The same, and it reaches Orca when the next daemon looks for it already."""
    with killer.held(Fault.HUNG, Call.TRIGGER, killer.next_name):
        correlation = killer.until_posted(killer.begin(WORK))
        yield
        killer.start()
        killer.gate.wait_for_requests(Call.SEARCH, about=correlation)


@contextmanager
def stored(killer: Killer) -> Iterator[None]:
    """Orca has the execution, and the daemon no answer."""
    with killer.held(Fault.ANSWER_HELD, Call.TRIGGER, killer.next_name):
        trial = killer.begin(WORK)
        killer.until_posted(trial)
        until("it is stored", lambda: killer.executions(trial))
        yield


@contextmanager
def answered(killer: Killer) -> Iterator[None]:
    """The daemon has the answer and wrote it down, and its journal has not."""
    answer = killer.gate.faults.inject(Fault.ANSWER_HELD, Call.TRIGGER, about=killer.next_name)
    trial = killer.begin(WORK)
    killer.until_posted(trial)
    with killer.journal_locked():
        killer.gate.faults.lift(answer)
        until("it has the answer", lambda: trial.noted.get("execution"))
        yield


@contextmanager
def searching(killer: Killer) -> Iterator[None]:
    """The answer was lost, and the daemon that has posted looks for the execution."""
    lost = killer.held(Fault.CUT_AFTER, Call.TRIGGER, killer.next_name)
    with lost, killer.gate.fault(Fault.HUNG, Call.SEARCH):
        correlation = killer.until_posted(killer.begin(WORK))
        killer.gate.wait_for_requests(Call.SEARCH, about=correlation)
        yield


# --- the execution runs ---------------------------------------------------------------------


@contextmanager
def following(killer: Killer) -> Iterator[None]:
    """It is followed; it ends while there is no daemon."""
    execution = killer.until_followed(killer.begin(held()))
    yield
    release(killer, execution)


@contextmanager
def looking(killer: Killer) -> Iterator[None]:
    """A look at it has no answer; it ends under the next daemon."""
    execution = killer.until_followed(killer.begin(held()))
    with killer.held(Fault.HUNG, Call.EXECUTION, execution):
        killer.until_asked_again(Call.EXECUTION, execution)
        yield
    killer.start()
    release(killer, execution)


@contextmanager
def adopting(killer: Killer) -> Iterator[None]:
    """A daemon that has just begun looks at it for the first time."""
    execution = killer.until_followed(killer.begin(held()))
    killer.kill("following")
    with killer.held(Fault.HUNG, Call.EXECUTION, execution):
        killer.installation.launch()
        killer.until_asked_again(Call.EXECUTION, execution)
        yield
    release(killer, execution)


@contextmanager
def ended(killer: Killer) -> Iterator[None]:
    """Its end is told in the log, and the journal has not got it."""
    trial = killer.begin(held())
    execution = killer.until_followed(trial)
    look = killer.gate.faults.inject(Fault.HUNG, Call.EXECUTION, about=execution)
    killer.until_asked_again(Call.EXECUTION, execution)
    release(killer, execution)
    with killer.journal_locked():
        killer.gate.faults.lift(look)
        until("its end is told", lambda: f'stage "{HELD}" SUCCEEDED' in trial.log)
        yield


# --- its stop -------------------------------------------------------------------------------


@contextmanager
def cancelling(killer: Killer) -> Iterator[None]:
    """The cancel is on its way, and reaches Orca when the daemon is dead."""
    trial = killer.begin(held(), ends="cancelled")
    execution = killer.until_followed(trial)
    with killer.held(Fault.HUNG, Call.CANCEL, execution):
        killer.cancel(trial)
        killer.gate.wait_for_requests(Call.CANCEL, about=execution)
        yield


@contextmanager
def cancelled(killer: Killer) -> Iterator[None]:
    """Orca has the cancel, and the daemon no answer."""
    trial = killer.begin(held(), ends="cancelled")
    execution = killer.until_followed(trial)
    with killer.held(Fault.ANSWER_HELD, Call.CANCEL, execution):
        killer.cancel(trial)
        killer.gate.bed.wait_for(execution, lambda one: bool(one["canceled"]))
        yield


@contextmanager
def stopping(killer: Killer) -> Iterator[None]:
    """It was asked to stop, and resists until the next daemon lives."""
    trial = killer.begin(held(stubborn=1000), ends="cancelled")
    execution = killer.until_followed(trial)
    killer.cancel(trial)
    until_waiting(killer, trial, "Spinnaker to stop the execution")
    yield
    killer.start()
    until_waiting(killer, trial, "Spinnaker to stop the execution")
    release(killer, execution)


@contextmanager
def cleaning_up(killer: Killer) -> Iterator[None]:
    """It has ended, and the search for what is left has no answer."""
    trial = killer.begin(held())
    execution = killer.until_followed(trial)
    correlation = trial.noted["correlation"]
    with killer.held(Fault.HUNG, Call.SEARCH, correlation):
        release(killer, execution)
        killer.gate.wait_for_requests(Call.SEARCH, about=correlation)
        assert killer.step_of(trial)["phase"] == "cleaning_up"
        yield


def until_waiting(killer: Killer, trial: Trial, text: str) -> None:
    """Return when the daemon says that the step waits for this."""
    until(f"{trial.name} waits: {text}", lambda: killer.step_of(trial)["waiting_for"] == text)


POINTS: tuple[Point, ...] = (
    *(accepted, acquiring, noted, refused),
    *(posted, overtaken, stored, answered, searching),
    *(following, looking, adopting, ended),
    *(cancelling, cancelled, stopping, cleaning_up),
)
