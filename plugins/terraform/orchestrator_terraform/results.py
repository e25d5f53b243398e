"""From terraform's exit and events to the result of a step."""

from typing import Any

import msgspec

from orchestrator.plugin import AdapterError, Completed, Exit, Result
from orchestrator_terraform.events import Tally, plain
from orchestrator_terraform.lock import one_line

NO_CHANGES = 0
CHANGES = 2
"""Exit codes of `plan -detailed-exitcode`; 1 is an error."""

STALE_PLAN = "stale_plan"
"""The status of a saved plan that no longer fits the state."""
_STALE_SUMMARY = "Saved plan is stale"


class Output(msgspec.Struct, frozen=True):
    """One output of the root module as `output -json` tells it."""

    value: Any
    sensitive: bool = False


def plan_result(ended: Exit, counted: Tally, *, stopping: bool) -> Result:
    """Of a plan: 0 and 2 are both success."""
    ok = ended.code in (NO_CHANGES, CHANGES)
    summary = ""
    if ok:
        changes = counted.summary
        summary = "no changes"
        if ended.code == CHANGES:
            summary = changes.summary if changes is not None else "changes"
    return Result(
        exit=ended.code,
        signal=ended.signal,
        ok=ok,
        summary=summary,
        reason=summary if ok else _reason(ended, counted),
        stopped=_stopped(ended, counted, ok=ok) if stopping else None,
    )


def apply_result(ended: Exit, counted: Tally, *, stopping: bool) -> Result:
    """Of an apply or a destroy."""
    summary = _progress(counted)
    if ended.ok and counted.summary is not None:
        summary = counted.summary.summary
    stopped = _stopped(ended, counted, ok=ended.ok) if stopping else None
    stale = counted.error(_STALE_SUMMARY) is not None
    reason = _reason(ended, counted)
    if stopped:
        reason = f"stopped on request: {summary}"
    elif stale:
        reason = "the saved plan is stale: the state changed after it was made; plan again"
    return Result(
        exit=ended.code,
        signal=ended.signal,
        statuses=(STALE_PLAN,) if stale else (),
        summary=summary,
        reason=reason,
        stopped=stopped,
    )


def _progress(counted: Tally) -> str:
    return f"{counted.done} of {counted.planned} changes made"


def _reason(ended: Exit, counted: Tally) -> str:
    return ended.error or counted.reason


def _stopped(ended: Exit, counted: Tally, *, ok: bool) -> bool | None:
    """Whether the stop that was asked for is why it ended.

    terraform exits with 1 in both cases, and says so when it was interrupted. Killed by a signal,
    the daemon knows best (None).
    """
    if ended.signal is not None:
        return None
    return not ok and counted.interrupted


def read_outputs(answer: Completed) -> dict[str, Output]:
    """The root module's outputs from `output -json`. Raises AdapterError."""
    try:
        return msgspec.json.decode(answer.stdout, type=dict[str, Output])
    except msgspec.MsgspecError as error:
        raise AdapterError(one_line(plain(answer.stderr)) or str(error)) from error
