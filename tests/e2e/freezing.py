"""Processes that stand still while somebody looks: what is seen then is true for as long as wanted.

Windows of a millisecond are reached by stepping: a process goes on a moment at a time, and in
between it is asked whether it is there yet.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tests.e2e.e2e_bench import PATIENCE

Value = TypeVar("Value")
MOMENT = 0.0002
"""Seconds: shorter than what lies between a commit and the next thing that a daemon does."""


def freeze(pid: int) -> None:
    """SIGSTOP, and return when every thread of it stands still, or it has ended."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + PATIENCE
    while any(state not in "tTZX" for state in _states(pid)):
        assert time.monotonic() < end, f"{pid} does not stop"
        time.sleep(MOMENT / 4)


def thaw(pid: int) -> None:
    """Let it go on, if it lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """It stands still meanwhile."""
    freeze(pid)
    try:
        yield
    finally:
        thaw(pid)


def step_until(what: str, pid: int, holds: Callable[[], Value]) -> Value:
    """Let it go on until `holds` gives something. It stands still whenever that is asked, and in
    the end."""
    end = time.monotonic() + PATIENCE
    freeze(pid)
    while not (found := holds()):
        assert time.monotonic() < end, f"{what}: not within {PATIENCE:g} s"
        thaw(pid)
        time.sleep(MOMENT)
        freeze(pid)
    return found


def _states(pid: int) -> Iterator[str]:
    """The state of each of its threads, as in proc(5)."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            yield stat.read_text().rpartition(")")[2].split()[0]
