"""What an event of the journal has beside what every event has, in words."""

from __future__ import annotations

from orchestrator.cli.view.parameters import pairs, written
from orchestrator.cli.view.times import duration
from orchestrator.cli.view.words import said, spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def field_text(event: dict[str, Any], name: str) -> str:
    """One field of an event; "" where there is nothing to be said of it.

    What the line says by itself (who, when) is not repeated. The text may hold others' text as it
    is.
    """
    value = event[name]
    by_type = _OF_TYPE.get((event["type"], name))
    if by_type is not None:
        return by_type(value)
    if value is None or value is False or value in ("", [], {}):
        return ""
    worded = _WORDED.get(name)
    if worded is not None and isinstance(value, dict | list | float):
        return worded(value, event)
    return _plain(name, value)


def _plain(name: str, value: object) -> str:
    """`conclusion=success`, `dirty`, `excludes=cleanup,deploy`, `params: version=v1`."""
    if value is True:
        return spoken(name)
    if isinstance(value, dict):
        return f"{spoken(name)}: {pairs(value)}"
    return f"{name}={written(value)}"


def _waits(text: str | None) -> str:
    return f"waits for {text}" if text else "waits no more"


def _ending(ending: dict[str, Any], event: dict[str, Any]) -> str:
    """`failure (exit 1): no route`, `skipped: only called after a failure`."""
    words = spoken(ending["conclusion"])
    if ending.get("signal"):
        words += f" (signal {ending['signal']})"
    elif ending.get("exit") is not None:
        words += f" (exit {ending['exit']})"
    return f"{words}: {ending['reason']}" if ending.get("reason") else words


def _cause(cause: dict[str, Any], event: dict[str, Any]) -> str:
    """The reason of the ending names it already, where there is one."""
    return "" if (event.get("ending") or {}).get("reason") else f"because of {cause['step']}"


def _submitter(person: dict[str, Any], event: dict[str, Any]) -> str:
    return "" if _actor_shown(person, event) else f"for {person['user']}"


def _actor_shown(person: dict[str, Any] | None, event: dict[str, Any]) -> bool:
    """Whether the line says already who it was."""
    return person is None or person == event.get("by")


def _run(run: dict[str, Any], event: dict[str, Any]) -> str:
    """`excludes cleanup, deploy; holds vpc; pays for job 117`."""
    said_of = {
        "excludes": ", ".join(run["excludes"]),
        "holds": ", ".join(run["locks"]),
        "pays for": ", ".join(f"job {job}" for job in run["pays"]),
    }
    return "; ".join(f"{word} {what}" for word, what in said_of.items() if what)


def _stop(stop: dict[str, Any], event: dict[str, Any]) -> str:
    """`cancel, "wrong version"`, `disconnect by ada`."""
    cause = spoken(stop["cause"])
    if not _actor_shown(stop["by"], event):
        cause += f" by {stop['by']['user']}"
    return said(cause, stop["reason"])


def _question(question: dict[str, Any], event: dict[str, Any]) -> str:
    """`asks 2 of approver, within 4h 00m: go on?`."""
    from orchestrator.cli.view.graph import asked_text

    text = "; ".join(question["text"].splitlines())
    return f"asks {asked_text(question['rule'])}: {text}"


def _approval(approval: dict[str, Any], event: dict[str, Any]) -> str:
    """`for its pipeline, "fine"`; "" for a step's without a comment."""
    rules = " and ".join(rule for rule in approval["counts_for"] if rule != "step")
    if not rules:
        return f'"{approval["comment"]}"' if approval["comment"] else ""
    return said(f"for its {rules}", approval["comment"])


def _answer(answer: dict[str, Any], event: dict[str, Any]) -> str:
    """`rejected, "not on a friday"`."""
    return said(spoken(answer["decision"]), answer["comment"])


def _record(record: dict[str, Any], event: dict[str, Any]) -> str:
    """`plan in apply`, `post in apply, done`."""
    done = ", done" if record.get("done") else ""
    return f"{record['key']} in {spoken(record['phase'])}{done}"


def _debt(debt: dict[str, Any], event: dict[str, Any]) -> str:
    """`cleanup owed for job 118: web-cleanup version=v1, keeps vpc`."""
    keeps = f", keeps {', '.join(debt['locks'])}" if debt["locks"] else ""
    run = f"{debt['pipeline']} {pairs(debt['params'])}".rstrip()
    return f"cleanup owed for job {debt['job']}: {run}{keeps}"


def _finding(finding: dict[str, Any], event: dict[str, Any]) -> str:
    """`found: a lock is left (type: tool unlock 4711)`."""
    commands = "; ".join(finding["commands"])
    return f"found: {finding['found']}" + (f" (type: {commands})" if commands else "")


def _findings(findings: list[dict[str, Any]], event: dict[str, Any]) -> str:
    return "; ".join(_finding(finding, event) for finding in findings)


def _secrets(secrets: dict[str, str], event: dict[str, Any]) -> str:
    """Their names; where they lie is of no use here."""
    return f"secrets={','.join(secrets)}"


_OF_TYPE: dict[tuple[str, str], Callable[[Any], str]] = {
    ("step_waiting", "text"): _waits,
    ("step_warned", "text"): lambda text: f"warning: {text}",
    ("rechecked", "finding"): lambda finding: _finding(finding, {}) if finding else "clean",
    ("unknown_run_found", "run"): lambda run: f"job {run['job']} {run['pipeline']}".rstrip(),
    ("unknown_run_judged", "verdict"): lambda verdict: said(
        "wait until nothing of it lives" if verdict["wait"] else "it is dead", verdict["reason"]
    ),
    ("daemon_started", "seed"): lambda seed: "",
    ("daemon_started", "numbers_from"): lambda number: (
        f"the next job is {number}, for directories have the numbers before" if number > 1 else ""
    ),
    ("job_submitted", "token"): lambda token: "",
    ("job_submitted", "priority"): lambda number: f"priority={number}" if number else "",
    ("step_retry_scheduled", "seconds"): lambda seconds: f"the next in {duration(seconds)}",
}
_WORDED: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "ending": _ending,
    "cause": _cause,
    "submitter": _submitter,
    "run": _run,
    "stop": _stop,
    "question": _question,
    "approval": _approval,
    "answer": _answer,
    "record": _record,
    "debt": _debt,
    "finding": _finding,
    "findings": _findings,
    "secrets": _secrets,
}
