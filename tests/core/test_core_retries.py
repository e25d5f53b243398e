"""A step that is tried again: when, how often, and what ends that."""

from typing import Any

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import OutcomeRule, RetryPolicy
from orchestrator.core.language.model import Acquiring, BackingOff, Finished, JobFinished
from orchestrator.core.language.rejections import StaleObservation
from orchestrator.core.language.words import JobConclusion, Outcome, RunningPolicy, StepConclusion
from orchestrator.core.steps.retries import backoff, is_retriable
from tests.core.core_setup import (
    ADA,
    API,
    applied,
    cleaned,
    config,
    dirty,
    finding,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

TWICE = RetryPolicy(attempts=2, backoff=10.0)


def tried(policy: RetryPolicy = TWICE, capacity: int = 8, **fields: Any) -> Story:
    """A job of `a`, which is tried again, and `b`, which needs it."""
    steps = (step("a", retry=policy, **fields), step("b", needs=("a",)))
    web = pipeline("web", steps=steps, force_after=0.0)
    return given(config(web, API, capacity=capacity), submit("web"))


def attempt(number: int, exit: int = 1, **fields: Any) -> tuple[cmd.Command, ...]:
    """An attempt of `a` that fails."""
    at = ref(1, "a", number)
    done = {"succeeded": exit == 0, "exit": exit} | fields
    return cmd.AcquireDone(ref=at), cmd.ApplyDone(ref=at, **done), cmd.CleanupDone(ref=at)


def ended(story: Story, name: str = "a") -> tuple[str, str]:
    phase = story.phase(1, name)
    assert isinstance(phase, Finished), phase
    return phase.ending.conclusion.value, phase.ending.reason


def of_job(story: Story) -> JobConclusion:
    phase = story.job(1).phase
    assert isinstance(phase, JobFinished)
    return phase.conclusion


def waits(story: Story) -> bool:
    return isinstance(story.phase(1, "a"), BackingOff)


def test_a_failed_attempt_is_followed() -> None:
    """A failed attempt is followed by another after the wait."""
    story = tried().given(*attempt(1)[:2])
    story.when(attempt(1)[2]).then(like(ev.StepRetryScheduled, ref=ref(1, "a"), seconds=10.0))
    story.after(9.0).then()
    story.after(1.0).then(
        like(ev.StepRetryDue, ref=ref(1, "a")), like(ev.StepStarted, ref=ref(1, "a", 2))
    )
    story.given(*attempt(2, exit=0), *whole(1, "b"))
    assert of_job(story) is JobConclusion.SUCCESS
    assert story.job(1).step("a").attempt == 2


def test_the_last_attempt_counts() -> None:
    """The last attempt counts, and outcomes come after retries."""
    story = tried(outcomes=(OutcomeRule("exit 75", Outcome.WARN, "flaky"),))
    story.given(*attempt(1, 75), 10.0, *attempt(2, 75), *whole(1, "b"))
    assert ended(story) == ("warning", "flaky")
    story = tried().given(*attempt(1), 10.0, *attempt(2, 3))
    assert ended(story) == ("failure", "")
    assert ended(story, "b") == ("not_run", "a failed (exit 3)")


def test_each_attempt_has_a_life_of_its_own() -> None:
    story = tried().given(cmd.AcquireDone(ref=ref(1, "a")))
    story.given(cmd.NoteWarning(ref=ref(1, "a"), text="slow"))
    story.given(cmd.ApplyDone(ref=ref(1, "a"), succeeded=False, outputs={"x": 1}, summary="s"))
    story.given(cleaned(1, "a"), 10.0)
    again = story.job(1).step("a")
    assert isinstance(again.phase, Acquiring)
    assert (again.records, again.outputs, again.summary) == ((), {}, "")
    assert again.warnings == ("slow",)


def test_waits_grow_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=9, backoff=2.0, factor=3.0, max=20.0)
    assert [backoff(policy, number) for number in (1, 2, 3, 4)] == [2.0, 6.0, 18.0, 20.0]
    assert backoff(RetryPolicy(attempts=100, backoff=86400.0, factor=100.0), 99) == 86400.0


FAILURE, SUCCESS = StepConclusion.FAILURE, StepConclusion.SUCCESS


@pytest.mark.parametrize(
    ("on", "outcome", "conclusion", "exit", "again"),
    [
        ((), Outcome.FAIL, FAILURE, 1, True),
        ((), Outcome.WARN, FAILURE, 1, True),
        ((), Outcome.CONTINUE, FAILURE, 1, False),
        ((), Outcome.HALT, FAILURE, 1, False),
        ((), Outcome.CONTINUE, SUCCESS, 0, False),
        ((), Outcome.FAIL, StepConclusion.TIMED_OUT, None, False),
        (("timed_out",), Outcome.FAIL, StepConclusion.TIMED_OUT, None, True),
        (("failure",), Outcome.FAIL, StepConclusion.CANCELLED, None, False),
        (("failure",), Outcome.FAIL, StepConclusion.LOST, None, False),
        (("exit 75",), Outcome.FAIL, FAILURE, 75, True),
        (("exit 75",), Outcome.FAIL, FAILURE, 1, False),
        (("exit 70-79",), Outcome.HALT, FAILURE, 75, True),
    ],
)
def test_which_ends_are_tried_again(
    on: tuple[str, ...],
    outcome: Outcome,
    conclusion: StepConclusion,
    exit: int | None,
    again: bool,
) -> None:
    assert is_retriable(RetryPolicy(2, on=on), outcome, conclusion, exit) is again
    assert not is_retriable(None, outcome, conclusion, exit)


def test_a_wait_holds_locks_and_takes_no_slot() -> None:
    story = tried(capacity=1).given(submit("api", "staging"), submit("api"), *attempt(1))
    assert waits(story)
    assert story.world.slots.in_use == 1
    assert story.running("staging") == [2]
    assert story.waiting() == [3]
    story.given(10.0)
    assert waits(story)  # it is due, and has no slot
    story.given(*whole(2))
    assert isinstance(story.phase(1, "a"), Acquiring)


def test_a_clock_that_is_stepped_changes_no_wait() -> None:
    story = tried().given(*attempt(1)).step_wall_clock(86400.0).after(9.0)
    assert waits(story)
    story.step_wall_clock(-2 * 86400.0).after(1.0)
    assert isinstance(story.phase(1, "a"), Acquiring)


@pytest.mark.parametrize("from_journal", [False, True])
@pytest.mark.parametrize("rebooted", [False, True])
def test_a_wait_outlives_the_daemon(rebooted: bool, from_journal: bool) -> None:
    story = tried().given(*attempt(1), 4.0)
    story.restart(rebooted=rebooted, from_journal=from_journal).after(5.0)
    assert waits(story)
    story.after(1.0)
    assert isinstance(story.phase(1, "a"), Acquiring)
    story.restart(rebooted=rebooted, from_journal=from_journal)
    assert story.job(1).step("a").attempt == 2


@pytest.mark.parametrize("due", [False, True])
def test_a_cancel_ends_the_wait(due: bool) -> None:
    story = tried(capacity=1).given(submit("api", "staging"), *attempt(1))
    story.given(10.0 if due else 1.0, cmd.Cancel(caller=ADA, job=1, reason="enough"))
    assert ended(story) == ("cancelled", "stopped by ada: enough, before attempt 2 of 2")
    assert of_job(story) is JobConclusion.CANCELLED


def test_a_cancel_during_an_attempt() -> None:
    """A cancel during an attempt is followed by none."""
    story = tried().given(*attempt(1)[:1], cmd.Cancel(caller=ADA, job=1))
    story.given(cmd.ApplyDone(ref=ref(1, "a"), succeeded=False, exit=1, stopped=False))
    story.given(cleaned(1, "a"))
    assert ended(story)[0] == "failure"


def test_a_dirty_attempt_is_followed_by_none() -> None:
    story = tried().given(*attempt(1)[:2], dirty(1, "a"))
    assert ended(story)[0] == "failure"
    story = tried().given(cmd.AttemptAbandoned(ref=ref(1, "a"), finding=finding(1, "a")))
    assert ended(story)[0] == "failure"


def test_a_limit_that_is_tried_again() -> None:
    policy = RetryPolicy(2, on=("timed_out",))
    story = tried(policy, timeout=5.0).given(*attempt(1)[:1], 5.0)
    story.given(cmd.ApplyDone(ref=ref(1, "a"), succeeded=False, exit=143), cleaned(1, "a"))
    assert story.job(1).step("a").attempt == 2
    story.given(cmd.AcquireDone(ref=ref(1, "a", 2)), 5.0)
    story.given(cmd.ApplyDone(ref=ref(1, "a", 2), succeeded=False, exit=143))
    story.given(cmd.CleanupDone(ref=ref(1, "a", 2)))
    assert ended(story)[0] == "timed_out"


def test_a_limit_that_needed_force_is_not() -> None:
    policy = RetryPolicy(2, on=("timed_out",))
    story = tried(policy, timeout=5.0, grace=2.0).given(*attempt(1)[:1], 5.0, 2.0)
    story.given(cmd.AttemptFailed(ref(1, "a"), StepConclusion.CANCELLED, "ended by force"))
    story.given(cleaned(1, "a"))
    assert ended(story)[0] == "timed_out"


def test_an_adapter_without_cleanup_is_tried_again_too() -> None:
    story = tried(has_cleanup=False, has_acquire=False).when(applied(1, "a", succeeded=False))
    story.then(like(ev.StepApplied), like(ev.StepRetryScheduled))
    story.given(10.0).when(applied(1, "a")).refused(StaleObservation)


@pytest.mark.parametrize(("policy", "goes_on"), [("finish", True), ("stop", False)])
def test_beside_a_step_that_halts(policy: str, goes_on: bool) -> None:
    steps = (
        step("a", retry=TWICE),
        step("h", outcomes=(OutcomeRule("exit 0", Outcome.HALT),)),
    )
    web = pipeline("web", steps=steps, halt_running=RunningPolicy(policy))
    story = given(config(web), submit("web"), *attempt(1), *whole(1, "h"))
    assert waits(story) is goes_on
    if goes_on:
        story.given(10.0, *attempt(2, exit=0))
    else:
        assert ended(story) == (
            "cancelled",
            "stopped: halted by h (exit 0), before attempt 2 of 2",
        )
    assert of_job(story) is JobConclusion.SUCCESS
