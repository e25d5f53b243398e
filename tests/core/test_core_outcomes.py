"""What the end of a step means, and how the job ends by it."""

from typing import Any

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import OutcomeRule
from orchestrator.core.language.model import Ending, Finished, JobFinished
from orchestrator.core.language.words import JobConclusion, Outcome, StepConclusion
from orchestrator.core.steps.causes import stopped_by_step
from orchestrator.core.steps.outcomes import judge
from tests.core.core_setup import (
    ADA,
    acquired,
    applied,
    cleaned,
    config,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

SUCCESS, FAILURE = StepConclusion.SUCCESS, StepConclusion.FAILURE
CANCELLED, TIMED_OUT, LOST = (
    StepConclusion.CANCELLED,
    StepConclusion.TIMED_OUT,
    StepConclusion.LOST,
)
CONTINUE, WARN, FAIL, HALT = Outcome


def table(lines: dict[str, Outcome]) -> tuple[OutcomeRule, ...]:
    return tuple(OutcomeRule(match, then) for match, then in lines.items())


@pytest.mark.parametrize(
    ("conclusion", "outcome"),
    [(SUCCESS, CONTINUE), (FAILURE, FAIL), (CANCELLED, FAIL), (TIMED_OUT, FAIL), (LOST, FAIL)],
)
def test_without_a_rule(conclusion: StepConclusion, outcome: Outcome) -> None:
    """Without a rule success continues, and all else fails."""
    ending = judge((), conclusion)
    assert (ending.conclusion, ending.outcome) == (conclusion, outcome)


@pytest.mark.parametrize(
    ("lines", "how", "outcome"),
    [
        ({"exit 0": HALT}, {"exit": 0}, HALT),
        ({"exit 0": HALT}, {"exit": 2}, FAIL),
        ({"exit 1-9": WARN}, {"exit": 1}, WARN),
        ({"exit 1-9": WARN}, {"exit": 9}, WARN),
        ({"exit 1-9": WARN}, {"exit": 10}, FAIL),
        ({"signal SIGKILL": WARN}, {"signal": "SIGKILL"}, WARN),
        ({"signal SIGKILL": WARN}, {"signal": "SIGTERM"}, FAIL),
        ({"status TERMINAL": CONTINUE}, {"statuses": ("TERMINAL",)}, CONTINUE),
        ({'stage "Canary" TERMINAL': WARN}, {"statuses": ('stage "Canary" TERMINAL',)}, WARN),
        ({"status B": WARN}, {"statuses": ("A", "B")}, WARN),
        ({"failure": WARN}, {"exit": 1}, WARN),
        # the most specific wins, whatever the order of the lines
        ({"failure": FAIL, "exit 3": WARN}, {"exit": 3}, WARN),
        ({"exit 3": WARN, "exit 1-9": HALT}, {"exit": 3}, WARN),
        ({"exit 1-9": HALT, "exit 3": WARN}, {"exit": 3}, WARN),
        ({"exit 1-9": HALT, "failure": WARN}, {"exit": 3}, HALT),
        ({"failure": FAIL, "signal SIGKILL": HALT}, {"signal": "SIGKILL"}, HALT),
        ({"exit 3": HALT, "status TERMINAL": WARN}, {"exit": 3, "statuses": ("TERMINAL",)}, WARN),
        # what is no range matches nothing
        ({"exit x-9": WARN}, {"exit": 3}, FAIL),
        ({"exit 9-1": WARN}, {"exit": 3}, FAIL),
    ],
)
def test_the_most_specific_rule_wins(
    lines: dict[str, Outcome], how: dict[str, Any], outcome: Outcome
) -> None:
    assert judge(table(lines), FAILURE, **how).outcome is outcome


@pytest.mark.parametrize(
    ("word", "conclusion"),
    [
        ("success", SUCCESS),
        ("failure", FAILURE),
        ("cancelled", CANCELLED),
        ("timed_out", TIMED_OUT),
    ],
)
def test_classes(word: str, conclusion: StepConclusion) -> None:
    assert judge(table({word: HALT}), conclusion).outcome is HALT
    others = {"success", "failure", "cancelled", "timed_out"} - {word}
    assert judge(table(dict.fromkeys(others, HALT)), conclusion).outcome is not HALT


@pytest.mark.parametrize(
    ("outcome", "conclusion", "concluded"),
    [
        (CONTINUE, FAILURE, SUCCESS),
        (CONTINUE, SUCCESS, SUCCESS),
        (WARN, FAILURE, StepConclusion.WARNING),
        (HALT, SUCCESS, StepConclusion.HALTED),
        (HALT, FAILURE, StepConclusion.HALTED),
        (FAIL, SUCCESS, FAILURE),
        (FAIL, CANCELLED, CANCELLED),
        (FAIL, TIMED_OUT, TIMED_OUT),
    ],
)
def test_the_outcome_gives_the_conclusion(
    outcome: Outcome, conclusion: StepConclusion, concluded: StepConclusion
) -> None:
    every = table(dict.fromkeys(("success", "failure", "cancelled", "timed_out"), outcome))
    assert judge(every, conclusion).conclusion is concluded


def test_a_rules_reason_is_said_before_the_tools() -> None:
    rule = OutcomeRule("exit 0", HALT, "no changes")
    assert judge((rule,), SUCCESS, exit=0).reason == "no changes"
    assert judge((rule,), SUCCESS, exit=0, reason="no changes").reason == "no changes"
    assert judge((rule,), SUCCESS, exit=0, reason="done").reason == "no changes; done"
    assert judge((), SUCCESS, exit=0, reason="done").reason == "done"


def test_nothing_makes_a_lost_step_anything_else() -> None:
    every = table(dict.fromkeys(("success", "failure", "cancelled", "timed_out"), CONTINUE))
    assert judge(every, LOST).outcome is FAIL


# --- of a job -------------------------------------------------------------------------------


def job_of(lines: dict[str, Outcome], exit: int, *before: cmd.Command) -> Story:
    """A job of `a` with these rules, which ends so, and `b`, which needs it and succeeds."""
    steps = (step("a", outcomes=table(lines)), step("b", needs=("a",)))
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"), *before)
    story.given(applied(1, "a", exit=exit, succeeded=exit == 0), cleaned(1, "a"))
    if 1 in story.world.jobs:
        story.given(*whole(1, "b"))
    return story


def conclusion_of(story: Story) -> tuple[JobConclusion, str | None, bool]:
    phase = story.job(1).phase
    assert isinstance(phase, JobFinished)
    return phase.conclusion, phase.halted_by, phase.dirty


def step_conclusion(story: Story, name: str) -> StepConclusion:
    phase = story.phase(1, name)
    assert isinstance(phase, Finished)
    return phase.ending.conclusion


@pytest.mark.parametrize(
    ("lines", "exit", "job", "halted_by", "first", "second"),
    [
        ({}, 0, JobConclusion.SUCCESS, None, SUCCESS, SUCCESS),
        ({}, 1, JobConclusion.FAILURE, None, FAILURE, StepConclusion.NOT_RUN),
        ({"failure": WARN}, 1, JobConclusion.SUCCESS, None, StepConclusion.WARNING, SUCCESS),
        ({"exit 1": CONTINUE}, 1, JobConclusion.SUCCESS, None, SUCCESS, SUCCESS),
        (
            {"exit 0": HALT},
            0,
            JobConclusion.SUCCESS,
            "a",
            StepConclusion.HALTED,
            StepConclusion.NOT_RUN,
        ),
        ({"success": FAIL}, 0, JobConclusion.FAILURE, None, FAILURE, StepConclusion.NOT_RUN),
    ],
)
def test_how_a_job_ends_by_its_steps(
    lines: dict[str, Outcome],
    exit: int,
    job: JobConclusion,
    halted_by: str | None,
    first: StepConclusion,
    second: StepConclusion,
) -> None:
    story = job_of(lines, exit)
    assert conclusion_of(story) == (job, halted_by, False)
    assert (step_conclusion(story, "a"), step_conclusion(story, "b")) == (first, second)


def test_a_step_that_did_not_run_says_why() -> None:
    """A step that did not run says why, with the cause."""
    steps = (
        step("plan", outcomes=(OutcomeRule("exit 0", HALT, "no changes"),)),
        step("apply", needs=("plan",)),
    )
    story = given(config(pipeline("web", steps=steps)), submit("web"), *whole(1, "plan"))
    phase = story.phase(1, "apply")
    assert isinstance(phase, Finished)
    assert phase.ending.reason == "halted by plan (exit 0: no changes)"
    assert phase.cause is not None
    assert (phase.cause.step, phase.cause.conclusion, phase.cause.exit) == (
        "plan",
        StepConclusion.HALTED,
        0,
    )


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (cmd.AttemptFailed(ref(1, "a"), LOST, "no record"), "a is lost (no record)"),
        (cmd.AttemptFailed(ref(1, "a"), FAILURE, ""), "a failed"),
        (
            applied(1, "a", succeeded=False, exit=None, signal="SIGKILL"),
            "a failed (SIGKILL)",
        ),
    ],
)
def test_the_words_for_each_cause(end: cmd.Command, text: str) -> None:
    steps = (step("a", has_cleanup=False), step("b", needs=("a",)))
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"), end)
    phase = story.phase(1, "b")
    assert isinstance(phase, Finished)
    assert phase.ending.reason == text


@pytest.mark.parametrize(
    ("ends", "job"),
    [
        ((applied(1, "a"), applied(1, "b")), JobConclusion.SUCCESS),
        ((applied(1, "a"), applied(1, "b", succeeded=False, exit=1)), JobConclusion.FAILURE),
        (
            (cmd.AttemptFailed(ref(1, "a"), LOST, ""), applied(1, "b", succeeded=False)),
            JobConclusion.LOST,
        ),
        (
            (cmd.Cancel(caller=ADA, job=1), applied(1, "a"), applied(1, "b", stopped=False)),
            JobConclusion.CANCELLED,
        ),
        (
            (
                cmd.Cancel(caller=ADA, job=1),
                applied(1, "a", stopped=False),
                applied(1, "b", stopped=False),
            ),
            JobConclusion.SUCCESS,
        ),
        (
            (
                cmd.Cancel(caller=ADA, job=1),
                cmd.AttemptFailed(ref(1, "a"), LOST, ""),
                applied(1, "b"),
            ),
            JobConclusion.LOST,
        ),
    ],
)
def test_of_steps_in_parallel_the_worst_counts(
    ends: tuple[cmd.Command, ...], job: JobConclusion
) -> None:
    steps = (
        step("a", has_acquire=False, has_cleanup=False),
        step("b", has_acquire=False, has_cleanup=False),
    )
    story = given(config(pipeline("web", steps=steps)), submit("web"), *ends)
    assert conclusion_of(story)[0] is job


def test_the_job_says_which_step_failed_and_why() -> None:
    steps = (step("a", has_cleanup=False),)
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"))
    story.when(applied(1, "a", succeeded=False, reason="no disk")).then_among(
        like(ev.JobEnded, reason="a: no disk")
    )


def test_a_long_reason_is_shortened() -> None:
    """A long reason is shortened where it is the cause of others."""
    told = Ending(StepConclusion.FAILURE, Outcome.FAIL, exit=1, reason="x" * 200)
    text = stopped_by_step("build", told)
    assert text == f"build failed (exit 1: {'x' * 77}...)"
