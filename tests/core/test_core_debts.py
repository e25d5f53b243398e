"""What a job owes its environment: from when, who pays, and what may start meanwhile."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import Configuration, OutcomeRule, StepDefinition
from orchestrator.core.language.model import CallRecord, ProcessRecord
from orchestrator.core.language.rejections import EnvironmentRetired
from orchestrator.core.language.words import JobConclusion, Outcome, StepConclusion
from tests.core.core_setup import (
    ADA,
    API,
    E2E,
    ROOT,
    WEB,
    WEB_CLEANUP,
    accept,
    acquired,
    applied,
    audited,
    chain,
    cleaned,
    config,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

HALTING = step("apply", outcomes=(OutcomeRule("exit 3", Outcome.HALT),))
PROCESS = cmd.IntendProcess(ref=ref(1), record=ProcessRecord("acquire", "init", "boot-1"))
CALL = cmd.NoteCall(ref=ref(1), record=CallRecord("acquire", "ask"))
GAVE_UP = cmd.AttemptFailed(ref=ref(1), conclusion=StepConclusion.FAILURE, reason="no tool")


def of_step(definition: StepDefinition) -> Configuration:
    """`web` consists of this step and owes a cleanup."""
    web = pipeline("web", steps=(definition,), cleanup="clean")
    return config(web, pipeline("clean", "cleanup"), API, E2E)


# --- from when ------------------------------------------------------------------------------


def test_nothing_is_owed_in_acquire() -> None:
    story = given(submit("web"))
    assert story.environment().debts == ()


def test_a_cleanup_is_owed_from_apply() -> None:
    """A cleanup is owed from the moment of apply, and that is journalled first."""
    given(submit("web")).when(acquired(1)).then(like(ev.DebtIncurred), like(ev.StepApplying))


@pytest.mark.parametrize("command", [PROCESS, CALL])
def test_what_owes_in_acquire(command: cmd.Command) -> None:
    """A run or a call in acquire owes before it begins."""
    given(submit("web")).when(command).then(like(ev.DebtIncurred), like(ev.StepRecorded))


def test_a_step_without_acquire_owes_when_it_starts() -> None:
    story = given(of_step(step("apply", has_acquire=False)))
    story.when(submit("web")).then(
        like(ev.JobSubmitted), like(ev.JobAdmitted), like(ev.DebtIncurred), like(ev.StepStarted)
    )


def test_a_job_owes_once_however_many_steps_touch() -> None:
    web = pipeline("web", steps=chain("a", "b"), cleanup="clean")
    story = given(config(web, pipeline("clean", "cleanup")), submit("web"), *whole(1, "a"))
    story.when(acquired(1, "b")).then(like(ev.StepApplying))


@pytest.mark.parametrize("commands", [(acquired(1),), (PROCESS,), (acquired(1), applied(1))])
def test_a_step_that_does_not_touch_owes_nothing(commands: tuple[cmd.Command, ...]) -> None:
    story = given(of_step(step("apply", touches=False)), submit("web"), *commands)
    assert story.environment().debts == ()


def test_a_pipeline_without_cleanup_owes_nothing() -> None:
    story = given(submit("api"), acquired(1))
    assert story.environment().debts == ()


@pytest.mark.parametrize(
    "ending", [(cmd.Cancel(caller=ADA, job=1), GAVE_UP, cleaned(1)), (GAVE_UP, cleaned(1))]
)
def test_before_apply_nothing_is_owed(ending: tuple[cmd.Command, ...]) -> None:
    """A job that ended before its apply owes nothing."""
    story = given(submit("web"), *ending)
    assert (story.environment().debts, story.waiting(), story.running()) == ((), [], [])


def test_in_the_queue_nothing_is_owed() -> None:
    """A job that was cancelled in the queue owes nothing."""
    given(submit("web"), submit("web")).when(cmd.Cancel(caller=ADA, job=2)).then(
        like(ev.JobEnded, job=2, conclusion=JobConclusion.CANCELLED)
    )


# --- the owed run ---------------------------------------------------------------------------


def owing(*more: cmd.Command, version: str = "v7") -> Story:
    """Job 1 touches production, and these others wait."""
    configuration = config(environments={"production": ("vpc",), "staging": ("vpc",)})
    return given(configuration, submit("web", params={"version": version}), acquired(1), *more)


@pytest.mark.parametrize("end", [applied(1), failed(1)])
def test_however_it_ends_its_cleanup_runs(end: cmd.Command) -> None:
    """When the job has ended, however, its cleanup runs."""
    story = owing().given(end).when(cleaned(1))
    story.then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=1),
        like(
            ev.JobSubmitted,
            job=2,
            pipeline="web-cleanup",
            kind="cleanup",
            cleanup_for=1,
            params={"version": "v7"},
            submitter=ADA.actor,
            reason="owed by job 1",
        ),
        like(ev.JobAdmitted, job=2),
        like(ev.StepStarted, ref=ref(2)),
    )


def test_the_run_inherits_the_locks() -> None:
    """The run inherits the locks, and names what it pays."""
    story = owing().given(applied(1), cleaned(1))
    run = story.job(2).run
    assert run is not None
    assert (run.pays, run.locks) == ((1,), ("vpc",))


def test_a_debt_keeps_the_locks_of_its_job() -> None:
    """Even in an environment that is configured with none when its cleanup starts."""
    story = owing(submit("e2e"), submit("api", "staging"))
    unlocked = config(environments={"production": (), "staging": ("vpc",)})
    story.given(accept(unlocked), applied(1), cleaned(1))
    run = story.job(4).run
    assert run is not None
    assert run.locks == ("vpc",)
    assert story.waiting("staging") == [3]
    story.given(*whole(4))
    assert story.running("staging") == [3]


def test_it_waits_for_no_other_lock() -> None:
    """Else a reload that adds a lock to two environments lets their owed cleanups block each
    other for ever."""
    before = {"production": ("vpc",), "staging": ("db",)}
    both = {"production": ("vpc", "db"), "staging": ("vpc", "db")}
    story = given(config(environments=before), submit("web"), submit("web", "staging"))
    story.given(acquired(1), acquired(2), accept(config(environments=both)))
    story.given(applied(1), cleaned(1), applied(2), cleaned(2))
    assert (story.running(), story.running("staging")) == ([3], [4])
    runs = [story.job(job).run for job in (3, 4)]
    assert [run.locks for run in runs if run is not None] == [("vpc",), ("db",)]


def test_success_pays() -> None:
    *before, last = whole(2)
    story = owing().given(applied(1), cleaned(1), *before).when(last)
    story.then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=2),
        ev.DebtPaid(environment="production", job=1, paid_by=2),
    )
    assert story.environment().debts == ()


def test_a_cleanup_that_halted_has_paid() -> None:
    halting = cmd.ApplyDone(ref=ref(2), succeeded=True, exit=3)
    rules = config(
        WEB,
        pipeline("web-cleanup", "cleanup", params=WEB_CLEANUP.params, steps=(HALTING,)),
    )
    story = given(rules, submit("web"), acquired(1), applied(1), cleaned(1), acquired(2), halting)
    story.when(cleaned(2)).then_among(like(ev.DebtPaid, job=1, paid_by=2))


def test_it_goes_ahead_of_the_queue() -> None:
    story = owing(submit("api", priority=9), submit("api"))
    story.given(applied(1)).when(cleaned(1)).then_among(
        like(ev.JobSubmitted, job=4), like(ev.JobAdmitted, job=4)
    )
    assert story.waiting() == [2, 3]


def test_it_ignores_a_drain() -> None:
    story = owing(cmd.StartDrain(caller=ROOT), applied(1))
    story.when(cleaned(1)).then_among(like(ev.JobAdmitted, job=2))


def test_it_waits_for_running_jobs_that_exclude_it() -> None:
    """Kinds decide: the debt was made beside a job that the cleanup's kind excludes."""
    kinds = {"lab": (), "scrub": ("lab",), "audit": ("scrub",)}
    lab = pipeline("lab", "lab", cleanup="scrub")
    configuration = config(lab, pipeline("scrub", "scrub"), pipeline("audit", "audit"), kinds=kinds)
    story = given(configuration, submit("audit"), submit("lab"), acquired(2), applied(2))
    story.when(cleaned(2)).then_among(like(ev.JobSubmitted, job=3, cleanup_for=2))
    assert (story.running(), story.waiting()) == ([1], [3])
    story.given(*whole(1))
    assert story.running() == [3]


def test_it_is_queued_once() -> None:
    story = owing().given(applied(1), cleaned(1))
    story.restart().restart(from_journal=True)
    assert (story.running(), story.waiting()) == ([2], [])


# --- what may start meanwhile ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["web", "api"])
def test_what_is_owed_excludes(name: str) -> None:
    """Here nothing runs that excludes a deploy, but the cleanup can't start beside the audit."""
    story = given(audited(), submit("web"), submit("audit"), acquired(1), submit(name))
    story.given(applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([2], [4, 3])


def test_what_it_does_not_exclude_runs_beside_it() -> None:
    story = given(submit("web"), acquired(1), submit("e2e"), applied(1))
    story.when(cleaned(1)).then_among(like(ev.JobAdmitted, job=3), like(ev.JobAdmitted, job=2))


def test_exclusion_holds_in_both_directions() -> None:
    """The waiting kind excludes the cleanup's; the cleanup's says nothing."""
    kinds = {"deploy": (), "cleanup": (), "test": ("cleanup",)}
    story = given(config(kinds=kinds), submit("web"), acquired(1), submit("e2e"))
    assert story.waiting() == [2]


def test_a_debt_keeps_its_exclusions() -> None:
    """Neither a removed pipeline nor a removed kind lets a deploy run over what is owed."""
    lab = pipeline("lab", "lab", cleanup="scrub")
    kinds = {"lab": ("lab",), "scrub": ("deploy",), "deploy": ()}
    story = given(config(lab, pipeline("scrub", "scrub"), API, kinds=kinds), submit("lab"))
    story.given(acquired(1), accept(config(API, kinds={"deploy": ()})), submit("api"))
    assert story.waiting() == [2]
    story.given(applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([3], [2])
    story.given(*whole(3))
    assert story.running() == [2]


def test_a_debt_has_todays_exclusions_too() -> None:
    """Nor does a kind run over what is owed that a reload has excluded since."""
    kinds = {"deploy": (), "cleanup": ()}
    story = given(config(kinds=kinds), submit("web"), acquired(1))
    story.given(accept(config(kinds=kinds | {"cleanup": ("test",)})), submit("e2e"))
    assert story.waiting() == [2]


# --- who pays -------------------------------------------------------------------------------


def two_debts(first: str, second: str) -> Story:
    """Jobs 1 and 2 of the kind `lab`, which do not exclude each other, owe cleanups."""
    lab = pipeline("lab", "lab", params=WEB.params, cleanup=WEB.cleanup)
    kinds = {"lab": (), "cleanup": ("cleanup", "lab")}
    story = given(
        config(lab, WEB_CLEANUP, kinds=kinds),
        submit("lab", params={"version": first}),
        submit("lab", params={"version": second}),
        acquired(1),
        acquired(2),
    )
    return story.given(applied(1), cleaned(1), applied(2), cleaned(2))


def test_one_run_pays_every_equal_debt() -> None:
    story = two_debts("v1", "v1")
    *before, last = whole(3)
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=1, paid_by=3), like(ev.DebtPaid, job=2, paid_by=3)
    )
    assert (story.waiting(), story.environment().debts) == ([], ())


def test_debts_are_paid_one_by_one() -> None:
    """Debts with other parameters are paid one by one."""
    story = two_debts("v1", "v2")
    story.given(*whole(3))
    assert [debt.job for debt in story.environment().debts] == [2]
    story.given(*whole(4))
    assert story.environment().debts == ()


def test_a_running_jobs_debt_stays() -> None:
    """What it may yet do is not cleaned up by what ran before."""
    kinds = {"deploy": ("deploy",), "cleanup": ()}
    story = given(config(kinds=kinds), submit("web"), acquired(1), submit("web-cleanup"))
    story.given(*whole(2))
    assert [debt.job for debt in story.environment().debts] == [1]


def test_a_debt_that_falls_due_meanwhile_stays() -> None:
    """What was touched while a cleanup ran was not cleaned up by it."""
    kinds = {"deploy": ("deploy",), "cleanup": ()}
    story = given(config(kinds=kinds), submit("web"), submit("web-cleanup"), acquired(2))
    story.given(*whole(1), applied(2), cleaned(2))
    assert [debt.job for debt in story.environment().debts] == [1]


def test_a_run_by_hand_with_equal_parameters_pays() -> None:
    story = owing(submit("web-cleanup", params={"version": "v7"}), applied(1))
    story.when(cleaned(1)).then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=1),
        like(ev.JobAdmitted, job=2),
        like(ev.StepStarted),
    )
    *before, last = whole(2)
    story.given(*before).when(last).then_among(like(ev.DebtPaid, job=1, paid_by=2))


def test_other_parameters_do_not_pay() -> None:
    """A run by hand with other parameters does not pay."""
    story = owing(submit("web-cleanup", params={"version": "v8"}), applied(1), cleaned(1))
    assert (story.running(), story.waiting()) == ([3], [2])
    story.given(*whole(3), *whole(2))
    assert story.environment().debts == ()


def test_a_paying_run_ignores_the_order() -> None:
    """A run by hand that pays ignores drain and order, as the owed one would."""
    story = owing(submit("api"), submit("web-cleanup", params={"version": "v7"}))
    story.given(cmd.StartDrain(caller=ROOT), applied(1))
    story.when(cleaned(1)).then_among(like(ev.JobAdmitted, job=3))


def test_after_a_cancel_the_owed_one_comes() -> None:
    """When a run by hand is cancelled in the queue, the owed one comes."""
    story = owing(submit("web-cleanup", params={"version": "v7"}))
    story.when(cmd.Cancel(caller=ADA, job=2)).then(like(ev.JobEnded, job=2))
    story.given(applied(1)).when(cleaned(1)).then_among(like(ev.JobAdmitted, job=3))


# --- what survives --------------------------------------------------------------------------


@pytest.mark.parametrize("from_journal", [False, True])
@pytest.mark.parametrize("rebooted", [False, True])
def test_a_debt_survives_a_restart(from_journal: bool, rebooted: bool) -> None:
    story = owing(submit("api")).restart(rebooted=rebooted, from_journal=from_journal)
    story.given(applied(1)).when(cleaned(1)).then_among(like(ev.JobAdmitted, job=3))


def test_a_cleanup_runs_as_submitted() -> None:
    """A cleanup runs as it was when the job was submitted."""
    other = pipeline("web-cleanup", "cleanup", steps=chain("x", "y"), params=WEB.params)
    story = given(submit("web"), acquired(1), accept(config(WEB, other)), applied(1), cleaned(1))
    assert [one.name for one in story.job(2).steps] == ["apply"]


@pytest.mark.parametrize(
    "left",
    [config(API), config(WEB, API), config(API, environments=("staging",))],
    ids=["no pipeline", "no cleanup", "no environment"],
)
def test_a_removed_cleanup_runs(left: Configuration) -> None:
    """A cleanup runs though its pipeline or environment was removed."""
    story = given(submit("web"), acquired(1), accept(left), applied(1), cleaned(1))
    assert story.running() == [2]
    *before, last = whole(2)
    story.given(*before).when(last).then_among(like(ev.DebtPaid, job=1, paid_by=2))


def test_a_removed_environment_is_retired() -> None:
    """A removed environment is retired until it is empty."""
    left = config(API, environments=("staging",))
    story = given(submit("web"), acquired(1), accept(left))
    assert story.environment().retired
    story.when(submit("api")).refused(EnvironmentRetired, "production")
    story.given(applied(1), cleaned(1), *whole(2))
    assert "production" not in story.world.environments
    assert story.world.changes.environments["production"] is None


def test_an_environment_comes_back() -> None:
    story = given(submit("web"), acquired(1), accept(config(API, environments=("staging",))))
    story.given(accept(config()), submit("api"))
    assert (story.environment().retired, story.waiting()) == (False, [2])
