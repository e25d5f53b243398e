"""`before`, `finally` and `on_…`: what runs when, holding what."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    Configuration,
    OutcomeRule,
    PipelineDefinition,
    RetryPolicy,
    StepDefinition,
)
from orchestrator.core.language.model import Finished, JobCancelling, JobFinished, JobPreparing
from orchestrator.core.language.words import JobConclusion, Outcome, Section, StepConclusion
from tests.core.core_setup import (
    ADA,
    ROOT,
    acquired,
    applied,
    cleaned,
    config,
    failed,
    pipeline,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

CANCEL = cmd.Cancel(caller=ADA, job=1, reason="wrong")
FORCE = cmd.Cancel(caller=ROOT, job=1, force=True, reason="hangs")
HANDLERS = (
    Section.ON_SUCCESS,
    Section.ON_WARNING,
    Section.ON_FAILURE,
    Section.ON_CANCEL,
    Section.FINALLY,
)


def handlers(**fields: object) -> tuple[StepDefinition, ...]:
    """One handler in every section, named like it."""
    return tuple(
        step(one.value, section=one, touches=False, has_acquire=False, **fields) for one in HANDLERS
    )


def before(*names: str, **fields: object) -> tuple[StepDefinition, ...]:
    return tuple(step(name, section=Section.BEFORE, touches=False, **fields) for name in names)


def web(*steps: StepDefinition, **fields: object) -> PipelineDefinition:
    return pipeline("web", steps=steps, cleanup="clean", **fields)


def settings(*steps: StepDefinition, **fields: object) -> Configuration:
    return config(web(*steps, **fields), pipeline("clean", "cleanup"))


def conclusion(story: Story, name: str, job: int = 1) -> StepConclusion | None:
    phase = story.phase(job, name)
    return phase.ending.conclusion if isinstance(phase, Finished) else None


def reason(story: Story, name: str, job: int = 1) -> str:
    phase = story.phase(job, name)
    assert isinstance(phase, Finished)
    return phase.ending.reason


def ended(story: Story, job: int = 1) -> JobFinished:
    phase = story.job(job).phase
    assert isinstance(phase, JobFinished), phase
    return phase


def run_handlers(story: Story, job: int = 1) -> list[str]:
    """Let each handler that begins succeed; their names in order."""
    ran = []
    while active := [one.name for one in story.job(job).steps if one.active]:
        ran.append(active[0])
        story.when(applied(job, active[0])).when(cleaned(job, active[0]))
    return ran


# --- before ------------------------------------------------------------------------------------


def test_before_holds_nothing() -> None:
    """The tests of the second deploy run while the first deploys."""
    story = given(settings(*before("build"), step("apply"), **{}), submit("web"))
    story.given(*whole(1, "build"), submit("web"))
    assert story.running() == [1]
    assert isinstance(story.job(2).phase, JobPreparing)
    story.given(*whole(2, "build"))
    assert story.waiting() == [2]
    assert story.job(1).step("apply").active


def test_preparing_holds_up_nobody() -> None:
    """A job that prepares holds up nobody behind it."""
    story = given(settings(*before("build"), step("apply")), submit("web"), submit("web"))
    story.given(*whole(2, "build"))
    assert story.running() == [2]
    story.given(*whole(1, "build"), *whole(2))
    assert [story.job(job).cleanup_for for job in story.running()] == [2]


def test_a_halt_in_before_owes_nothing() -> None:
    """A halt in `before` is an early exit that owes nothing."""
    plan = before("plan", outcomes=(OutcomeRule("exit 0", Outcome.HALT, "no changes"),))
    story = given(settings(*plan, step("apply"), *handlers()), submit("web"))
    story.given(*whole(1, "plan"))
    assert reason(story, "apply") == "halted by plan (exit 0: no changes)"
    assert run_handlers(story) == ["on_success", "finally"]
    end = ended(story)
    assert (end.conclusion, end.halted_by, end.run) == (JobConclusion.SUCCESS, "plan", None)
    assert not story.environment().debts


def test_a_failure_in_before_fails_the_job() -> None:
    """A failure in `before` fails the job before it queues."""
    story = given(settings(*before("build"), step("apply"), *handlers()), submit("web"))
    story.given(acquired(1, "build"), failed(1, "build"), cleaned(1, "build"))
    assert run_handlers(story) == ["on_failure", "finally"]
    assert ended(story).conclusion is JobConclusion.FAILURE
    assert not story.environment().debts


def test_a_cancel_while_preparing() -> None:
    """A cancel while preparing stops the step and queues nothing."""
    story = given(settings(*before("build"), step("apply"), *handlers()), submit("web"))
    story.given(acquired(1, "build"), CANCEL)
    story.given(failed(1, "build"), cleaned(1, "build"))
    assert run_handlers(story) == ["on_cancel", "finally"]
    assert ended(story).conclusion is JobConclusion.CANCELLED
    assert reason(story, "apply") == "the job was cancelled by ada"


def test_a_cancel_after_before_runs_handlers() -> None:
    """A job that waits after its `before` runs its handlers when cancelled."""
    story = given(settings(*before("build"), step("apply"), *handlers()), submit("web"))
    story.given(*whole(1, "build"), submit("web"), *whole(2, "build"))
    story.when(cmd.Cancel(caller=ADA, job=2))
    assert run_handlers(story, 2) == ["on_cancel", "finally"]
    assert ended(story, 2).conclusion is JobConclusion.CANCELLED


def test_a_touching_handler_needs_the_environment() -> None:
    """A handler that surely touches does not run without the environment."""
    undo = step("undo", section=Section.FINALLY, touches=True, surely_touches=True)
    report = step("report", section=Section.FINALLY, touches=False, needs=("undo",))
    story = given(settings(*before("build"), step("apply"), undo, report), submit("web"))
    story.given(acquired(1, "build"), failed(1, "build"), cleaned(1, "build"))
    assert reason(story, "undo") == "it touches production, which the job never held"
    assert story.job(1).step("report").active


def test_the_pipelines_timeout_bounds_before_too() -> None:
    story = given(settings(*before("build"), step("apply"), timeout=60.0), submit("web"))
    story.given(acquired(1, "build")).after(60)
    story.then_among(like(ev.JobStopRequested), like(ev.StepStopRequested))
    story.given(failed(1, "build"), cleaned(1, "build"))
    assert ended(story).conclusion is JobConclusion.TIMED_OUT


def test_a_drain_that_cancels_before() -> None:
    """A drain that cancels stops what works before, and leaves what waits."""
    story = given(settings(*before("build"), step("apply")), submit("web"))
    story.given(cmd.StartDrain(caller=ROOT), submit("web"))
    story.given(cmd.StartDrain(caller=ROOT, cancel=True))
    assert isinstance(story.job(1).phase, JobCancelling)
    assert isinstance(story.job(2).phase, JobPreparing)


def test_a_drained_daemon_begins_no_before_step() -> None:
    story = given(settings(*before("a", "b"), step("apply")))
    story.given(cmd.StartDrain(caller=ROOT), submit("web"))
    assert not any(one.active for one in story.job(1).steps)
    story.given(cmd.EndDrain(caller=ROOT))
    assert story.job(1).step("a").active


def test_before_steps_wait_for_slots_like_all_others() -> None:
    one = config(
        pipeline("web", steps=(*before("build"), step("apply"))),
        pipeline("api"),
        capacity=1,
    )
    story = given(one, submit("api", "staging"), acquired(1), submit("web"))
    assert not story.job(2).step("build").active
    story.given(applied(1), cleaned(1))
    assert story.job(2).step("build").active


def test_an_owed_cleanup_with_a_before() -> None:
    """An owed cleanup with a `before` is queued once, and pays."""
    clean = pipeline("clean", "cleanup", steps=(*before("look"), step("wipe")))
    story = given(config(web(step("apply")), clean), submit("web"), *whole(1))
    assert isinstance(story.job(2).phase, JobPreparing)
    story.given(1.0, *whole(2, "look"))
    assert story.running() == [2]
    story.given(*whole(2, "wipe"))
    assert not story.environment().debts and set(story.ended) == {1, 2}


def test_an_owed_cleanup_whose_before_fails() -> None:
    """An owed cleanup whose `before` fails leaves a quarantine."""
    clean = pipeline("clean", "cleanup", steps=(*before("look"), step("wipe")))
    story = given(config(web(step("apply")), clean), submit("web"), *whole(1))
    story.given(acquired(2, "look"), failed(2, "look"), cleaned(2, "look"))
    assert story.environment().quarantine is not None and story.environment().debts


# --- handlers ----------------------------------------------------------------------------------


SETTINGS = settings(
    step("apply", outcomes=(OutcomeRule("exit 3", Outcome.WARN),)), step("last"), *handlers()
)


@pytest.mark.parametrize(
    ("end", "called", "expected"),
    [
        (applied(1), ["on_success", "finally"], JobConclusion.SUCCESS),
        (failed(1, exit=3), ["on_success", "on_warning", "finally"], JobConclusion.SUCCESS),
        (failed(1), ["on_failure", "finally"], JobConclusion.FAILURE),
    ],
    ids=["success", "warning", "failure"],
)
def test_which_handlers_a_verdict_calls(
    end: cmd.ApplyDone, called: list[str], expected: JobConclusion
) -> None:
    one = settings(step("apply", outcomes=(OutcomeRule("exit 3", Outcome.WARN),)), *handlers())
    story = given(one, submit("web"), acquired(1), end, cleaned(1))
    assert run_handlers(story) == called
    assert ended(story).conclusion is expected
    for section in HANDLERS:
        if section.value not in called:
            assert conclusion(story, section.value) is StepConclusion.SKIPPED
            assert reason(story, section.value).startswith("only called after")


def test_handlers_hold_the_environment() -> None:
    """Handlers hold the environment, and come before the owed cleanup."""
    story = given(settings(step("apply"), *handlers()), submit("web"), *whole(1))
    assert story.running() == [1] and not story.waiting()
    run_handlers(story)
    assert story.running() == [2] and story.job(2).cleanup_for == 1


def test_a_cancel_during_handlers() -> None:
    """A cancel during handlers skips none, and changes no verdict."""
    story = given(settings(step("apply"), *handlers()), submit("web"), *whole(1))
    story.when(CANCEL).then(like(ev.JobStopRequested, after_steps=True))
    assert run_handlers(story) == ["on_success", "finally"]
    assert ended(story).conclusion is JobConclusion.SUCCESS


def test_a_cancel_during_handlers_hides_no_failure() -> None:
    story = given(settings(step("apply"), *handlers()), submit("web"), acquired(1), failed(1))
    story.given(cleaned(1), CANCEL)
    run_handlers(story)
    assert ended(story).conclusion is JobConclusion.FAILURE


def test_a_cancel_runs_its_handlers() -> None:
    """A cancel runs its handlers, and they are not asked to stop."""
    story = given(settings(step("apply"), *handlers()), submit("web"), acquired(1), CANCEL)
    story.given(failed(1), cleaned(1))
    assert run_handlers(story) == ["on_cancel", "finally"]
    assert ended(story).conclusion is JobConclusion.CANCELLED


def test_a_force_before_the_handlers_leaves_them_alone() -> None:
    story = given(settings(step("apply"), *handlers()), submit("web"), acquired(1), CANCEL, 300)
    story.when(FORCE).then_among(like(ev.StepForced))
    story.given(cmd.AttemptFailed(acquired(1).ref, StepConclusion.CANCELLED, "killed"), cleaned(1))
    assert run_handlers(story) == ["on_cancel", "finally"]


def test_an_armed_force_is_spent() -> None:
    """A force armed while steps ran is spent when they have ended."""
    story = given(settings(step("apply"), *handlers()), submit("web"), acquired(1), CANCEL, FORCE)
    story.given(failed(1), cleaned(1))
    assert story.job(1).step("on_cancel").active
    story.after(300)
    assert not story.job(1).step("on_cancel").forced
    assert run_handlers(story) == ["on_cancel", "finally"]


def test_a_force_of_handlers() -> None:
    """A force of handlers ends the one at work, and runs no other."""
    story = given(settings(step("apply"), *handlers()), submit("web"), *whole(1))
    story.when(FORCE).after(300)
    story.then_among(like(ev.JobForced), like(ev.StepStopRequested), like(ev.StepForced))
    aborted = cmd.AttemptFailed(
        acquired(1, "on_success").ref, StepConclusion.CANCELLED, "ended by force"
    )
    story.given(aborted, cleaned(1, "on_success"))
    assert conclusion(story, "finally") is StepConclusion.NOT_RUN
    assert reason(story, "finally") == "forced: stopped by root: hangs"
    assert ended(story).conclusion is JobConclusion.CANCELLED


def test_a_second_force_reaches_handlers() -> None:
    """A second force reaches the handlers that the first left alone."""
    story = given(settings(step("apply"), *handlers()), submit("web"), acquired(1), CANCEL, 300)
    story.given(FORCE)
    story.given(cmd.AttemptFailed(acquired(1).ref, StepConclusion.CANCELLED, "killed"), cleaned(1))
    story.when(FORCE).then_among(like(ev.JobForceRequested, of_handlers=True), like(ev.StepForced))


def test_a_failure_in_finally() -> None:
    """A failure in `finally` fails the job, and stops no other handler."""
    two = (
        step("first", section=Section.FINALLY, touches=False),
        step("second", section=Section.FINALLY, touches=False, needs=("first",)),
    )
    story = given(settings(step("apply"), *two), submit("web"), *whole(1))
    story.given(acquired(1, "first"), failed(1, "first"), cleaned(1, "first"))
    story.given(*whole(1, "second"))
    assert ended(story).conclusion is JobConclusion.FAILURE


def test_a_halt_in_finally_is_a_continue() -> None:
    halts = step(
        "report",
        section=Section.FINALLY,
        touches=False,
        outcomes=(OutcomeRule("exit 0", Outcome.HALT),),
    )
    story = given(settings(step("apply"), halts), submit("web"), *whole(1), *whole(1, "report"))
    assert conclusion(story, "report") is StepConclusion.SUCCESS
    assert ended(story).halted_by is None


def test_handlers_are_retried_after_a_cancel() -> None:
    """A handler is tried again even after a cancel."""
    report = step("report", section=Section.FINALLY, touches=False, retry=RetryPolicy(2))
    story = given(settings(step("apply"), report), submit("web"), acquired(1), CANCEL)
    story.given(failed(1), cleaned(1))
    story.given(acquired(1, "report"), failed(1, "report"), cleaned(1, "report"))
    assert story.job(1).step("report").attempt == 2


def test_the_pipelines_timeout_does_not_reach_handlers() -> None:
    story = given(settings(step("apply"), *handlers(), timeout=60.0), submit("web"), *whole(1))
    story.after(100).then_nothing()
    assert run_handlers(story) == ["on_success", "finally"]


def test_handlers_go_on_after_a_restart() -> None:
    story = given(settings(step("apply"), *handlers()), submit("web"), *whole(1))
    story.restart()
    assert run_handlers(story) == ["on_success", "finally"]
    assert ended(story).conclusion is JobConclusion.SUCCESS


def test_no_handler_where_nothing_began() -> None:
    """Nothing of a job had begun, so no handler is called."""
    story = given(settings(*before("build"), step("apply"), *handlers()))
    story.given(cmd.StartDrain(caller=ROOT), submit("web"), CANCEL)
    assert conclusion(story, "finally") is StepConclusion.NOT_RUN
    assert reason(story, "finally") == "nothing of the job had begun (stopped by ada: wrong)"
    assert ended(story).conclusion is JobConclusion.CANCELLED
