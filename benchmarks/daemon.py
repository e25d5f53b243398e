"""A daemon at work in a place, and what the kernel says of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.http import Connection
from benchmarks.place import Place

START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Usage(msgspec.Struct, frozen=True):
    """What a process has used: CPU seconds, and how often any of its threads ran again."""

    cpu: float
    switches: int


class Daemon:
    """A running daemon. `started_in` is the seconds from its spawn until it was ready."""

    def __init__(self, place: Place, pid: int, started_in: float) -> None:
        self.place = place
        self.pid = pid
        self.started_in = started_in

    def connect(self) -> Connection:
        """A connection to its socket."""
        return Connection(self.place.socket)

    @property
    def resident(self) -> float:
        """Its memory (VmRSS) in MB of a million bytes."""
        return _field(Path(f"/proc/{self.pid}/status"), "VmRSS") * 1024 / 1e6

    def usage(self) -> Usage:
        """What it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        switches = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            switches += _field(task / "status", "voluntary_ctxt_switches")
        return Usage(cpu=(int(fields[11]) + int(fields[12])) / _TICKS, switches=switches)


def _field(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise ValueError(f"{path} has no {name}")


@contextmanager
def running_daemon(place: Place) -> Iterator[Daemon]:
    """A daemon that has said that it is ready; at the end it and its keeper are killed."""
    with _notifications(place.directory / "notify") as notify:
        began = time.perf_counter()
        process = _spawn(place, notify.getsockname())
        try:
            notify.settimeout(START_SECONDS)
            while notify.recv(4096) != b"READY=1":
                pass
            yield Daemon(place, process.pid, time.perf_counter() - began)
        finally:
            process.kill()
            process.wait()
            end_keeper(place.state / "keeper")


def _spawn(place: Place, notify: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "orchestrator.daemon", "--config", str(place.directory)]
    with (place.directory / "daemon.log").open("ab") as log:
        environment = {**os.environ, "NOTIFY_SOCKET": notify}
        return subprocess.Popen(argv, stderr=log, env=environment)


@contextmanager
def _notifications(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        try:
            yield notify
        finally:
            path.unlink()


def end_keeper(directory: Path) -> None:
    """End the keeper of a runtime directory, if there is one; its lock file names it."""
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        pid = int((directory / "keeper.lock").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
