"""What the store's tests run in processes of their own, to be killed or cut off there."""

import ctypes
import os
import platform
import re
import resource
import struct
from pathlib import Path

import trio

from orchestrator.store.errors import StoreError
from orchestrator.store.protocol import Store
from orchestrator.store.sqlite import open_store
from tests.store.inline import open_inline_store
from tests.store.store_builders import changes, queued, started

OPENINGS = {"threads": open_store, "inline": open_inline_store}
EVENTS, JOBS = 3, 2
"""How much each append of `append_for_ever` writes."""

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EIO = 5
_SYNC_CALLS = {"x86_64": (74, 75), "aarch64": (82, 83)}


def say(*words: object) -> None:
    print(*words, flush=True)


async def _append(store: Store) -> range:
    next_job = (await store.load()).next_job
    jobs = [queued(next_job + offset) for offset in range(JOBS)]
    return await store.append([started()] * EVENTS, changes(*jobs), None)


def append_for_ever(directory: str, driver: str) -> None:
    """Append, and print the last id of each append when it is acknowledged."""

    async def run() -> None:
        async with OPENINGS[driver](Path(directory)) as store:
            while True:
                say((await _append(store))[-1])

    trio.run(run)


async def _say_what_append_does(store: Store) -> None:
    try:
        say(*await _append(store))
    except StoreError as error:
        say(type(error).__name__, *re.findall("SQLITE_[A-Z_]+", str(error)))


def _limit_the_log(directory: str, extra: int) -> None:
    """Let no file become larger than the write-ahead log is now and `extra` bytes."""
    size = Path(directory, "state.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + extra, resource.RLIM_INFINITY))


def outgrow_the_file_size_limit(directory: str, driver: str) -> None:
    """Append with room, without, with room again; then die without closing."""

    async def run() -> None:
        async with OPENINGS[driver](Path(directory)) as store:
            await _say_what_append_does(store)
            _limit_the_log(directory, extra=100)
            await _say_what_append_does(store)
            _limit_the_log(directory, extra=1_000_000)
            await _say_what_append_does(store)
            os._exit(0)

    trio.run(run)


def outgrow_the_file_size_limit_and_die(directory: str, extra: str) -> None:
    """Append with room, then with room for a part of the frames only; die without closing."""

    async def run() -> None:
        async with open_inline_store(Path(directory)) as store:
            await _say_what_append_does(store)
            _limit_the_log(directory, int(extra))
            await _say_what_append_does(store)
            os._exit(0)

    trio.run(run)


def lose_the_disk_at_the_sync(directory: str) -> None:
    """Append, then append while fsync fails, then again; die without closing."""

    async def run() -> None:
        async with open_inline_store(Path(directory)) as store:
            await _say_what_append_does(store)
            fail_every_sync()
            await _say_what_append_does(store)
            await _say_what_append_does(store)
            os._exit(0)

    trio.run(run)


def fail_every_sync() -> None:
    """Let the kernel answer fsync and fdatasync of this thread with EIO from now on (seccomp)."""

    def instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    fsync, fdatasync = _SYNC_CALLS[platform.machine()]
    program = (
        instruction(_LOAD_NUMBER, 0, 0, 0)
        + instruction(_JUMP_IF_EQUAL, 2, 0, fsync)
        + instruction(_JUMP_IF_EQUAL, 1, 0, fdatasync)
        + instruction(_RETURN, 0, 0, _ALLOW)
        + instruction(_RETURN, 0, 0, _ERRNO | _EIO)
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    pointer = ctypes.addressof(ctypes.create_string_buffer(described, len(described)))
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, pointer, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp")
