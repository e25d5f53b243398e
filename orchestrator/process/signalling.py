"""A signal to a tool at most once, whoever is killed meanwhile.

The daemon leaves the wish as a FIFO in `signals/` and wakes the supervisor, which claims the wish,
sends the signal to its own unreaped child and closes the FIFO. A daemon that dies in between finds
the claim afterwards. Only for a tool whose supervisor died the daemon claims and sends itself.
"""

import contextlib
import os
import signal
from pathlib import Path
from urllib.parse import quote

import trio

from orchestrator.process import identity, records, state
from orchestrator.process.state import Running, Starting
from orchestrator.process.waiting import wait_readable

_PAUSE = 0.01  # seconds; only while a supervisor is just being killed


async def signal_once(directory: Path, signal_id: str, signum: int) -> bool:
    """Send this signal to the tool unless the one with this id was taken up before.

    True when it was taken up, now or earlier: it is never sent again, even if whoever took it up
    was killed before the tool got it. False when there is no tool to signal (any more).
    """
    name = quote(signal_id, safe="").replace(".", "%2E")
    folder = directory / records.SIGNALS
    claim = folder / f"{name}{records.CLAIM}"
    while not _is_claimed(claim):
        match state.look(directory):
            case Starting() | Running(supervised=True):
                folder.mkdir(mode=0o700, exist_ok=True)
                await _ask_supervisor(directory, folder / f"{name}.{signum}", claim)
            case Running(pid=pid, start_time=start_time):
                folder.mkdir(mode=0o700, exist_ok=True)
                return _send(directory, name, signum, pid, start_time)
            case _:
                return False
    return True


async def _ask_supervisor(directory: Path, request: Path, claim: Path) -> None:
    """Wake the supervisor for this request; return when it answered or ended."""
    owner = state.read_claim(directory)
    assert owner is not None
    with contextlib.suppress(FileExistsError):
        os.mkfifo(request, 0o600)
    with contextlib.ExitStack() as closing:
        answered = os.open(request, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        closing.callback(os.close, answered)
        supervisor = identity.open_pidfd(owner.pid, owner.start_time)
        if supervisor is None:
            await trio.sleep(_PAUSE)
            return
        closing.callback(os.close, supervisor)
        if _is_claimed(claim) or state.read_ended(directory) is not None:
            return  # answered before we listened
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(supervisor, signal.SIGUSR1)
        await wait_readable(answered, supervisor)


def _is_claimed(claim: Path) -> bool:
    return claim.exists()


def _send(directory: Path, name: str, signum: int, pid: int, start_time: int) -> bool:
    tool = identity.open_pidfd(pid, start_time)
    if tool is None:
        return False
    try:
        if records.claim_signal(os.fspath(directory), name):
            with contextlib.suppress(ProcessLookupError):
                # Not by pid, as its supervisor may: the tool is not our child, so it may have ended
                # since we looked, and its pid may be another process's by now.
                signal.pidfd_send_signal(tool, signum)
    finally:
        os.close(tool)
    return True
