"""What people are asked, and what became of their answers."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.times import clock, moment, since
from orchestrator.cli.view.words import said, typed, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Approval, Awaited, Explanation, Job, PendingApproval
    from orchestrator.cli.view.terminal import Terminal


def pending_lines(approvals: list[PendingApproval], terminal: Terminal, now: float) -> list[str]:
    """Every question with what who answers it wants to know; those for this caller come first."""
    lines: list[str] = []
    for approval in sorted(approvals, key=lambda approval: not approval["may_answer"]):
        block = _pending(approval, terminal, now)
        lines += (
            block if approval["may_answer"] else [terminal.paint(line, "dim") for line in block]
        )
    return lines


def _pending(one: PendingApproval, terminal: Terminal, now: float) -> list[str]:
    step = f"  step {harmless(one['step'])}" if one["step"] else ""
    lines = [
        f"job {one['job']}  {where(one, terminal)}  {harmless(one['kind'])}{step}  "
        + said(one["submitter"]["user"], one["reason"]),
    ]
    first, *others = _lines(one["message"])
    if first:
        lines += [f"  asks: {first}", *(f"        {line}" for line in others)]
    lines += [
        f"  {harmless(found['step'])}: {harmless(found['text'])}" for found in one["summaries"]
    ]
    lines.append(f"  {awaited_text(one, now)}")
    lines += [f"  {given_text(approval, now)}" for approval in one["approvals"]]
    if one["holds_environment"]:
        lines.append(f"  {harmless(one['environment'])} is held by the job meanwhile")
    if one["may_answer"]:
        lines.append(f"  answer: {to_type(one['job'], one)}")
    return lines


def _lines(message: str | None) -> list[str]:
    """What is asked, line by line; one empty line where nothing is."""
    return [harmless(line) for line in (message or "").splitlines()] or [""]


def status_approval(one: PendingApproval, terminal: Terminal, now: float) -> list[str]:
    """The same as a row of the status."""
    step = f", step {harmless(one['step'])}" if one["step"] else ""
    return [
        str(one["job"]),
        where(one, terminal) + step,
        awaited_text(one, now),
        f"orchestrator approve {_words(one['job'], one)}" if one["may_answer"] else "",
    ]


def awaited_lines(job: Job, now: float) -> list[str]:
    """`awaits approval by approver (1 of 2), since 12:04 (6 min): orchestrator approve 7`."""
    return [
        f"{awaited_sentence(awaited, now)}: orchestrator approve {_words(job['id'], awaited)}"
        for awaited in job["awaits"]
    ]


def awaited_sentence(one: Awaited, now: float) -> str:
    """`step verify awaits approval by approver, since 12:04 (6 min) (release?)`."""
    who = f"step {harmless(one['step'])} " if one["step"] else ""
    message = f" ({'; '.join(_lines(one['message']))})" if one["message"] else ""
    return f"{who}awaits {awaited_text(one, now)}{message}"


def awaited_text(one: Awaited, now: float) -> str:
    """`approval by approver (1 of 2), since 12:04 (6 min), expires 16:04`."""
    rules = " and ".join(harmless(rule["text"]) for rule in one["rules"])
    expires = f", expires {moment(one['expires_at'], now)}" if one["expires_at"] else ""
    return f"{rules}, since {since(one['since'], now)}{expires}"


def given_text(approval: Approval, now: float) -> str:
    """`approved by bob at 12:05, "fine"`."""
    step = f" (step {harmless(approval['step'])})" if approval["step"] else ""
    comment = f', "{harmless(approval["comment"])}"' if approval["comment"] else ""
    by, at = harmless(approval["by"]["user"]), clock(approval["at"], now)
    return f"approved by {by} at {at}{step}{comment}"


def notice(job: int, one: Awaited, now: float) -> str:
    """`job 7 awaits approval by approver (1 of 2), expires 16:04; answer: orchestrator …`."""
    rules = " and ".join(harmless(rule["text"]) for rule in one["rules"])
    step = f": step {harmless(one['step'])}" if one["step"] else ""
    expires = f", expires {moment(one['expires_at'], now)}" if one["expires_at"] else ""
    return f"job {job}{step} awaits {rules}{expires}; answer: {to_type(job, one)}"


def to_type(job: int, one: Awaited) -> str:
    """What answers it."""
    words = _words(job, one)
    return f"orchestrator approve {words}, or: orchestrator reject {words}"


def _words(job: int, one: Awaited) -> str:
    return f"{job} {typed(one['step'])}" if one["step"] else str(job)


def approved_line(job: Job, explanation: Explanation) -> str:
    """What a yes has led to; the newest is the one that was just said."""
    newest = max(job["approvals"], key=lambda one: one["at"])
    step, number = newest["step"], job["id"]
    for awaited in job["awaits"]:
        if awaited["step"] == step:
            left = " and ".join(harmless(rule["text"]) for rule in awaited["rules"])
            return f"approved; it still needs {left}"
    if step is not None:
        return f"approved; step {harmless(step)} of job {number} goes on"
    return f"approved; job {number} {_goes_on(job, explanation)}"


def _goes_on(job: Job, explanation: Explanation) -> str:
    from orchestrator.cli.view.explanation import ordinal
    from orchestrator.cli.view.words import job_state

    if job["phase"] != "queued":
        return "has begun" if job["phase"] == "running" else f"is {job_state(job)}"
    place = f", {ordinal(explanation['place'])} in the queue" if explanation["place"] else ""
    blockers = "; ".join(harmless(blocker["text"]) for blocker in explanation["blockers"][:2])
    return f"is ready{place}" + (f": {blockers}" if blockers else "")


def rejected_line(job: Job, step: str | None) -> str:
    """What a no has led to."""
    number, cancel = job["id"], job["cancel"]
    if cancel and cancel["cause"] == "rejection" and step is None:
        if job["phase"] == "finished":
            return f"rejected: job {number} has ended as rejected"
        return f"rejected: job {number} ends as rejected when its finally steps have run"
    asked = f"step {harmless(step)}" if step else "the step that asked"
    return f"rejected: {asked} of job {number} ends as its outcomes say"
