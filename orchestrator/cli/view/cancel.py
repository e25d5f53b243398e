"""What became of a request to stop a job."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.job import force_hints
from orchestrator.cli.view.steps import progress_text
from orchestrator.cli.view.words import job_state, spoken, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job, Step
    from orchestrator.cli.view.terminal import Terminal


def cancel_lines(job: Job, terminal: Terminal, now: float) -> list[str]:
    """What its steps do now, how to watch, and when force is allowed."""
    title = f"job {job['id']}"
    indent = " " * (len(title) + 2)
    said = _sentences(job, terminal)
    if job["phase"] == "finished":
        return [f"{title}  {said[0]}"]
    watch = f"Watch: orchestrator log {job['id']} -f"
    lines = [*said[:-1], f"{said[-1]} {watch}", *force_hints(job, now)]
    return [(indent if at else f"{title}  ") + line for at, line in enumerate(lines)]


def _sentences(job: Job, terminal: Terminal) -> list[str]:
    if job["phase"] == "finished":
        if job["conclusion"] == "cancelled" and job["started_at"] is None:
            return [f"{where(job, terminal)} was cancelled before it began."]
        return [f"{where(job, terminal)} has finished: {job_state(job)}."]
    active = [step for step in job["steps"] if step["phase"] not in ("pending", "finished")]
    sentences = [_sentence(step) for step in active]
    forced = job["cancel"] is not None and job["cancel"]["force"]
    if active and all(_is_handler(step) for step in active) and not forced:
        sentences.append("Its finally steps run to their end; an admin's --force ends them.")
    return sentences or [f"{where(job, terminal)} was asked to stop: it is {spoken(job['phase'])}."]


def _is_handler(step: Step) -> bool:
    return step["section"] not in (None, "before", "steps")


def _sentence(step: Step) -> str:
    """`terraform (apply) was asked to stop (pid 4711) and is finishing 2 resources.`"""
    tool = f"{harmless(step['uses'])} ({harmless(step['name'])})"
    pid = f" (pid {step['pid']})" if step["pid"] else ""
    doing = progress_text(step["progress"]) if step["progress"] else ""
    match step["phase"]:
        case "cancelling" if step["waiting_for"]:
            waits = f"it waits for {harmless(step['waiting_for'])}"
            return f"{tool} is stopping{pid}: " + (f"{doing}; {waits}." if doing else f"{waits}.")
        case "cancelling":
            return f"{tool} was asked to stop{pid}" + (f": {doing}." if doing else ".")
        case "cleaning_up":
            return f"{tool} has ended; what it held is being released and verified."
        case _:
            return f"{tool} is {spoken(step['phase'])}{pid}."
