"""The daemon's socket in the file system.

Everybody may connect to it (mode 0666): the kernel says who a caller is, and roles decide what a
caller may do. A directory with narrower permissions keeps others out altogether.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BACKLOG = 1024
"""Connections that wait to be accepted; the kernel's own limit (somaxconn) may be lower."""
SOCKET_MODE = 0o666
DIRECTORY_MODE = 0o755


class SocketUnusable(Exception):
    """The socket cannot be made at its path; the message says what to do."""


class SocketInUse(SocketUnusable):
    """Another process listens there."""


class NotASocket(SocketUnusable):
    """Something else has the socket's path, and is left alone."""


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A listening socket at this path; one that nobody listens at is replaced in one step.

    The path is taken away at the end, unless it is another daemon's by then.
    Raises SocketInUse, NotASocket, SocketUnusable (its directory, its length).
    """
    _refuse_taken(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        inode = _take(path, listener)
        try:
            yield listener
        finally:
            with suppress(OSError):
                if path.lstat().st_ino == inode:
                    path.unlink()


def _take(path: Path, listener: socket.socket) -> int:
    """Bind beside the path, and rename there what is ready to be connected to. Its inode."""
    draft = path.with_name(f".{os.getpid()}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(DIRECTORY_MODE)  # whatever the umask is
        draft.unlink(missing_ok=True)
        listener.bind(str(draft))
        draft.chmod(SOCKET_MODE)
        listener.listen(BACKLOG)
        draft.rename(path)
        return path.lstat().st_ino
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise SocketUnusable(_why(path, error)) from error


def _refuse_taken(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise NotASocket(
            f"{path} is there and is no socket; move it away, or say `socket = …` in "
            "orchestrator.toml"
        )
    if _answers(path):
        raise SocketInUse(
            f"another process listens at {path}, probably a daemon that runs already; stop it "
            "first, or say `socket = …` in orchestrator.toml"
        )


def _answers(path: Path) -> bool:
    """Whether somebody listens there. A full backlog, or a socket that is not ours, counts."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.setblocking(False)
    try:
        probe.connect(str(path))
    except OSError as error:
        return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    finally:
        probe.close()
    return True


def _why(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENAMETOOLONG, None):
        return f"{path} is too long for a unix socket; say a shorter `socket = …`"
    return f"the socket {path} can't be made: {error.strerror}"
