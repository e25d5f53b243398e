"""Who asks: the user and groups of the process at the other end of a unix socket.

The kernel says it (SO_PEERCRED, SO_PEERGROUPS, as they were when the client connected); nothing in
a request can claim otherwise.
"""

import ctypes
import errno
import grp
import os
import pwd
import socket
import struct
from collections.abc import Callable
from contextvars import ContextVar

import msgspec
import trio

from orchestrator.core.language.commands import Caller

_SO_PEERGROUPS = 59  # asm-generic/socket.h; the socket module has no name for it
_UCRED = struct.Struct("iII")  # pid, uid, gid
_MOST_GROUPS = 65536  # NGROUPS_MAX
_PYTHON_LIMIT = 1024  # bytes that socket.getsockopt can take

NAMES_KEPT = 60.0
"""Seconds for which a name that was looked up is believed."""
NAMES_AT_MOST = 10_000
"""Names that are kept at once."""
LOOKUPS_AT_ONCE = 4
"""Threads that may ask the user database, which may be slow, at the same time."""


class Credentials(msgspec.Struct, frozen=True):
    """What the kernel knows of a peer: its pid, uid, and all its gids."""

    pid: int
    uid: int
    gids: frozenset[int]


_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who is at the other end of the connection that this task serves."""
    return _caller.get()


def serve_as(caller: Caller) -> None:
    """Let this task, and all that it starts, serve this caller."""
    _caller.set(caller)


def credentials(connection: trio.socket.SocketType) -> Credentials:
    """The peer's credentials. Raises OSError for what is no connected unix socket."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(data)
    return Credentials(pid=pid, uid=uid, gids=frozenset((gid, *_supplementary(connection))))


def _supplementary(connection: trio.socket.SocketType) -> tuple[int, ...]:
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _PYTHON_LIMIT)
    except OSError as error:
        # Python's own call has room for 256 groups: without the longer one, who is in more of them
        # could not connect at all.
        if error.errno != errno.ERANGE:
            raise
        data = _long_option(connection, _SO_PEERGROUPS, _MOST_GROUPS * 4)
    return struct.unpack(f"{len(data) // 4}I", data)


def _long_option(connection: trio.socket.SocketType, option: int, size: int) -> bytes:
    """`getsockopt` for values that are longer than Python's own takes."""
    libc = ctypes.CDLL(None, use_errno=True)
    value = ctypes.create_string_buffer(size)
    length = ctypes.c_uint(size)
    descriptor = connection.fileno()
    if libc.getsockopt(descriptor, socket.SOL_SOCKET, option, value, ctypes.byref(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return value.raw[: length.value]


class Identities:
    """Names for the kernel's numbers. A number that the user database lacks is its own name."""

    def __init__(self, owner: int) -> None:
        """`owner` is the uid that the daemon runs as."""
        self._owner = owner
        self._known: dict[tuple[Callable[[int], str], int], tuple[str, float]] = {}
        self._lookups = trio.CapacityLimiter(LOOKUPS_AT_ONCE)

    async def caller(self, peer: Credentials) -> Caller:
        """The caller that a peer is."""
        return Caller(
            uid=peer.uid,
            user=await self._name(user_name, peer.uid),
            groups=frozenset([await self._name(group_name, gid) for gid in sorted(peer.gids)]),
            is_owner=peer.uid in (0, self._owner),
        )

    async def _name(self, look_up: Callable[[int], str], number: int) -> str:
        name, until = self._known.get((look_up, number), ("", 0.0))
        if until <= trio.current_time():
            name = await trio.to_thread.run_sync(look_up, number, limiter=self._lookups)
            if len(self._known) >= NAMES_AT_MOST:
                self._known.clear()
            self._known[look_up, number] = (name, trio.current_time() + NAMES_KEPT)
        return name


def user_name(uid: int) -> str:
    """The name of a user, or the number where there is none. Blocks: it may ask a directory."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The name of a group, or the number where there is none. Blocks: it may ask a directory."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
