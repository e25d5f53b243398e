"""Four outcomes for one step, for one beside others, and for the job that pays a debt."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import OutcomeRule, PipelineDefinition
from orchestrator.core.language.model import Acquiring, Cancelling, Finished, JobFinished
from orchestrator.core.language.words import (
    JobConclusion,
    Outcome,
    RunningPolicy,
    StepConclusion,
    StopCause,
)
from tests.core.core_setup import (
    ADA,
    acquired,
    applied,
    cleaned,
    config,
    dirty,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

CONTINUE, WARN, FAIL, HALT = Outcome
SUCCESS, FAILURE = JobConclusion.SUCCESS, JobConclusion.FAILURE


def ended(story: Story, job: int = 1) -> tuple[JobConclusion, str | None]:
    phase = story.job(job).phase
    assert isinstance(phase, JobFinished)
    return phase.conclusion, phase.halted_by


def word(story: Story, name: str, job: int = 1) -> str:
    phase = story.phase(job, name)
    assert isinstance(phase, Finished), phase
    return phase.ending.conclusion.value


def reason(story: Story, name: str) -> str:
    phase = story.phase(1, name)
    assert isinstance(phase, Finished), phase
    return phase.ending.reason


def rule(
    then: Outcome, match: str = "exit 3", *, reason: str = "", skip: tuple[str, ...] = ()
) -> tuple[OutcomeRule, ...]:
    return (OutcomeRule(match, then, reason, skip),)


TABLE = [
    (CONTINUE, "success", "success", SUCCESS, None),
    (WARN, "warning", "success", SUCCESS, None),
    (FAIL, "failure", "not_run", FAILURE, None),
    (HALT, "halted", "not_run", SUCCESS, "a"),
]


@pytest.mark.parametrize(("then", "first", "second", "job", "halted_by"), TABLE)
def test_alone(
    then: Outcome, first: str, second: str, job: JobConclusion, halted_by: str | None
) -> None:
    steps = (step("a", outcomes=rule(then)), step("b", needs=("a",)))
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"))
    story.given(failed(1, "a", exit=3), cleaned(1, "a"))
    if second == "success":
        story.given(*whole(1, "b"))
    assert (word(story, "a"), word(story, "b")) == (first, second)
    assert ended(story) == (job, halted_by)


@pytest.mark.parametrize(("then", "first", "second", "job", "halted_by"), TABLE)
@pytest.mark.parametrize("beside", ["success", "failure"])
def test_in_parallel(
    then: Outcome, first: str, second: str, job: JobConclusion, halted_by: str | None, beside: str
) -> None:
    steps = (
        step("a", outcomes=rule(then)),
        step("c", needs=()),
        step("b", needs=("a", "c")),
    )
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"))
    story.given(acquired(1, "c"), failed(1, "a", exit=3), cleaned(1, "a"))
    assert story.job(1).step("c").active
    story.given((applied if beside == "success" else failed)(1, "c"), cleaned(1, "c"))
    if beside == "failure":
        job, halted_by, second = FAILURE, None, "not_run"
    elif second == "success":
        story.given(*whole(1, "b"))
    assert (word(story, "a"), word(story, "c")) == (first, beside)
    assert word(story, "b") == second
    assert ended(story) == (job, halted_by)


@pytest.mark.parametrize(("then", "first", "second", "job", "halted_by"), TABLE)
def test_of_the_cleanup_that_is_owed(
    then: Outcome, first: str, second: str, job: JobConclusion, halted_by: str | None
) -> None:
    cleanup = (step("a", outcomes=rule(then)), step("b", needs=("a",)))
    story = given(
        config(
            pipeline("web", cleanup="tidy"),
            pipeline("tidy", "cleanup", steps=cleanup),
        ),
        submit("web"),
        *whole(1),
        acquired(2, "a"),
        failed(2, "a", exit=3),
        cleaned(2, "a"),
    )
    if second == "success":
        story.given(*whole(2, "b"))
    assert (word(story, "a", 2), word(story, "b", 2)) == (first, second)
    assert ended(story, 2) == (job, halted_by)
    assert (not story.environment().debts) is (job is SUCCESS)
    assert (story.environment().quarantine is None) is (job is SUCCESS)


def test_rules_of_the_file_count_more() -> None:
    """A rule of the file counts for more than any of the adapter."""
    steps = (
        step("a", outcomes=rule(HALT, "success"), default_outcomes=rule(CONTINUE, "exit 2")),
        step("b", needs=("a",)),
    )
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"))
    story.given(applied(1, "a", exit=2), cleaned(1, "a"))
    assert ended(story) == (SUCCESS, "a")


# --- skip -----------------------------------------------------------------------------------


def canary(reason: str = "") -> PipelineDefinition:
    skips = rule(CONTINUE, reason=reason, skip=("load", "soak"))
    return pipeline(
        "web",
        steps=(
            step("canary", outcomes=skips),
            step("load", needs=("canary",)),
            step("soak", needs=("load",)),
            step("ship", needs=("soak",)),
        ),
    )


def test_skipped_steps_say_by_what_and_meet_needs() -> None:
    story = given(config(canary()), submit("web"), acquired(1, "canary"))
    story.given(failed(1, "canary", exit=3)).when(cleaned(1, "canary"))
    story.then_among(like(ev.StepNotRun, ref=ref(1, "load")), like(ev.StepStarted))
    assert [word(story, name) for name in ("load", "soak")] == ["skipped", "skipped"]
    assert reason(story, "load") == "skipped by canary (exit 3)"
    story.given(*whole(1, "ship"))
    assert ended(story) == (SUCCESS, None)


def test_a_skip_has_the_reason_of_its_rule() -> None:
    story = given(config(canary(reason="no traffic")), submit("web"), acquired(1, "canary"))
    story.given(failed(1, "canary", exit=3), cleaned(1, "canary"))
    assert reason(story, "soak") == "skipped by canary (exit 3: no traffic)"


def test_when_nothing_is_skipped() -> None:
    """Nothing is skipped by another end, nor by a dirty one."""
    story = given(config(canary()), submit("web"), *whole(1, "canary"))
    assert [one.name for one in story.job(1).steps if one.active] == ["load"]
    story = given(config(canary()), submit("web"), acquired(1, "canary"))
    story.given(failed(1, "canary", exit=3), dirty(1, "canary"))
    assert word(story, "load") == "not_run"


# --- what runs beside it --------------------------------------------------------------------


def beside(**fields: object) -> Story:
    """`a` has acquired, `b` works, `c` acquires; `a` ends the job by exit 3 or exit 4."""
    steps = (
        step("a", outcomes=(OutcomeRule("exit 3", HALT, "no changes"),)),
        step("b"),
        step("c"),
        step("d", needs=("a", "b", "c")),
    )
    story = given(config(pipeline("web", steps=steps, **fields)), submit("web"))
    return story.given(acquired(1, "a"), acquired(1, "b"))


@pytest.mark.parametrize(
    ("exit", "policy", "cause", "text"),
    [
        (4, "fail_running", StopCause.FAILURE, "a failed (exit 4)"),
        (3, "halt_running", StopCause.HALT, "halted by a (exit 3: no changes)"),
    ],
)
def test_what_runs_is_asked_to_stop(exit: int, policy: str, cause: StopCause, text: str) -> None:
    """What runs is asked to stop where the pipeline says so."""
    story = beside(**{policy: RunningPolicy.STOP}).given(failed(1, "a", exit=exit))
    story.given(cleaned(1, "a"))
    working, looking = story.phase(1, "b"), story.phase(1, "c")
    assert isinstance(working, Cancelling)
    assert isinstance(looking, Acquiring)
    for phase in (working, looking):
        assert phase.stop is not None
        assert (phase.stop.cause, phase.stop.reason, phase.stop.by) == (cause, text, None)
    story.given(applied(1, "b"), cleaned(1, "b"))
    story.given(cmd.AttemptFailed(ref(1, "c"), conclusion=StepConclusion.CANCELLED, reason=""))
    story.given(cleaned(1, "c"))
    assert (word(story, "b"), word(story, "c"), word(story, "d")) == (
        "cancelled",
        "cancelled",
        "not_run",
    )
    assert reason(story, "b") == f"stopped: {text}"
    assert ended(story) == ((FAILURE, None) if exit == 4 else (SUCCESS, "a"))


@pytest.mark.parametrize(("exit", "policy"), [(3, "fail_running"), (4, "halt_running")])
def test_each_policy_is_for_its_own_end(exit: int, policy: str) -> None:
    story = beside(**{policy: RunningPolicy.STOP})
    story.given(failed(1, "a", exit=exit), cleaned(1, "a"))
    assert not isinstance(story.phase(1, "b"), Cancelling)


def test_a_step_fails_after_a_halt() -> None:
    """A step that fails although it was stopped for a halt fails the job."""
    story = beside(halt_running=RunningPolicy.STOP)
    story.given(failed(1, "a", exit=3), cleaned(1, "a"))
    story.given(failed(1, "b", stopped=False), cleaned(1, "b"))
    story.given(cmd.AttemptFailed(ref(1, "c"), conclusion=StepConclusion.CANCELLED, reason=""))
    story.given(cleaned(1, "c"))
    assert ended(story) == (FAILURE, None)


def test_a_job_that_was_halted_and_then_cancelled() -> None:
    story = beside().given(failed(1, "a", exit=3), cleaned(1, "a"), acquired(1, "c"))
    story.given(cmd.Cancel(caller=ADA, job=1))
    story.given(applied(1, "b", stopped=False), cleaned(1, "b"))
    story.given(applied(1, "c", stopped=False), cleaned(1, "c"))
    assert ended(story) == (SUCCESS, "a")
