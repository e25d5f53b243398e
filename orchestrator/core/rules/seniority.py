"""How long jobs have waited, by a clock that no step of the wall clock can turn back."""

from orchestrator.core.language.instant import Instant
from orchestrator.core.world.world import World

PRIORITY_IS_WORTH = 3_600_000
"""Milliseconds of seniority that one point of priority gives. Counting priority as seniority keeps
the order of a queue fixed and lets nobody be overtaken for ever."""


def rank(world: World, now: Instant, priority: int = 0) -> int:
    """The place in time of a job that is submitted now, put earlier by its priority.

    Time goes on from the newest job that is open: by the boot clock, and across a boot by what the
    wall clock says that has passed, never less than nothing. By the wall clock alone whoever
    submits after it was set back would pass all who wait.
    """
    newest, time = world.newest(), now.utc
    if newest is not None:
        then = newest.rank + newest.priority * PRIORITY_IS_WORTH
        time = then + now.since(newest.submitted)
    return time - priority * PRIORITY_IS_WORTH
