"""Keeps an oversized log within its limit by dropping its middle while the tool goes on writing.

The supervisor does it, so that a tool that floods its log while no daemon runs cannot fill the
disk. It sleeps while nothing is written and looks at most once a second while something is.
Holes keep every offset valid: a follower reads on where it was. Standard library only.
"""

import contextlib
import fcntl
import os
import time

from orchestrator.process import linux

_PAUSE = 1.0  # seconds between looks while the log grows
_BLIND_PAUSE = 10.0  # seconds between looks when inotify has no instance left for this user


class LogLimit:
    """The limit on one tool's log files. Writes to them raise SIGIO here, which `wake` answers."""

    def __init__(self, paths: list[bytes], max_bytes: int | None) -> None:
        self._paths = paths if max_bytes else []
        self._max_bytes = max_bytes or 0
        self._logs: list[int] = []
        self._watch: int | None = None
        self._due: float | None = None

    def begin(self) -> None:
        """Watch the files, which exist by now."""
        if not self._paths:
            return
        self._logs = [os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in self._paths]
        try:
            self._watch = linux.watch_writes(self._paths)
        except OSError:
            self._due = time.monotonic() + _BLIND_PAUSE
        else:
            fcntl.fcntl(self._watch, fcntl.F_SETOWN, os.getpid())
            flags = fcntl.fcntl(self._watch, fcntl.F_GETFL)
            fcntl.fcntl(self._watch, fcntl.F_SETFL, flags | os.O_ASYNC)

    @property
    def timeout(self) -> float | None:
        """Seconds until `look` is due; None: not before something is written."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def wake(self) -> None:
        """Something was written: look soon."""
        if self._due is None:
            self._due = time.monotonic() + _PAUSE

    def look(self) -> None:
        """Drop the middle of each file that has grown beyond the limit."""
        self._due = None
        if self._watch is None:
            self._due = time.monotonic() + _BLIND_PAUSE
        else:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._watch, 65536):
                    pass
        try:
            for log in self._logs:
                drop_middle(log, self._max_bytes)
        except OSError:  # this file system punches no holes: the limit cannot be held
            self._due = None
            self._logs = []


def drop_middle(log: int, max_bytes: int) -> None:
    """Keep a quarter of the limit from the beginning and half of it from the end.

    Raises:
        OSError: the file system punches no holes.
    """
    stat = os.fstat(log)
    block = stat.st_blksize
    head = -(-max_bytes // 4 // block) * block
    if stat.st_size <= max(head, max_bytes):
        return
    hole_end = os.lseek(log, head, os.SEEK_DATA)
    if head + stat.st_size - hole_end <= max_bytes:
        return
    tail = (stat.st_size - max_bytes // 2) // block * block
    if tail > head:
        linux.punch_hole(log, head, tail - head)
