"""Why a job waits, as lines."""

from __future__ import annotations

from orchestrator.cli.escapes import harmless
from orchestrator.cli.terminal import table
from orchestrator.cli.times import since
from orchestrator.cli.view.steps import step_note
from orchestrator.cli.view.words import spoken, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.terminal import Terminal
    from orchestrator.cli.wire import Explanation, Job


def explanation_lines(
    explanation: Explanation, job: Job, terminal: Terminal, now: float
) -> list[str]:
    """The blockers, numbered, each with its cause, since when, and who can lift it."""
    title = [
        terminal.paint(f"job {job['id']}", "bold"),
        where(job, terminal),
        harmless(job["kind"]),
        _state(explanation, now),
    ]
    rows = [["1", text, ""] for text in _before(explanation, job, now)]
    for number, blocker in enumerate(explanation["blockers"], 1 + len(rows)):
        when = f", since {since(blocker['since'], now)}" if blocker["since"] else ""
        lift = f"lift it: {harmless(blocker['lift'])}" if blocker["lift"] else ""
        rows.append([str(number), f"{harmless(blocker['text'])}{when}", lift])
    lines = ["  ".join(title), *table(rows, indent="  ")]
    return [*lines, *(f"  then {harmless(text)}" for text in explanation["approvals"])]


def _before(explanation: Explanation, job: Job, now: float) -> list[str]:
    """Its steps that come before the queue and have not ended, in one line."""
    if explanation["phase"] != "preparing":
        return []
    left = [s for s in job["steps"] if s["section"] == "before" and s["phase"] != "finished"]
    notes = [f"{harmless(step['name'])}: {step_note(step, now)}" for step in left]
    return [f"its steps before: {'; '.join(notes)}"] if left else []


def _state(explanation: Explanation, now: float) -> str:
    if explanation["phase"] not in ("queued", "preparing"):
        return f"does not wait: it is {spoken(explanation['phase'])}"
    text = f"{'waits' if explanation['phase'] == 'queued' else 'is preparing'}"
    if explanation["since"]:
        text += f" since {since(explanation['since'], now)}"
    if explanation["place"]:
        text += f", {ordinal(explanation['place'])} in the queue"
    return text


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th …"""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
