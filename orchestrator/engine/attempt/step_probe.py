"""Read-only commands that are not remembered and do not outlive the daemon."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import trio

from orchestrator.engine.attempt import probe_guard
from orchestrator.plugin import AdapterError, Completed

_MOST_OUTPUT = 64 << 20
"""Bytes of each stream that are read: more is no answer to look at."""


async def probe(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float
) -> Completed:
    """Run it in a session of its own, with /dev/null as stdin and umask 077.

    Its output goes to unnamed files, so that nothing it leaves behind can hold us up. After
    `timeout` seconds, when this is cancelled, and when the daemon dies it is asked to end and soon
    killed with its session; see `probe_guard`.
    Raises AdapterError when it can't be started or takes too long.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        with trio.move_on_after(timeout):
            answer = await _guarded(argv, env, cwd, stdout, stderr)
            return Completed(_exit_code(argv, answer), _text(stdout), _text(stderr))
    raise AdapterError(f"{argv[0]} did not answer within {timeout:g} s and was killed")


async def _guarded(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, stdout: IO[bytes], stderr: IO[bytes]
) -> bytes:
    ours, theirs = socket.socketpair()
    line = trio.socket.from_stdlib_socket(ours)
    with line:
        with theirs:
            guard = [sys.executable, "-I", "-S", "-E", probe_guard.__file__, str(theirs.fileno())]
            try:
                process = await trio.lowlevel.open_process(
                    [*guard, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=dict(env),
                    cwd=cwd,
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
            except OSError as error:
                raise AdapterError(f"{argv[0]} was not started: {error}") from error
        try:
            answer = await line.recv(4096)
        finally:
            line.close()  # the guard sees it and kills
            with trio.CancelScope(shield=True):
                await process.wait()
    return answer


def _exit_code(argv: Sequence[str], answer: bytes) -> int:
    match answer.partition(b" "):
        case (b"exit", _, number):
            return int(number)
        case (b"signal", _, number):
            return -int(number)
        case (b"error", _, reason):
            raise AdapterError(f"{argv[0]} was not started: {reason.decode(errors='replace')}")
        case _:
            raise AdapterError(f"{argv[0]}: what ran it was killed; its answer is unknown")


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(_MOST_OUTPUT).decode(errors="replace")
