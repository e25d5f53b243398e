"""Holds a test bed that a guardian runs (`bed_guard`), alone or together with other processes.

A bed lives as long as anybody holds a shared lock on the file `users` in its directory; the kernel
drops the locks of those who end, in whatever way.
"""

import contextlib
import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Command = Sequence[str | Path]
"""A guardian's program and arguments; the bed's directory is put after the program."""

_guardians: list[subprocess.Popen[bytes]] = []
"""Those that this process started. A guardian outlives its starter while others use its bed."""


class BedError(Exception):
    """The bed could not be started, or what was waited for did not happen."""


@dataclass(frozen=True)
class Hold:
    """One process's use of a bed that runs."""

    directory: Path
    told: dict[str, Any]
    """What its guardian said when it was ready; `pids` among it, with `guardian`'s own."""
    users: int

    @property
    def pids(self) -> dict[str, int]:
        """Of its processes."""
        found: dict[str, int] = self.told["pids"]
        return found


@contextlib.contextmanager
def shared(directory: Path, command: Command) -> Iterator[Hold]:
    """The bed below a directory, which all processes that name it use together.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    current = directory / "current"
    with _lock(directory / "starting"):
        hold = _join(current)
        if hold is None:
            place = directory / f"bed-{secrets.token_hex(4)}"
            hold = _start(place, command)
            current.unlink(missing_ok=True)
            current.symlink_to(place)
    try:
        yield hold
    finally:
        os.close(hold.users)


@contextlib.contextmanager
def private(directory: Path, command: Command) -> Iterator[Hold]:
    """A bed of its own in a new directory, ended for certain at the end of the block.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    hold = _start(directory, command)
    guardian = os.pidfd_open(hold.pids["guardian"])
    try:
        yield hold
    finally:
        os.close(hold.users)
        os.waitid(os.P_PIDFD, guardian, os.WEXITED)
        os.close(guardian)


def directory_of_run(base: Path) -> Path:
    """What all workers of one run of pytest share, given the base of one of them."""
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _join(current: Path) -> Hold | None:
    """The bed that runs, kept running by our lock; None when none does."""
    if not current.exists():
        return None
    place = current.resolve()
    users = os.open(place / "users", os.O_RDWR)
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if _is_alive(place):
            return Hold(place, json.loads((place / "bed.json").read_bytes()), users)
    except BlockingIOError:  # its guardian has seen the last user go
        pass
    os.close(users)
    return None


def _is_alive(place: Path) -> bool:
    with (place / "alive").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start(place: Path, command: Command) -> Hold:
    place.mkdir(mode=0o700)
    users = os.open(place / "users", os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    program, *arguments = command
    with (place / "guardian.log").open("wb") as log:
        guardian = subprocess.Popen(
            [sys.executable, program, place, *arguments],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a terminal is for the tests
        )
    _guardians.append(guardian)
    assert guardian.stdout
    with guardian.stdout as told:
        line = told.readline()
    answer = json.loads(line or "{}")
    if "pids" in answer:
        (place / "bed.json").write_bytes(line)
        return Hold(place, answer, users)
    os.close(users)
    guardian.wait()
    raise BedError(answer.get("error") or (place / "guardian.log").read_text())


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
