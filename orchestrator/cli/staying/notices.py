"""Telling who stays with a job that it awaits an approval, once for each that it awaits."""

from __future__ import annotations

from orchestrator.cli.view.approvals import notice
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Job
    from orchestrator.cli.view.terminal import Terminal


class ApprovalNotices:
    """Called with a job at each of its changes. Writes to standard error."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._said: set[tuple[str | None, str]] = set()

    def __call__(self, job: Job) -> None:
        """Say what is new."""
        for awaited in job["awaits"]:
            key = (awaited["step"], " ".join(rule["text"] for rule in awaited["rules"]))
            if key not in self._said:
                self._said.add(key)
                self._terminal.note(notice(job["id"], awaited, now()))
