"""The state directory: made, checked and held by one daemon at a time."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from orchestrator.store.errors import (
    AlreadyRunning,
    DatabaseMissing,
    StateDirectoryUnsafe,
    StateDirectoryUnusable,
)

DATABASE = "state.db"
LOCK = "daemon.lock"


@contextlib.contextmanager
def hold(directory: Path) -> Iterator[Path]:
    """Hold the state directory and give the path of its database, which exists then (mode 0600).

    The directory is made (mode 0700) if it is missing. The lock goes with this process, however
    it ends; no child inherits it.
    Raises StateDirectoryUnusable, StateDirectoryUnsafe, AlreadyRunning, DatabaseMissing.
    """
    with _as_unusable(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_if_others_may_write(directory)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with _as_unusable(directory):
            _lock(directory, lock)
            database = directory / DATABASE
            _refuse_to_forget(directory, database)
            _make_private(database)
        yield database
    finally:
        os.close(lock)


@contextlib.contextmanager
def _as_unusable(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateDirectoryUnusable(
            f"state directory {directory}: {error.strerror or error}. It must be a directory that "
            f"uid {os.geteuid()} can write, on a disk with space left; `state_dir` names it."
        ) from error


def _refuse_if_others_may_write(directory: Path) -> None:
    if stat.S_IMODE(directory.stat().st_mode) & 0o022:
        raise StateDirectoryUnsafe(
            f"state directory {directory}: other users may write to it. "
            f"Run `chmod go-w {directory}`, or name another directory in `state_dir`."
        )


def _lock(directory: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        pid = int(text) if text.isdecimal() else None
        who = "another daemon" if pid is None else f"the daemon with pid {pid}"
        raise AlreadyRunning(
            f"state directory {directory} is in use by {who}. "
            "Stop that one first, or give this one a `state_dir` of its own.",
            pid,
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _refuse_to_forget(directory: Path, database: Path) -> None:
    """A new database beside the files of old jobs would forget what they owe."""
    begun = database.exists() and database.stat().st_size > 0
    jobs = directory / "jobs"
    if not begun and jobs.is_dir() and any(jobs.iterdir()):
        raise DatabaseMissing(
            f"{database} is {'empty' if database.exists() else 'missing'}, but jobs have run here: "
            f"a new one would forget the cleanups that they owe. Put a backup there, or, to begin "
            f"anew, move {jobs} away."
        )


def _make_private(database: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the database itself.
    file = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if stat.S_IMODE(os.fstat(file).st_mode) & 0o077:
            os.fchmod(file, 0o600)
    finally:
        os.close(file)
