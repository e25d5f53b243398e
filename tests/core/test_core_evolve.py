"""`evolve` is total: an event of anything that is there replays in whatever state that is.

`decide` never appends most of these pairs; an older or a newer release may have, or a repaired
journal. Then the state may say little, but the indexes must say the same as the entities.
"""

import typing
from collections.abc import Callable

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import ApprovalRule, RetryPolicy
from orchestrator.core.language.model import (
    Approval,
    AskedQuestion,
    Debt,
    Ending,
    ProcessRecord,
    QuestionAnswer,
    Run,
    Stop,
    UnknownRun,
    UnknownVerdict,
)
from orchestrator.core.language.words import (
    Decision,
    JobConclusion,
    Outcome,
    Section,
    StepConclusion,
    StopCause,
)
from orchestrator.core.world.evolve import evolve
from tests.core.core_invariants import state_of
from tests.core.core_restart import restored
from tests.core.core_setup import (
    ADA,
    ROOT,
    accept,
    acquired,
    applied,
    at,
    cleaned,
    config,
    dirty,
    failed,
    finding,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given

STOP = Stop(cause=StopCause.CANCEL, at=at(1), by=ADA.actor)
ENDING = Ending(StepConclusion.SUCCESS, Outcome.CONTINUE)
VERDICT = UnknownVerdict(wait=False, by=ADA.actor, at=at(1), reason="looked")
A = ref(1, "a")
RUN = Run(started=at(), locks=("vpc",))
CONFIGURATION = config(
    pipeline("web", steps=(step("a"), step("b", needs=("a",))), cleanup="clean", timeout=50),
    pipeline("clean", "cleanup"),
    environments={"production": ("vpc",), "staging": ("vpc",)},
)
CANCEL = cmd.Cancel(caller=ADA, job=1)
FORCE = cmd.Cancel(caller=ROOT, job=1, force=True)


def story(*commands: cmd.Command | float) -> Callable[[], Story]:
    return lambda: given(CONFIGURATION, submit("web"), submit("web"), *commands)


STORIES = {
    "acquiring": story(),
    "applying": story(acquired(1, "a")),
    "acquiring, stopped": story(CANCEL),
    "cancelling": story(acquired(1, "a"), CANCEL),
    "cancelling, force armed": story(acquired(1, "a"), FORCE),
    "cancelling, forced": story(acquired(1, "a"), FORCE, 300),
    "cleaning_up": story(acquired(1, "a"), applied(1, "a")),
    "cleaning_up, forced": story(acquired(1, "a"), applied(1, "a"), FORCE, 300),
    "one step finished": story(acquired(1, "a"), applied(1, "a"), cleaned(1, "a")),
    "retired": story(acquired(1, "a"), accept(config())),
    "quarantined": story(acquired(1, "a"), applied(1, "a"), dirty(1, "a")),
    "ended": story(acquired(1, "a"), failed(1, "a"), cleaned(1, "a")),
}


FAILS_AND_WAITS = (acquired(1, "a"), failed(1, "a"), cleaned(1, "a"))
TRIED_AGAIN = config(
    pipeline("web", steps=(step("a", retry=RetryPolicy(3, 10.0)), step("b", needs=("a",)))),
    pipeline("other", steps=(step("apply", has_acquire=False),)),
    capacity=1,
)
STORIES |= {
    "backing off": lambda: given(TRIED_AGAIN, submit("web"), submit("web"), *FAILS_AND_WAITS),
    "backing off, due": lambda: given(
        TRIED_AGAIN, submit("web"), submit("other", "staging"), *FAILS_AND_WAITS, 10
    ),
}


PREPARES = config(
    pipeline(
        "web",
        steps=(
            step("a", section=Section.BEFORE, touches=False),
            step("b"),
            step("c", section=Section.FINALLY, touches=False),
        ),
        approval=ApprovalRule(),
    ),
)
STORIES |= {
    "preparing": lambda: given(PREPARES, submit("web"), acquired(1, "a")),
    "awaiting approval": lambda: given(PREPARES, submit("web"), *whole(1, "a")),
    "cancelled while preparing": lambda: given(
        PREPARES, submit("web"), acquired(1, "a"), cmd.Cancel(caller=ADA, job=1)
    ),
}
APPROVAL = Approval(by=ADA.actor, at=at(1), counts_for=("pipeline",))
QUESTION = AskedQuestion(key="go", text="go on?", rule=ApprovalRule(), asked=at(1))


def debt(job: int) -> Debt:
    return Debt(
        job=job,
        pipeline="clean",
        kind="cleanup",
        params={},
        definition="d",
        submitter=ADA.actor,
        since=at(),
        locks=("vpc",),
    )


OF_JOB: list[ev.AnyEvent] = [
    ev.ApprovalRequested(job=1),
    ev.JobApproved(job=1, approval=APPROVAL),
    ev.JobReady(job=1),
    ev.JobWaitedLong(job=1),
    ev.JobAdmitted(job=1, run=RUN),
    ev.JobStopRequested(job=1, stop=STOP),
    ev.JobForceRequested(job=1, by=None),
    ev.JobForced(job=1),
    ev.JobEnded(job=1, conclusion=JobConclusion.LOST),
    ev.ClientLost(job=1),
    ev.ClientReturned(job=1),
    ev.StepStarted(ref=A, acquires=True),
    ev.StepStarted(ref=A, acquires=False),
    ev.StepApplying(ref=A),
    ev.StepStopRequested(ref=A, stop=STOP),
    ev.StepForced(ref=A),
    ev.StepApplied(ref=A, ending=ENDING),
    ev.StepStarted(ref=ref(1, "a", 2), acquires=True),
    ev.StepRetryScheduled(ref=A, ending=ENDING, seconds=5.0),
    ev.StepRetryDue(ref=A),
    ev.StepFinished(ref=A, ending=ENDING, finding=finding(1, "a")),
    ev.StepNotRun(ref=A, ending=ENDING),
    ev.StepWaiting(ref=A, text="x"),
    ev.StepWarned(ref=A, text="x"),
    ev.StepAsked(ref=A, question=QUESTION),
    ev.StepApproved(ref=A, key="go", approval=APPROVAL),
    ev.StepAnswered(ref=A, key="go", answer=QuestionAnswer(Decision.EXPIRED, at(1))),
    ev.StepQuestionWithdrawn(ref=A, key="go"),
    ev.StepRecorded(ref=A, record=ProcessRecord("apply", "tool", "boot-1")),
]
OF_ENVIRONMENT: list[ev.AnyEvent] = [
    ev.DebtIncurred(environment="production", debt=debt(1)),
    ev.DebtIncurred(environment="elsewhere", debt=debt(7)),
    ev.DebtPaid(environment="production", job=1, paid_by=2),
    ev.DebtPaid(environment="elsewhere", job=1, paid_by=2),
    ev.DebtWaived(environment="production", job=1, reason="r"),
    ev.Quarantined(environment="production", job=1, reason="r", findings=(finding(1, "a"),)),
    ev.QuarantineLifted(environment="production", reason="r"),
    ev.RecheckRequested(environment="production"),
    ev.RecheckStarted(environment="production"),
    ev.RecheckStopRequested(environment="production", stop=STOP),
    ev.Rechecked(environment="production", ref=A, finding=None),
    ev.Rechecked(environment="production", ref=A, finding=finding(1, "a")),
    ev.FindingSettled(environment="production", ref=A, by_job=2),
    ev.UnknownRunFound(environment="production", run=UnknownRun(job=9)),
    ev.UnknownRunFound(environment="elsewhere", run=UnknownRun(job=9)),
    ev.UnknownRunJudged(environment="production", job=9, verdict=VERDICT),
    ev.UnknownRunSetAside(environment="production", job=9),
    ev.DrainStarted(),
    ev.DrainEnded(),
    ev.DaemonStarted(version="1", pid=1),
    ev.ConfigAccepted(digest="c", configuration=config()),
]


def replay(one: Story, event: ev.AnyEvent) -> None:
    evolve(one.world, ev.Stamped(at=at(400), by=None, event=event))
    same = restored(one.world, one.world.epoch)
    mine, theirs = state_of(one.world), state_of(same)
    mine.pop("slots"), theirs.pop("slots")  # who waits for one is found by `settle`
    assert mine == theirs


@pytest.mark.parametrize("event", OF_JOB)
@pytest.mark.parametrize("name", STORIES)
def test_events_of_jobs_replay_anywhere(name: str, event: ev.AnyEvent) -> None:
    """An event of a job replays in any state."""
    replay(STORIES[name](), event)


@pytest.mark.parametrize("event", OF_ENVIRONMENT)
@pytest.mark.parametrize("name", STORIES)
def test_events_of_environments_replay_anywhere(name: str, event: ev.AnyEvent) -> None:
    """An event of an environment replays in any state."""
    replay(STORIES[name](), event)


def test_every_event_is_tried() -> None:
    """Every event but those that make something is tried."""
    tried = {type(event) for event in (*OF_JOB, *OF_ENVIRONMENT)}
    assert set(typing.get_args(ev.AnyEvent)) - tried == {ev.DefinitionRecorded, ev.JobSubmitted}
