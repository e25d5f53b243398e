"""Exit statuses: what a script may rely on."""

from __future__ import annotations

import enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.cli.client.wire import Job


class Exit(enum.IntEnum):
    """Every status that a verb ends with; 130 is a quick verb that died of Ctrl-C."""

    DONE = 0
    FAILED = 1  # the job failed
    USAGE = 2  # usage or configuration
    FORBIDDEN = 3  # by the daemon, or by the socket's file permissions
    CANCELLED = 4
    NO_DAEMON = 5
    NEVER_RAN = 6  # rejected, superseded, expired
    LOST = 7  # lost, or left something dirty
    TIMED_OUT = 8
    INTERNAL = 9  # an error of ours, client or server
    WARNINGS = 10  # success with warnings, only with --strict
    HALTED = 11  # success that a step ended early, only with --strict
    DETACHED = 12  # we stopped looking; the job goes on
    CONFLICT = 13  # not found, or not in this state
    WAIT_TIMEOUT = 124


WORST_FIRST = (
    Exit.LOST,
    Exit.FAILED,
    Exit.TIMED_OUT,
    Exit.CANCELLED,
    Exit.NEVER_RAN,
    Exit.HALTED,
    Exit.WARNINGS,
    Exit.DONE,
)

_OF_CONCLUSION = {
    "failure": Exit.FAILED,
    "cancelled": Exit.CANCELLED,
    "timed_out": Exit.TIMED_OUT,
    "lost": Exit.LOST,
    "superseded": Exit.NEVER_RAN,
    "rejected": Exit.NEVER_RAN,
    "expired": Exit.NEVER_RAN,
}


def status_of(job: Job, strict: bool = False) -> Exit:
    """The exit status that a finished job stands for. A conclusion that we don't know is ours."""
    if job["dirty"]:
        return Exit.LOST
    if job["conclusion"] != "success":
        return _OF_CONCLUSION.get(job["conclusion"] or "", Exit.INTERNAL)
    if strict and job["halted_by"]:
        return Exit.HALTED
    return Exit.WARNINGS if strict and job["warnings"] else Exit.DONE


def worst(statuses: Iterable[Exit]) -> Exit:
    """The one status for several jobs: an error of ours first, then the worst conclusion."""
    seen = set(statuses)
    unknown = seen.difference(WORST_FIRST)
    return (
        min(unknown)
        if unknown
        else next((status for status in WORST_FIRST if status in seen), Exit.DONE)
    )
