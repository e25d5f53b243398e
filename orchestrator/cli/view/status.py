"""One screen: the daemon, what runs, what waits, what is owed."""

from __future__ import annotations

from orchestrator.cli.view.approvals import status_approval
from orchestrator.cli.view.environment import debt_sentence
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.job import quarantine_lines
from orchestrator.cli.view.steps import step_note
from orchestrator.cli.view.terminal import table
from orchestrator.cli.view.times import clock, instant, roughly, since
from orchestrator.cli.view.unknown import unknown_lines
from orchestrator.cli.view.words import marked_state, said, spoken, took, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import DaemonState, Job, Status
    from orchestrator.cli.view.terminal import Terminal

QUEUED_SHOWN = 10


def status_lines(status: Status, terminal: Terminal, now: float) -> list[str]:
    """All of it; what needs a person comes last, next to the prompt."""
    lines = _daemon(status["daemon"], terminal, now)
    lines += _running(status["running"], terminal, now)
    lines += _preparing(status["preparing"], terminal, now)
    lines += _queued(status["queued"], terminal, now)
    if status["debts"]:
        lines.append(terminal.paint("debts", "bold"))
        lines += [
            f"  {harmless(debt['environment'])}: {debt_sentence(debt, now)}"
            for debt in status["debts"]
        ]
    if status["approvals"]:
        lines.append(terminal.paint("awaiting approval", "bold"))
        mine_first = sorted(status["approvals"], key=lambda one: not one["may_answer"])
        lines += table(
            (status_approval(pending, terminal, now) for pending in mine_first), indent="  "
        )
    if status["quarantines"]:
        lines.append(terminal.paint("quarantines", "bold"))
        for environment in status["quarantines"]:
            if environment["quarantine"]:
                lines += quarantine_lines(environment["quarantine"], environment["name"], now)
    if status["unknown"]:
        lines.append(terminal.paint("unknown to the journal", "bold"))
        lines += unknown_lines(status["unknown"], now)
    return lines


def _daemon(daemon: DaemonState, terminal: Terminal, now: float) -> list[str]:
    in_force = daemon["configuration"]
    lines = [
        f"{terminal.paint('daemon', 'bold')} {harmless(daemon['version'])}, pid {daemon['pid']}, "
        f"up since {since(daemon['started_at'], now)}, "
        f"capacity {daemon['in_use']} of {daemon['capacity']} in use"
    ]
    if in_force["accepted_at"] and not in_force["problems"]:
        lines[0] += f", configuration of {clock(in_force['accepted_at'], now)}"
    drain = daemon["draining"]
    if drain:
        by = said(drain["by"]["user"] if drain["by"] else "a rule", drain["reason"])
        lines.append(
            terminal.paint(f"  draining since {since(drain['since'], now)}, by {by}", "yellow")
            + ": admits nothing; orchestrator resume"
        )
    if in_force["problems"]:
        lines.append(
            terminal.paint("  the configuration has mistakes", "red")
            + f"; in force is {_accepted(in_force['accepted_at'], now)}:"
        )
        lines += [f"    {harmless(problem)}" for problem in in_force["problems"]]
    if daemon.get("plugins_not_loaded"):  # a daemon of an older release does not say
        told = terminal.paint("  a plugin is not loaded", "red")
        lines.append(f"{told}: orchestrator plugins")
    return lines


def _accepted(at: str | None, now: float) -> str:
    return f"the one of {clock(at, now)}" if at else "the last one that was accepted"


def silence(job: Job, now: float) -> float:
    """Seconds since one of its running steps last wrote; 0 if none has."""
    last = [
        instant(step["last_output_at"])
        for step in job.get("steps", ())
        if step["phase"] not in ("pending", "finished") and step["last_output_at"]
    ]
    return now - max(last) if last else 0.0


def _running(jobs: list[Job], terminal: Terminal, now: float) -> list[str]:
    if not jobs:
        return [terminal.paint("running", "bold") + "  nothing"]
    return [terminal.paint("running", "bold"), *_rows(jobs, terminal, now)]


def _preparing(jobs: list[Job], terminal: Terminal, now: float) -> list[str]:
    if not jobs:
        return []
    return [terminal.paint("preparing", "bold"), *_rows(jobs, terminal, now)]


def _rows(jobs: list[Job], terminal: Terminal, now: float) -> list[str]:
    rows = [
        [
            str(job["id"]),
            where(job, terminal),
            marked_state(job, terminal),
            took(job, now),
            said(job["submitter"]["user"], job["reason"]),
            _at_work(job, now),
        ]
        for job in sorted(jobs, key=lambda job: -silence(job, now))
    ]
    return table(rows, indent="  ")


def _at_work(job: Job, now: float) -> str:
    if any(awaited["step"] is None for awaited in job["awaits"]):
        return "awaits approval"
    active = (s for s in job.get("steps", ()) if s["phase"] not in ("pending", "finished"))
    notes = "; ".join(f"{harmless(step['name'])}: {step_note(step, now)}" for step in active)
    return notes or _blocked_by(job)


def _blocked_by(job: Job) -> str:
    return harmless("; ".join(blocker["text"] for blocker in job["blockers"][:2]))


def _queued(jobs: list[Job], terminal: Terminal, now: float) -> list[str]:
    if not jobs:
        return []
    rows = [
        [
            str(job["id"]),
            where(job, terminal),
            spoken(job["phase"]),
            roughly(now - instant(job["submitted_at"])),
            said(job["submitter"]["user"], job["reason"]),
            _blocked_by(job),
        ]
        for job in jobs[:QUEUED_SHOWN]
    ]
    lines = [terminal.paint("waiting", "bold"), *table(rows, indent="  ")]
    if len(jobs) > QUEUED_SHOWN:
        lines.append(f"  and {len(jobs) - QUEUED_SHOWN} more: orchestrator jobs --phase queued")
    return lines
