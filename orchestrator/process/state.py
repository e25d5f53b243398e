"""What a process's directory and /proc say about it now.

How each moment looks when everything of ours is killed there:

| the supervisor died | what is on disk | state |
|---|---|---|
| before it claimed the directory | nothing | `NotStarted`: may be started |
| before it recorded the tool | `started` | `NeverRan`: the tool waits for the supervisor's word |
| before the tool ended | `started`, `pid` | `Running(supervised=False)`, then `Lost` |
| between the tool's end and `status` | `started`, `pid` | `Lost` |
| after `status` | all | `Exited` |

A supervisor counts as dead only when its lock is free *and* its pid is not its own any more.
After a power cut files that were not synced may be missing, so `NotStarted` proves something only
within the boot in which the intent to start was recorded: compare `read_boot_id`.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from orchestrator.process import identity, records


class ProcessExit(msgspec.Struct, frozen=True, kw_only=True):
    """How a tool ended: by `code` or by `signal` (a number), the other is None.

    `error` says why nothing could be executed (`command not found: foo`); `code` is then 127 (not
    found) or 126. `alone` is true when no descendant outlived the tool.
    """

    code: int | None = None
    signal: int | None = None
    error: str | None = None
    alone: bool = True


class NotStarted(msgspec.Struct, frozen=True, tag=True):
    """Nobody claimed the directory: nothing ran."""


class Void(msgspec.Struct, frozen=True, tag=True):
    """A recovering daemon claimed the directory: nothing will ever run here."""


class Starting(msgspec.Struct, frozen=True, tag=True):
    """A supervisor is at work and has not recorded the tool; nothing was executed yet."""


class Running(msgspec.Struct, frozen=True, tag=True):
    """The tool was released and its end is not recorded.

    It leads a session of its own, numbered `session`. Not `supervised`: its supervisor was killed,
    so that its exit will never be known.
    """

    pid: int
    start_time: int
    boot_id: str
    session: int
    supervised: bool = True


class Exited(msgspec.Struct, frozen=True, tag=True):
    """The tool ended, and how."""

    exit: ProcessExit


class NeverRan(msgspec.Struct, frozen=True, tag=True):
    """The supervisor died before it released the tool: nothing was executed, nor will be."""


class Lost(msgspec.Struct, frozen=True, tag=True):
    """The tool ended and nobody can know how. Its descendants may live: see `is_tree_dead`."""

    reason: str


ProcessState = NotStarted | Void | Starting | Running | Exited | NeverRan | Lost


def look(directory: Path) -> ProcessState:
    """What is known of this directory's process now. Reads files and /proc, waits for nothing."""
    ended = read_ended(directory)
    if ended is not None:
        return Exited(_exit_of(ended))
    claim = read_claim(directory)
    if claim is None:
        return NotStarted()
    if claim.is_void:
        return Void()
    if claim.boot_id != identity.read_boot_id():
        return Lost("exit status unknown: the host went down before it was recorded")
    # Asked before `pid` is read. The other way round, a supervisor that records its tool and dies
    # in between is taken for `NeverRan` while the tool runs, and it is started again.
    supervised = is_supervised(directory, claim)
    tool = read_tool(directory)
    if supervised:
        return Starting() if tool is None else _running(tool, supervised=True)
    ended = read_ended(directory)  # written, perhaps, since we looked first
    if ended is not None:
        return Exited(_exit_of(ended))
    if tool is None:
        return NeverRan()
    if identity.is_alive(tool.pid, tool.start_time):
        return _running(tool, supervised=False)
    return Lost("exit status unknown: the supervisor died before the tool's end was recorded")


def _running(tool: records.Tool, *, supervised: bool) -> Running:
    return Running(tool.pid, tool.start_time, tool.boot_id, tool.pid, supervised)


def _exit_of(ended: records.Ended) -> ProcessExit:
    return ProcessExit(
        code=ended.code, signal=ended.signal, error=ended.error or None, alone=ended.alone
    )


def read_claim(directory: Path) -> records.SupervisorClaim | None:
    """Who claimed the directory, or None. One that a power cut emptied is of another boot."""
    try:
        return records.SupervisorClaim.decode((directory / records.STARTED).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return records.SupervisorClaim(-1, 0, "")


def read_tool(directory: Path) -> records.Tool | None:
    """The tool, or None while it is not recorded."""
    try:
        return records.Tool.decode((directory / records.PID).read_bytes())
    except FileNotFoundError:
        return None


def read_ended(directory: Path) -> records.Ended | None:
    """How the tool ended, or None while that is not recorded (or was cut short by a power cut)."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return records.Ended.decode((directory / records.STATUS).read_bytes())
    return None


def read_owner(directory: Path) -> str | None:
    """Whose process the records say that this is: the token of its job, empty in those of an
    earlier release. None where nothing is claimed, or nobody can tell."""
    ended = read_ended(directory)
    if ended is not None:
        return ended.owner
    claim = read_claim(directory)
    return None if claim is None or claim.pid <= 0 else claim.owner


def read_start(directory: Path) -> tuple[str, int] | None:
    """The boot in which the supervisor began, and how many milliseconds into it."""
    claim = read_claim(directory)
    if claim is None or claim.pid <= 0:
        return None
    return claim.boot_id, claim.start_time * 1000 // os.sysconf("SC_CLK_TCK")


def is_supervised(directory: Path, claim: records.SupervisorClaim) -> bool:
    """Whether the supervisor lives: it holds its lock, or its pid is still its own."""
    if identity.is_alive(claim.pid, claim.start_time):
        return True
    descriptor = os.open(directory / records.STARTED, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Shared: with exclusive locks, two that look at once take each other for the supervisor.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
