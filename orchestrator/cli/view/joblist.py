"""Jobs as a table."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.terminal import table
from orchestrator.cli.view.times import clock
from orchestrator.cli.view.words import marked_state, said, took, where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.cli.client.wire import JobSummary
    from orchestrator.cli.view.terminal import Terminal

_TITLES = ("JOB", "PIPELINE", "KIND", "STATE", "SUBMITTED", "TOOK", "BY")


def job_table(
    jobs: Sequence[JobSummary], terminal: Terminal, now: float, indent: str = ""
) -> list[str]:
    """A line a job, under titles; nothing at all for none."""
    if not jobs:
        return []
    rows = [[terminal.paint(title, "dim") for title in _TITLES]]
    rows += [_row(job, terminal, now) for job in jobs]
    return table(rows, indent)


def _row(job: JobSummary, terminal: Terminal, now: float) -> list[str]:
    return [
        str(job["id"]),
        where(job, terminal),
        harmless(job["kind"]),
        marked_state(job, terminal),
        clock(job["submitted_at"], now),
        took(job, now),
        said(job["submitter"]["user"], job["reason"]),
    ]
