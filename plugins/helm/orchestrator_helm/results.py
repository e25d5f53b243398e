"""From helm's own record of the release to the result of a step."""

from itertools import takewhile
from pathlib import Path

from orchestrator.plugin import Exit, Result
from orchestrator_helm.intent import Intent
from orchestrator_helm.release import (
    DEPLOYED,
    UNINSTALLED,
    History,
    Revision,
    Status,
    one_line,
)

NOT_FOUND = "not-found"
_ERROR = "Error: "
_TAIL = 16 << 10
"""Bytes of a log in which helm's last message is looked for."""


def of_upgrade(
    history: History, intent: Intent, ended: Exit, *, ours: bool, stopping: bool
) -> Result:
    """`ours` says that the revision which this step was to make is its own."""
    made = history.get(intent.makes) if ours else None
    ok = made is not None and made is history.latest and made.status == DEPLOYED
    return _result(history, made, intent, ended, ok=ok, stopping=stopping)


def of_rollback(history: History, intent: Intent, ended: Exit, *, stopping: bool) -> Result:
    """What it made is a new revision with the content of an older one."""
    made = history.get(intent.makes)
    ok = made is not None and made is history.latest and made.status == DEPLOYED
    return _result(history, made, intent, ended, ok=ok, stopping=stopping)


def of_uninstall(history: History, intent: Intent, ended: Exit, *, stopping: bool) -> Result:
    """What it was to take away is gone, or kept as history only."""
    latest = history.latest
    ok = latest is None or latest.status == UNINSTALLED
    why = f"stopped on request: {_left(history)}" if stopping else said(ended) or str(history)
    return Result(
        exit=ended.code,
        signal=ended.signal,
        ok=ok,
        statuses=(UNINSTALLED if latest is None else latest.status,),
        summary="uninstalled" if ok else str(history),
        reason="" if ok else why,
        stopped=not ok if stopping else None,
    )


def of_status(history: History) -> Result:
    """What stands; a failure of the status `not-found` where there is no such release."""
    latest = history.latest
    if latest is None:
        return Result(ok=False, statuses=(NOT_FOUND,), summary=str(history), reason=str(history))
    found = {"revision": latest.revision, "status": latest.status, "chart": latest.chart}
    return Result(ok=True, statuses=(latest.status,), summary=str(history), outputs=found)


def of_test(status: Status, ended: Exit, *, stopping: bool) -> Result:
    """Every test of the release must have succeeded."""
    failed = [hook.name for hook in status.tests if not hook.has_succeeded]
    ok = not failed and ended.ok
    done = len(status.tests) - len(failed)
    summary = f"{done} of {len(status.tests)} tests succeeded"
    why = f"not succeeded: {', '.join(failed)}" if failed else said(ended)
    if stopping:
        why = f"stopped on request: {summary}"
    return Result(
        exit=ended.code,
        signal=ended.signal,
        ok=ok,
        summary=summary,
        reason="" if ok else why,
        stopped=not ok if stopping else None,
    )


def _result(
    history: History,
    made: Revision | None,
    intent: Intent,
    ended: Exit,
    *,
    ok: bool,
    stopping: bool,
) -> Result:
    statuses = () if made is None else (made.status,)
    return Result(
        exit=ended.code,
        signal=ended.signal,
        ok=ok,
        statuses=statuses,
        summary=str(history),
        reason="" if ok else _why(history, made, ended, stopping),
        outputs=outputs(history, intent),
        stopped=not ok if stopping else None,
    )


def outputs(history: History, intent: Intent) -> dict[str, object]:
    """What later steps may ask for."""
    latest = history.latest
    if latest is None:
        return {}
    return {
        "revision": latest.revision,
        "status": latest.status,
        "chart": latest.chart,
        "previous": intent.deployed,
    }


def _why(history: History, made: Revision | None, ended: Exit, stopping: bool) -> str:
    if stopping:
        return f"stopped on request: {_left(history)}"
    helm_said = said(ended)
    if made is not None and not helm_said:
        return made.description or str(history)
    return helm_said or str(history)


def _left(history: History) -> str:
    """What helm left; what is pending is healed afterwards, which is told then."""
    pending = history.pending
    if pending is None:
        return str(history)
    return f"helm left revision {pending.revision} {pending.status}"


def said(ended: Exit) -> str:
    """helm's last message, for people: nothing is concluded from it."""
    if ended.error:
        return ended.error
    if ended.signal:
        return f"helm was ended by {ended.signal}"
    if ended.ok or not ended.stderr:
        return ""
    lines = _tail(Path(ended.stderr)).splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith(_ERROR)]
    if not starts:
        return ""
    # Several causes stand in lines of their own: `Error: 1 error occurred:\n\t* …\n\n`.
    return one_line("\n".join(takewhile(str.strip, lines[starts[-1] :])))


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
