"""`when`: asked when a step's turn has come; where it does not hold the step is skipped."""

from orchestrator.core.language.definition import Parameter, RetryPolicy, StepDefinition
from orchestrator.core.language.model import Finished, JobFinished
from orchestrator.core.language.words import JobConclusion, Section, StepConclusion
from tests.core.core_setup import (
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
from tests.core.core_story import Story, given

TIER = (Parameter(name="tier", default="dev"),)


def run(*steps: StepDefinition, **params: str) -> Story:
    settings = config(pipeline("web", steps=steps, params=TIER), capacity=1)
    return given(settings, submit("web", params=params))


def conclusion(story: Story, name: str) -> tuple[StepConclusion, str] | None:
    phase = story.phase(1, name)
    if not isinstance(phase, Finished):
        return None
    return phase.ending.conclusion, phase.ending.reason


def test_a_skipped_step_says_why() -> None:
    """A step whose condition does not hold is skipped, and says why."""
    story = run(step("a", when='params.tier == "prod"'), step("b", needs=("a",)))
    assert conclusion(story, "a") == (
        StepConclusion.SKIPPED,
        'when params.tier == "prod" is false (params.tier is "dev")',
    )
    assert story.job(1).step("b").active


def test_one_whose_condition_holds_runs() -> None:
    story = run(step("a", when='params.tier == "prod"'), tier="prod")
    assert story.job(1).step("a").active


def test_when_it_is_asked() -> None:
    """It is asked when the step's turn has come."""
    story = run(step("a"), step("b", needs=("a",), when="steps.a.outputs.changes > 0"))
    story.given(acquired(1, "a"), applied(1, "a", outputs={"changes": 2}), cleaned(1, "a"))
    assert story.job(1).step("b").active


def test_a_skipped_step_needs_no_slot() -> None:
    story = run(step("a"), step("b", when="false"))
    assert story.job(1).step("a").active
    assert conclusion(story, "b") == (StepConclusion.SKIPPED, "when false is false")


def test_a_condition_is_asked_once_for_all_attempts() -> None:
    story = run(step("a", when="not steps.a.outputs.x", retry=RetryPolicy(2)))
    story.given(acquired(1, "a"), failed(1, "a", outputs={"x": 1}), cleaned(1, "a"))
    assert story.job(1).step("a").attempt == 2


def test_every_step_skipped_is_a_success() -> None:
    story = run(step("a", when="false"), step("b", needs=("a",), when="false"))
    end = story.job(1).phase
    assert isinstance(end, JobFinished) and end.conclusion is JobConclusion.SUCCESS


def test_what_conditions_read() -> None:
    """A handler reads the verdict, and a matrix its values."""
    story = run(
        step("t[1]", matrix={"n": 1}, matrix_of="t", when="matrix.n == 2", has_acquire=False),
        step("t[2]", matrix={"n": 2}, matrix_of="t", when="matrix.n == 2"),
        step("tell", section=Section.FINALLY, when="job.failed_step == 't[2]'"),
        step("calm", section=Section.FINALLY, when="job.conclusion == 'success'"),
    )
    assert conclusion(story, "t[1]") is not None
    story.given(acquired(1, "t[2]"), failed(1, "t[2]"), cleaned(1, "t[2]"))
    assert story.job(1).step("tell").active
    assert conclusion(story, "calm") is not None


def test_the_outputs_of_a_matrix_are_one_list() -> None:
    story = run(
        step("t[1]", matrix={"n": 1}, matrix_of="t"),
        step("t[2]", matrix={"n": 2}, matrix_of="t"),
        step("sum", needs=("t[1]", "t[2]"), when="steps.t.outputs.found == ['x', 'y']"),
    )
    for name, found in (("t[1]", "x"), ("t[2]", "y")):
        applied_one = applied(1, name, outputs={"found": found})
        story.given(acquired(1, name), applied_one, cleaned(1, name))
    assert story.job(1).step("sum").active
    story.given(*whole(1, "sum"))
