"""Why a job waits, or what its steps wait for, as lines."""

from __future__ import annotations

from orchestrator.cli.view.approvals import awaited_sentence
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.job import force_hints
from orchestrator.cli.view.steps import step_note
from orchestrator.cli.view.terminal import hanging, table
from orchestrator.cli.view.times import since
from orchestrator.cli.view.words import job_state, stop_sentence, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Explanation, Job, StepUnderWay
    from orchestrator.cli.view.terminal import Terminal


LIFTED_BY = {"approval": "answer", "reserved": "see"}
"""What stands before the command of a blocker that no command lifts."""
SHOWN = 3
"""So many of those that passed a job over are named."""


def explanation_lines(
    explanation: Explanation, job: Job, terminal: Terminal, now: float
) -> list[str]:
    """What is waited for, numbered, each with its cause, since when, and who can lift it; then
    what works, and what comes before the queue. On a terminal nothing is wider than that."""
    width = terminal.width
    waits = _waiting_steps(explanation, now) + _blockers(explanation, now)
    state = _state(explanation, job, bool(waits), now)
    lines = _title(job, state, terminal)
    if explanation["phase"] == "cancelling" and job["cancel"]:
        lines += hanging("  ", stop_sentence(job["cancel"], now), width)
    lines += _numbered(waits, width)
    for line in _passed_over(explanation, now):
        lines += hanging("  ", line, width)
    for at, note in enumerate(_at_work(explanation, now)):
        lines += hanging(" " * 11 if at else "  at work  ", note, width)
    for line in _next(explanation, job, now):
        lines += hanging("  ", line, width)
    return lines


def _title(job: Job, state: str, terminal: Terminal) -> list[str]:
    number, words = f"job {job['id']}", [where(job, terminal), harmless(job["kind"])]
    first = "  ".join([terminal.paint(number, "bold"), *words])
    if terminal.width and len("  ".join([number, *words, state])) > terminal.width:
        return [first, *hanging("  ", state, terminal.width)]
    return [f"{first}  {state}"]


def _numbered(waits: list[list[str]], width: int) -> list[str]:
    """A line each; where one of them is too long, what lifts it stands below each."""
    rows = table(([str(number), *row] for number, row in enumerate(waits, 1)), indent="  ")
    if not width or all(len(row) <= width for row in rows):
        return rows
    lines = []
    for number, (text, lift) in enumerate(waits, 1):
        first = f"  {number}  "
        lines += hanging(first, text, width)
        if lift:
            lines += hanging(" " * len(first), lift, width)
    return lines


def _waiting_steps(explanation: Explanation, now: float) -> list[list[str]]:
    asked = {awaited["step"]: awaited for awaited in explanation["awaits"]}
    rows = []
    for step in filter(_waits, explanation["steps"]):
        text = _note(step, now)
        if step["name"] in asked:
            text = awaited_sentence(asked[step["name"]], now)
        rows.append([text, f"answer: {harmless(step['lift'])}" if step["lift"] else ""])
    return rows


def _waits(step: StepUnderWay) -> bool:
    return bool(step["waiting_for"] or step["next_attempt_at"])


def _note(step: StepUnderWay, now: float) -> str:
    return f"{harmless(step['name'])}: {step_note(step, now)}"


def _blockers(explanation: Explanation, now: float) -> list[list[str]]:
    rows = []
    for blocker in explanation["blockers"]:
        when = f", since {since(blocker['since'], now)}" if blocker["since"] else ""
        word = LIFTED_BY.get(blocker["type"], "lift it")
        lift = f"{word}: {harmless(blocker['lift'])}" if blocker["lift"] else ""
        rows.append([f"{harmless(blocker['text'])}{when}", lift])
    return rows


def _passed_over(explanation: Explanation, now: float) -> list[str]:
    """`passed over 2 times, by job 7 (web, east), job 5 (web, west), the last at 08:20 (4 min)`."""
    passings = explanation["passed_over"]
    if not passings:
        return []
    who = [
        harmless(f"job {passing['job']} ({passing['pipeline']}, {passing['environment']})")
        for passing in passings[:SHOWN]
    ]
    times = "once" if len(passings) == 1 else f"{len(passings)} times"
    rest = ", …" if len(passings) > SHOWN else ""
    last = since(passings[0]["at"], now)
    when = f"at {last}" if len(passings) == 1 else f"the last at {last}"
    return [f"passed over {times}, by {', '.join(who)}{rest}, {when}"]


def _at_work(explanation: Explanation, now: float) -> list[str]:
    return [_note(step, now) for step in explanation["steps"] if not _waits(step)]


def _next(explanation: Explanation, job: Job, now: float) -> list[str]:
    match explanation["phase"]:
        case "preparing":
            waits = ("before", "pending", None)
            left = [
                harmless(step["name"])
                for step in job["steps"]
                if (step["section"], step["phase"], step["next_attempt_at"]) == waits
            ]
            before = [f"then its steps before: {', '.join(left)}"] if left else []
            return before + [f"then {harmless(text)}" for text in explanation["approvals"]]
        case "cancelling":
            return force_hints(job, now)
        case "finished":
            return [f"what happened: orchestrator show {job['id']}"]
        case _:
            return []


def _state(explanation: Explanation, job: Job, waits: bool, now: float) -> str:
    phase = explanation["phase"]
    if phase == "finished":
        return f"does not wait: it has finished ({job_state(job)})"
    word = {"queued": "waits", "running": "runs", "cancelling": "is being cancelled"}
    text = word.get(phase, "is preparing")
    if explanation["since"]:
        text += f" since {since(explanation['since'], now)}"
    if explanation["place"]:
        text += f", {ordinal(explanation['place'])} in the queue"
    if phase == "running" and not waits:
        text += ", waits for nothing"
    return text


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th, 12th, 13th …"""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"
