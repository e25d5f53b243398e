"""Steps in parallel: what begins when, within the capacity of the host."""

from orchestrator.core.language.model import Finished
from orchestrator.core.language.words import StepConclusion
from tests.core.core_setup import cleaned, config, failed, pipeline, step, submit, whole
from tests.core.core_story import Story, given

DIAMOND = (
    step("build"),
    step("unit", needs=("build",), stage="tests"),
    step("load", needs=("build",), stage="tests"),
    step("lint"),
    step("ship", needs=("unit", "load")),
)


def diamond(capacity: int = 8) -> Story:
    return given(config(pipeline("web", steps=DIAMOND), capacity=capacity), submit("web"))


def at_work(story: Story) -> list[str]:
    return [one.name for one in story.job(1).steps if one.active]


def test_fan_out_and_fan_in() -> None:
    story = diamond()
    assert at_work(story) == ["build", "lint"]
    story.given(*whole(1, "build"))
    assert at_work(story) == ["unit", "load", "lint"]
    story.given(*whole(1, "load"))
    assert at_work(story) == ["unit", "lint"]
    story.given(*whole(1, "unit"))
    assert at_work(story) == ["lint", "ship"]
    story.given(*whole(1, "lint"), *whole(1, "ship"))
    assert 1 not in story.world.jobs


def test_no_more_steps_at_once_than_capacity_allows() -> None:
    story = diamond(capacity=1)
    order = []
    while 1 in story.world.jobs:
        [name] = at_work(story)
        order.append(name)
        story.given(*whole(1, name))
    assert order == ["build", "lint", "unit", "load", "ship"]  # lint, while build cleans up


def test_a_failure_lets_the_others_finish() -> None:
    """A failure lets the others finish, and begins nothing."""
    story = diamond().given(*whole(1, "build"), *whole(1, "load")[:1])
    story.given(failed(1, "load"), cleaned(1, "load"))
    assert at_work(story) == ["unit", "lint"]
    ship = story.phase(1, "ship")
    assert isinstance(ship, Finished)
    assert ship.ending.conclusion is StepConclusion.NOT_RUN
    assert ship.ending.reason == "load failed (exit 1)"
    story.given(*whole(1, "unit"), *whole(1, "lint"))
    assert 1 not in story.world.jobs


def test_who_begins_without_a_slot() -> None:
    """A job that begins with any step that takes no slot needs none."""
    poll = pipeline(
        "poll", steps=(step("late", needs=("poll",)), step("poll", takes_slot=False), step("b"))
    )
    story = given(
        config(poll, pipeline("api"), capacity=1), submit("api"), submit("poll", "staging")
    )
    assert story.running("staging") == [2]
    assert [one.name for one in story.job(2).steps if one.active] == ["poll"]
    story.given(*whole(1), *whole(2, "b"))
    assert [one.name for one in story.job(2).steps if one.active] == ["poll"]
    story.given(*whole(2, "poll"))
    assert [one.name for one in story.job(2).steps if one.active] == ["late"]
