"""States in words, marks and colours. The words carry all of it; the rest is for the eye."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.times import between, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Cancel, Job, JobSummary, PendingApproval
    from orchestrator.cli.view.terminal import Terminal

_MARKS = {
    "success": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failure": ("✗", "red"),
    "halted": ("◐", "yellow"),
    "cancelled": ("✗", "yellow"),
    "timed_out": ("✗", "red"),
    "lost": ("✗", "red"),
    "skipped": ("·", "dim"),
    "not_run": ("·", "dim"),
    "superseded": ("·", "dim"),
    "rejected": ("✗", "yellow"),
    "expired": ("✗", "yellow"),
    "pending": ("·", "dim"),
    "queued": ("○", "dim"),
    "preparing": ("○", "blue"),
    "cancelling": ("●", "yellow"),
}
_RUNNING = ("●", "blue")


def mark(state: str, terminal: Terminal) -> str:
    """The sign of a phase or conclusion, on a terminal; nothing elsewhere."""
    if not (terminal.on_terminal and terminal.unicode):
        return ""
    sign, colour = _MARKS.get(state, _RUNNING)
    return terminal.paint(sign, colour)


def coloured(text: str, state: str, terminal: Terminal) -> str:
    """A text in the colour of a phase or conclusion."""
    return terminal.paint(text, _MARKS.get(state, _RUNNING)[1])


def spoken(word: str) -> str:
    """`timed_out` as a person would say it."""
    return harmless(word).replace("_", " ")


def state_of(job: JobSummary) -> str:
    """The conclusion of a finished job, the phase of another."""
    return job["conclusion"] or job["phase"]


def job_state(job: JobSummary) -> str:
    """`success, halted by plan, 1 warning`."""
    words = [spoken(state_of(job))]
    if job["halted_by"]:
        words.append(f"halted by {harmless(job['halted_by'])}")
    if job["warnings"]:
        words.append(counted(job["warnings"], "warning"))
    if job["dirty"]:
        words.append("dirty")
    return ", ".join(words)


def counted(number: int, noun: str) -> str:
    """`1 warning`, `2 warnings`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def marked_state(job: JobSummary, terminal: Terminal) -> str:
    """The same with its mark and colour."""
    sign = mark(state_of(job), terminal)
    text = coloured(job_state(job), "failure" if job["dirty"] else state_of(job), terminal)
    return f"{sign} {text}" if sign else text


def where(job: JobSummary | PendingApproval, terminal: Terminal) -> str:
    """`web → production`."""
    return f"{harmless(job['pipeline'])} {terminal.arrow} {harmless(job['environment'])}"


def took(job: JobSummary, now: float) -> str:
    """How long a job has run, or ran; "" for one that never did."""
    return between(job["started_at"], job["finished_at"], now)


def typed(word: str) -> str:
    """A name, ready for a shell."""
    plain = harmless(word)
    if all(sign.isalnum() or sign in "@%+=:,./-_" for sign in plain):
        return plain
    return "'" + plain.replace("'", "'\"'\"'") + "'"


def said(user: str, reason: str | None) -> str:
    """`ada, "release v1.2.3"`."""
    return f'{harmless(user)}, "{harmless(reason)}"' if reason else harmless(user)


def headline(job: Job, terminal: Terminal, now: float) -> str:
    """The line that begins every view of one job."""
    parts = [
        terminal.paint(f"job {job['id']}", "bold"),
        where(job, terminal),
        harmless(job["kind"]),
        marked_state(job, terminal),
        took(job, now),
        said(job["submitter"]["user"], job["reason"]),
    ]
    return "  ".join(part for part in parts if part)


def stop_sentence(cancel: Cancel, now: float) -> str:
    """`asked to stop by root at 12:04, "wrong version"`, `rejected by ada at 12:04`."""
    verb = {"rejection": "rejected", "expiry": "expired"}.get(cancel["cause"], "asked to stop")
    if cancel["by"] is None and verb == "expired":
        return f"expired at {clock(cancel['at'], now)}: {harmless(cancel['reason'] or '')}"
    by = harmless(cancel["by"]["user"]) if cancel["by"] else "a rule"
    reason = f', "{harmless(cancel["reason"])}"' if cancel["reason"] else ""
    return f"{verb} by {by} at {clock(cancel['at'], now)}{reason}"
