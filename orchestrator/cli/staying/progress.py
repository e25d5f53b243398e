"""What a person sees while a job goes on: one live line on a terminal, else a line a change."""

from __future__ import annotations

from orchestrator.cli.staying.notices import ApprovalNotices
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.steps import step_note, step_state
from orchestrator.cli.view.times import now
from orchestrator.cli.view.words import spoken, state_of, took

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job, Step
    from orchestrator.cli.view.terminal import Terminal

_QUIET = ("pending", "not_run", "skipped")


class ProgressReport:
    """Called with a job at each of its changes. Writes to standard error, or JSON lines."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._said: set[str] = set()
        self._tell_of_approvals = ApprovalNotices(terminal)

    def __call__(self, job: Job) -> None:
        """Show what is new."""
        if self._terminal.as_json:
            return
        self._tell_of_approvals(job)
        if self._terminal.live:
            self._terminal.progress(progress_line(job, now()))
            return
        for step in job["steps"]:
            if step_state(step) not in _QUIET:
                self._say(_step_line(job, step))
        if job["phase"] != "finished":
            self._say(f"job {job['id']}: {spoken(state_of(job))}")

    def _say(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._terminal.note(line)


def _step_line(job: Job, step: Step) -> str:
    name = f"job {job['id']}: {harmless(step['name'])}"
    if step["conclusion"]:
        return f"{name}: {step_note(step, 0)}"
    attempt = f" (attempt {step['attempt']})" if step["attempt"] > 1 else ""
    return f"{name}: {spoken(step['phase'])}{attempt}"


def progress_line(job: Job, moment: float) -> str:
    """`job 118  running  1m 02s  apply: applying, 3/10 resources`."""
    parts = [f"job {job['id']}", spoken(state_of(job)), took(job, moment)]
    parts += [harmless(blocker["text"]) for blocker in job["blockers"][:1]]
    active = (s for s in job["steps"] if s["phase"] not in ("pending", "finished"))
    parts += [f"{harmless(step['name'])}: {step_note(step, moment)}" for step in active]
    return "  ".join(part for part in parts if part)
