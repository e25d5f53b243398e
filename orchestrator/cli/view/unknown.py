"""Runs that the journal does not know, as lines."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.times import since
from orchestrator.cli.view.words import said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import UnknownRun


def unknown_lines(runs: list[UnknownRun], now: float) -> list[str]:
    """What each may be doing where, and what to type."""
    return [line for run in runs for line in _lines(run, now)]


def _lines(run: UnknownRun, now: float) -> list[str]:
    what = f" ({harmless(run['pipeline'])})" if run["pipeline"] else ""
    where = harmless(", ".join(run["environments"]))
    found = f", found {since(run['since'], now)}" if run["since"] else ""
    lines = [
        f"  job {run['job']}{what} may be at work in {where}{found}: nothing starts there",
        f"    look:  {_processes(run)}; {harmless(run['directory'])}",
    ]
    if run["by"]:
        word = "wait until nothing of it lives" if run["waiting"] else "it is dead"
        lines.append(f"    said:  {word}, by {said(run['by']['user'], run['reason'])}")
    if run["waiting"]:
        return [*lines, f"    type:  orchestrator unknown {run['job']} --dead --reason …"]
    if run["by"]:
        return lines
    return [
        *lines,
        f"    type:  orchestrator unknown {run['job']} --wait --reason … "
        "(admin; --dead: you know that nothing of it lives)",
    ]


def _processes(run: UnknownRun) -> str:
    if not run["pids"]:
        return "none of its tools is at work now"
    pids = ", ".join(map(str, run["pids"]))
    return f"{len(run['pids'])} of its tools at work: pid {pids}"
