"""Environments as lines."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.job import quarantine_lines
from orchestrator.cli.view.terminal import table
from orchestrator.cli.view.times import since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Debt, Environment
    from orchestrator.cli.view.terminal import Terminal

_TITLES = ("ENVIRONMENT", "STATE", "RUNNING", "QUEUED", "LOCKS")


def environment_table(environments: list[Environment], terminal: Terminal, now: float) -> list[str]:
    """A line an environment, under titles."""
    rows = [[terminal.paint(title, "dim") for title in _TITLES]]
    for environment in environments:
        rows.append(
            [
                harmless(environment["name"]),
                _painted_state(environment, terminal),
                _numbers(environment["running"]),
                str(len(environment["queued"]) or ""),
                harmless(", ".join(environment["locks"])),
            ]
        )
    return table(rows) if environments else []


def environment_lines(environment: Environment, terminal: Terminal, now: float) -> list[str]:
    """One environment: state, holder, queue, debts, quarantine, locks, last jobs."""
    name = terminal.paint(harmless(environment["name"]), "bold")
    lines = [f"environment {name}  {_painted_state(environment, terminal)}"]
    facts = [
        ["running", _numbers(environment["running"])],
        ["preparing", _numbers(environment["preparing"])],
        ["queued", _numbers(environment["queued"])],
        ["locks", harmless(", ".join(environment["locks"]))],
        ["last", _numbers(environment["last"])],
    ]
    lines += table(([word, text] for word, text in facts if text), indent="  ")
    lines += [f"  {debt_sentence(debt, now)}" for debt in environment["debts"]]
    due = any(debt["due"] for debt in environment["debts"])
    if due and not environment["quarantine"]:
        lines.append(
            f"    let it go (admin): orchestrator waive {harmless(environment['name'])} --reason …"
        )
    lines += [f"  hold: {harmless(hold)}" for hold in environment["holds"]]
    lines += [
        f"  job {job}, which the journal does not know, may be at work here: orchestrator unknown"
        for job in environment["unknown"]
    ]
    if environment["quarantine"]:
        lines += quarantine_lines(environment["quarantine"], environment["name"], now)
    return lines


def environment_state(environment: Environment) -> str:
    """`unknown run, quarantined, owes cleanup, busy, retired`, or `free`."""
    words = []
    if environment["unknown"]:
        words.append("unknown run")
    if environment["quarantine"]:
        words.append("quarantined")
    if environment["debts"]:
        words.append("owes cleanup")
    if environment["running"]:
        words.append("busy")
    if environment["retired"]:
        words.append("retired")
    return ", ".join(words) or "free"


def debt_sentence(debt: Debt, now: float) -> str:
    """`cleanup owed for job 118: web-cleanup, since 12:04 (6 min), keeps shared-vpc`."""
    keeps = f", keeps {', '.join(debt['locks'])}" if debt["locks"] else ""
    return harmless(
        f"cleanup owed for job {debt['for_job']}: {debt['pipeline']}, "
        f"since {since(debt['since'], now)}{keeps}"
    )


def _painted_state(environment: Environment, terminal: Terminal) -> str:
    colour = "green"
    if environment["running"]:
        colour = "blue"
    if environment["debts"]:
        colour = "yellow"
    if environment["quarantine"] or environment["unknown"]:
        colour = "red"
    return terminal.paint(environment_state(environment), colour)


def _numbers(ids: list[int]) -> str:
    return ", ".join(str(job) for job in ids)
