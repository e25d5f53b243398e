"""The steps of one matrix: each on its own, and no more at a time than `max_parallel`."""

from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import Finished
from orchestrator.core.language.words import StepConclusion
from tests.core.core_setup import cleaned, config, failed, pipeline, step, submit, whole
from tests.core.core_story import Story, given


def matrix(*values: str, max_parallel: int | None = None, **fields: object) -> list[StepDefinition]:
    return [
        step(
            f"test[{value}]",
            matrix={"suite": value},
            matrix_of="test",
            max_parallel=max_parallel,
            has_acquire=False,
            **fields,
        )
        for value in values
    ]


def at_work(story: Story) -> list[str]:
    return [one.name for one in story.job(1).steps if one.active]


def run(story: Story, name: str) -> None:
    story.given(*whole(1, name)[1:])


def test_all_at_once_without_a_limit() -> None:
    story = given(config(pipeline("web", steps=tuple(matrix("a", "b", "c")))), submit("web"))
    assert at_work(story) == ["test[a]", "test[b]", "test[c]"]


def test_no_more_at_a_time_than_max_parallel() -> None:
    steps = (*matrix("a", "b", "c", max_parallel=2), step("lint", has_acquire=False))
    story = given(config(pipeline("web", steps=steps)), submit("web"))
    assert at_work(story) == ["test[a]", "test[b]", "lint"]
    run(story, "test[b]")
    assert at_work(story) == ["test[a]", "test[c]", "lint"]


def test_the_limit_holds_over_a_restart() -> None:
    steps = tuple(matrix("a", "b", "c", max_parallel=1))
    story = given(config(pipeline("web", steps=steps)), submit("web"))
    story.restart()
    assert at_work(story) == ["test[a]"]
    run(story, "test[a]")
    assert at_work(story) == ["test[b]"]


def test_a_failure_in_a_matrix() -> None:
    """A failure in a matrix leaves the rest of it unrun."""
    steps = tuple(matrix("a", "b", "c", max_parallel=2))
    story = given(config(pipeline("web", steps=steps)), submit("web"))
    story.given(failed(1, "test[a]"), cleaned(1, "test[a]"))
    assert at_work(story) == ["test[b]"]
    phase = story.phase(1, "test[c]")
    assert isinstance(phase, Finished)
    assert phase.ending.conclusion is StepConclusion.NOT_RUN
    assert phase.ending.reason == "test[a] failed (exit 1)"
