"""Waiting: for bytes, for time to pass, and for the signals that may end either.

A signal that we handle is seen only here, where nothing is half done: `Interrupted` comes out of
`readable` and `pause`, and of nothing else. Until `Interrupts` is entered signals do as usual.
"""

from __future__ import annotations

import select
from time import monotonic

from orchestrator.cli.client.errors import Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType, TracebackType

_wakeup: list[int] = []  # the readable end of the pipe that a signal writes to, while one is set


def readable(descriptors: Iterable[int], seconds: float | None) -> list[int]:
    """Those that can be read, as soon as there is one; none of them when the time is over.

    Raises Interrupted when a handled signal came, or has come before.
    """
    poll = select.poll()
    for descriptor in (*descriptors, *_wakeup):
        poll.register(descriptor, select.POLLIN)
    ready = [found for found, _ in poll.poll(None if seconds is None else max(0, seconds) * 1000)]
    for pipe in _wakeup:
        if pipe in ready:
            _drain(pipe)
            raise Interrupted
    return ready


def pause(seconds: float) -> None:
    """Let time pass. Raises Interrupted as `readable` does."""
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        readable((), left)


def _drain(pipe: int) -> None:
    import os

    os.read(pipe, 1)  # one signal, one byte: a second Ctrl-C interrupts again


class Interrupts:
    """While entered, SIGINT and SIGTERM make waits raise Interrupted, once for each signal."""

    def __enter__(self) -> Interrupts:
        import os
        import signal

        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._old_wakeup = signal.set_wakeup_fd(self._write)
        self._old = {
            # Not SIG_IGN, or no byte is written to the pipe; and no handler that raises, or it
            # would do so anywhere: say, between a request that was sent and its answer.
            number: signal.signal(number, _ignore)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        _wakeup.append(self._read)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        import os
        import signal

        _wakeup.remove(self._read)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._read)
        os.close(self._write)


class Held:
    """While entered, waits go on through a signal; it interrupts the first wait afterwards."""

    def __enter__(self) -> None:
        self._pipes = list(_wakeup)
        _wakeup.clear()

    def __exit__(self, *_: object) -> None:
        _wakeup.extend(self._pipes)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Nothing: the byte in the pipe tells."""


def backoff(patience: float) -> Iterator[float]:
    """Seconds to pause between attempts, from 0.1 up to 1, until `patience` seconds are over."""
    end, delay = monotonic() + patience, 0.1
    while (left := end - monotonic()) > 0:
        yield min(delay, left)
        delay = min(delay * 1.5, 1.0)
