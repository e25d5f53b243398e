"""Who a process is: boot id, pid and start time together are never reused.

Runs in the keeper too: standard library only.
"""

import functools
import os

_ENDED = (b"Z", b"X", b"x")  # a zombie has ended; nobody may have reaped it yet


class ProcStat:
    """What `/proc/<pid>/stat` says: parent, session and start time (clock ticks since boot)."""

    __slots__ = ("ended", "pid", "ppid", "session", "start_time")

    def __init__(self, pid: int, content: bytes) -> None:
        fields = content[content.rindex(b")") + 2 :].split()  # the name may hold ")" and spaces
        self.pid = pid
        self.ended = fields[0] in _ENDED
        self.ppid = int(fields[1])
        self.session = int(fields[3])
        self.start_time = int(fields[19])


def read_file(path: str) -> bytes:
    """The content of a small file.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, 65536)
        while len(content) % 65536 == 0 and (more := os.read(descriptor, 65536)):
            content += more
        return content
    finally:
        os.close(descriptor)


@functools.cache
def read_boot_id() -> str:
    """The id of this boot; every process of another boot is dead."""
    return read_file("/proc/sys/kernel/random/boot_id").decode().strip()


def read_stat(pid: int) -> ProcStat | None:
    """The process that has this pid now, or None when there is none."""
    try:
        return ProcStat(pid, read_file(f"/proc/{pid}/stat"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid: int, start_time: int) -> bool:
    """Whether the process of this boot that started then still runs (a zombie does not)."""
    stat = read_stat(pid)
    return stat is not None and stat.start_time == start_time and not stat.ended


def open_pidfd(pid: int, start_time: int) -> int | None:
    """A pidfd on exactly this process, or None when it has ended.

    The identity is read after the pidfd was opened: were the pid taken by another process in
    between, its start time would differ.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if is_alive(pid, start_time):
        return descriptor
    os.close(descriptor)
    return None
