"""Runs a coroutine on virtual time, with a schedule that one seed decides."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

T = TypeVar("T")


def run_deterministically(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run it to its end. Whenever all tasks wait, time jumps to the next deadline.

    Threads and children are not seen by such a clock: use none. Tasks that are ready at once run
    in an order that the seed decides. This sets what trio has for its Hypothesis plugin (trio 0.35,
    `trio/_core/_run.py`, `_ALLOW_DETERMINISTIC_SCHEDULING`).
    """
    with _seeded(seed):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    state = scheduler._r.getstate()
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(seed)
    try:
        yield
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]
        scheduler._r.setstate(state)
