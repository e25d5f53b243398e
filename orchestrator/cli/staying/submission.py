"""Making a job, once."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.daemon import Daemon
    from orchestrator.cli.client.wire import Job
    from orchestrator.cli.view.terminal import Terminal


def own_key() -> str:
    """A key that nobody else uses, for a command that was given none."""
    return f"cli-{os.urandom(16).hex()}"


def submit_job(daemon: Daemon, body: dict[str, object], key: str, path: str = "/v1/jobs") -> Job:
    """The job; a lost answer is asked for again, and the key makes that the same job."""
    job: Job = daemon.returning(lambda: daemon.post(path, body, key))
    return job


def print_queued(job: Job, terminal: Terminal) -> None:
    """A new job's number, and on a terminal how to look at it."""
    if terminal.as_json:
        terminal.document(job)
        return
    terminal.line(str(job["id"]))
    if terminal.live:
        from orchestrator.cli.view.words import spoken, where

        terminal.note(
            f"{where(job, terminal)} is {spoken(job['phase'])}. "
            f"Watch: orchestrator log {job['id']} -f"
        )
