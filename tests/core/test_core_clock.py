"""Time: durations use the boot-time clock within a boot, and UTC across boots."""

import pytest

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.rules.wanted import next_look
from orchestrator.core.world.deadlines import after
from tests.core.core_setup import acquired, at, config, pipeline, step, submit
from tests.core.core_story import given, like


@pytest.mark.parametrize(
    ("earlier", "later", "milliseconds"),
    [
        (at(0), at(5), 5000),
        (at(0), at(5, utc=-3600), 5000),  # the wall clock was put back
        (at(0), at(5, utc=3600), 5000),
        (at(5), at(0), 0),
        (at(0), at(5, boot_id="boot-2"), 5000),
        (at(0), at(5, utc=-3600, boot_id="boot-2"), 0),
        (at(0), at(5, utc=3600, boot_id="boot-2"), 3_605_000),
    ],
    ids=[
        "one boot",
        "clock put back",
        "clock put forward",
        "never negative",
        "rebooted",
        "rebooted, clock put back",
        "rebooted, clock put forward",
    ],
)
def test_durations(earlier: Instant, later: Instant, milliseconds: int) -> None:
    assert later.since(earlier) == milliseconds


@pytest.mark.parametrize(
    ("start", "epoch", "deadline"),
    [
        (at(0), at(0), at(60).boot),
        (at(0), at(30), at(60).boot),
        (at(0), at(30, utc=9000), at(60).boot),
        (at(0), at(30, boot_id="boot-2"), at(60).boot),  # 30 of the 60 s are over
        (at(0), at(90, boot_id="boot-2"), at(90).boot),  # all of them: at once
        (at(0), at(30, utc=-9000, boot_id="boot-2"), at(90).boot),
    ],
    ids=[
        "as it was set",
        "later",
        "clock put forward",
        "rebooted, half over",
        "rebooted, over",
        "rebooted, clock put back",
    ],
)
def test_deadlines_are_of_this_boot(start: Instant, epoch: Instant, deadline: int) -> None:
    """Deadlines count in the boot of the running daemon."""
    assert after(start, 60, epoch) == deadline


LIMITED = config(pipeline("api", steps=(step("apply", timeout=60),)))


@pytest.mark.parametrize("stepped", [-86_400, 86_400])
def test_a_stepped_wall_clock_changes_no_limit(stepped: float) -> None:
    story = given(LIMITED, submit("api"), acquired(1), 30).step_wall_clock(stepped)
    story.after(29).then_nothing()
    story.after(1).then(like(ev.StepStopRequested))


def test_a_restart_within_a_boot_changes_no_limit() -> None:
    story = given(LIMITED, submit("api"), acquired(1), 30).restart()
    story.after(29).then_nothing()
    story.after(1).then(like(ev.StepStopRequested))


def test_a_reboot_counts_by_wall_clock() -> None:
    """A reboot counts what the wall clock says has passed."""
    story = given(LIMITED, submit("api"), acquired(1), 30).step_wall_clock(20)
    story.restart(rebooted=True)
    story.after(9).then_nothing()
    story.after(1).then(like(ev.StepStopRequested))


def test_what_came_due_meanwhile_happens() -> None:
    """What came due while the host was down happens at the start."""
    story = given(LIMITED, submit("api"), acquired(1), 30).step_wall_clock(3600)
    story.restart(rebooted=True).then(like(ev.DaemonStarted), like(ev.StepStopRequested))


def test_the_next_look() -> None:
    """It is the earliest deadline of all."""
    late = pipeline("late", steps=(step("apply", timeout=90),))
    configuration = config(*LIMITED.pipelines.values(), late)
    story = given(configuration)
    assert next_look(story.world) is None
    story.given(submit("late", "staging"), 10, submit("api"))
    assert next_look(story.world) == at(70).boot
    story.after(60)
    assert next_look(story.world) == at(90).boot
