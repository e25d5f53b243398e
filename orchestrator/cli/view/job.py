"""One job, whole: what happened, why, and what can be done next."""

from __future__ import annotations

from orchestrator.cli.view.approvals import awaited_lines, given_text
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.parameters import pairs
from orchestrator.cli.view.steps import is_at_work, step_lines, step_state
from orchestrator.cli.view.times import moment, since
from orchestrator.cli.view.words import headline, stop_sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job, Quarantine, Recheck
    from orchestrator.cli.view.terminal import Terminal


def job_lines(
    job: Job, terminal: Terminal, now: float, quarantine: Quarantine | None = None
) -> list[str]:
    """All that `show` prints. `quarantine` is what this job left its environment in."""
    lines = [headline(job, terminal, now)]
    lines += _facts(job, now)
    lines += step_lines(job, terminal, now)
    lines += _blockers(job, now)
    lines += [f"  {line}" for line in awaited_lines(job, now)]
    if quarantine:
        lines += quarantine_lines(quarantine, job["environment"], now)
    return lines + next_lines(job, now)


def _facts(job: Job, now: float) -> list[str]:
    params = pairs(job["params"])
    facts = [f"  params    {params}"] if params else []
    labels = [f"{name}={value}" for name, value in job["labels"].items()]
    if labels:
        facts.append(f"  labels    {harmless(' '.join(labels))}")
    if job["url"]:
        facts.append(f"  url       {harmless(job['url'])}")
    if job["retry_of"]:
        facts.append(f"  retry of  job {job['retry_of']}")
    if job["cleanup_for"]:
        facts.append(f"  cleanup   owed by job {job['cleanup_for']}")
    if set(job["pays"]) - {job["cleanup_for"]}:
        facts.append(f"  pays      for job {', '.join(map(str, job['pays']))}")
    facts += [f"  approval  {given_text(approval, now)}" for approval in job["approvals"]]
    if job["waited_long"]:
        facts.append("  warning   it was queued for longer than its max_wait")
    if job["cancel"]:
        facts.append(f"  stop      {stop_sentence(job['cancel'], now)}")
    return facts


def _blockers(job: Job, now: float) -> list[str]:
    """What it waits for, but for approvals, of which there is more to be said."""
    blockers = [blocker for blocker in job["blockers"] if blocker["type"] != "approval"]
    if job["phase"] == "finished" or not blockers:
        return []
    lines = ["  waits for"]
    for blocker in blockers:
        when = f", since {since(blocker['since'], now)}" if blocker["since"] else ""
        lines.append(f"    {harmless(blocker['text'])}{when}")
    return lines


def _recheck_lines(recheck: Recheck, now: float) -> list[str]:
    """What a look that is not over does, and how to stop it."""
    by = f" by {harmless(recheck['by'])}" if recheck["by"] else ""
    stop = f"orchestrator cancel {harmless(recheck['id'])}"
    if recheck["cancel"]:
        told = f"    recheck: {stop_sentence(recheck['cancel'], now)}; what it runs is "
        if recheck["cancel"]["force"]:
            return [f"{told}killed"]
        return [f"{told}waited for", f"    or (admin): {stop} --force"]
    if recheck["started"]:
        lines = [f"    recheck: looking since {since(recheck['started'], now)}{by}"]
    else:
        lines = [f"    recheck: asked for {since(recheck['asked'], now)}{by}, waits for"]
        lines += [f"      {harmless(blocker['text'])}" for blocker in recheck["blockers"]]
    return [*lines, f"    stop it: {stop}"]


def quarantine_lines(quarantine: Quarantine, environment: str, now: float) -> list[str]:
    """What was found, and what a person can type."""
    step = f" ({harmless(quarantine['step'])})" if quarantine["step"] else ""
    lines = [
        f"  quarantine of {harmless(environment)} since {since(quarantine['since'], now)}, "
        f"by job {quarantine['job']}{step}",
        f"    found: {harmless(quarantine['found'])}",
    ]
    lines += [f"    type:  {harmless(command)}" for command in quarantine["commands"]]
    name = harmless(environment)
    if quarantine["recheck"]:
        return lines + _recheck_lines(quarantine["recheck"], now)
    if quarantine["lookable"]:
        lines.append(f"    then:  orchestrator recheck {name}")
    return [
        *lines,
        f"    or let it go (admin): orchestrator waive {name} --reason …",
    ]


def next_lines(job: Job, now: float) -> list[str]:
    """What can be done with a job in this state."""
    number = job["id"]
    match job["phase"]:
        case "queued":
            hints = [f"why it waits: orchestrator explain {number}", _stop(number)]
        case "preparing" if is_at_work(job):
            hints = [_watch(number), _stop(number)]
        case "preparing":
            hints = [f"why it waits: orchestrator explain {number}", _stop(number)]
        case "running":
            hints = [_watch(number), _stop(number)]
        case "cancelling":
            hints = [_watch(number), *force_hints(job, now)]
        case _:
            hints = _after_the_end(job)
    return [f"  {hint}" for hint in hints]


def _watch(number: int) -> str:
    return f"watch: orchestrator log {number} -f"


def _stop(number: int) -> str:
    return f"stop:  orchestrator cancel {number}"


def force_hints(job: Job, now: float) -> list[str]:
    """When an admin may force, or that they have."""
    cancel = job["cancel"]
    if cancel is None:
        return []
    if cancel["force"]:
        at = moment(cancel["force_available_at"], now)
        return [
            f"force was asked for, and takes effect from {at} on" if at else "it is being forced"
        ]
    if cancel["force_available_at"] is None:
        return []
    return [
        f"If it hangs, an admin may force from {moment(cancel['force_available_at'], now)} on: "
        f"orchestrator cancel {job['id']} --force"
    ]


def _after_the_end(job: Job) -> list[str]:
    if job["conclusion"] == "success" and not job["dirty"]:
        return []
    hints = []
    bad = next((s for s in job["steps"] if step_state(s) in ("failure", "timed_out", "lost")), None)
    if bad:
        hints.append(f"look:  orchestrator log {job['id']} {harmless(bad['name'])}")
    if job["dirty"] or job["conclusion"] == "lost":
        hints.append(f"state: orchestrator environment {harmless(job['environment'])}")
    hints.append(f"again: orchestrator retry {job['id']}")
    return hints
