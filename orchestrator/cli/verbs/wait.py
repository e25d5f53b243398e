"""`wait`: until jobs have finished."""

from __future__ import annotations

from time import monotonic

from orchestrator.cli.arguments import duration, job_id
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit, status_of, worst
from orchestrator.cli.staying.progress import ProgressReport
from orchestrator.cli.staying.watch import watch_to_end
from orchestrator.cli.view.times import now
from orchestrator.cli.view.words import headline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("jobs", metavar="JOB", type=job_id, nargs="+")
    parser.add_argument(
        "--timeout", metavar="T", type=duration, help="give up after so long: 30s, 5m (exit 124)"
    )
    parser.add_argument("--strict", action="store_true", help="exit 10 on warnings, 11 when halted")


def run(options: Namespace, terminal: Terminal) -> int:
    """Wait for all of them; a line (with --json an object) each; the worst of their statuses."""
    daemon = Daemon(options.socket)
    deadline = None if options.timeout is None else monotonic() + options.timeout
    jobs = list(dict.fromkeys(options.jobs))
    try:
        return worst([_wait(daemon, job, deadline, options, terminal) for job in jobs])
    except KeyboardInterrupt:
        terminal.note(
            f"what has not finished goes on. Look again: orchestrator wait {_typed(jobs)}"
        )
        return Exit.DETACHED


def _wait(
    daemon: Daemon, job: int, deadline: float | None, options: Namespace, terminal: Terminal
) -> Exit:
    ended = watch_to_end(daemon, job, ProgressReport(terminal), deadline=deadline)
    if terminal.as_json:
        terminal.object_line(ended)
    else:
        terminal.line(headline(ended, terminal, now()))
    return status_of(ended, options.strict)


def _typed(jobs: list[int]) -> str:
    return " ".join(str(job) for job in jobs)
