"""`show`: one job, whole."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.client.http import quoted
from orchestrator.cli.view.job import job_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Environment, Job, Quarantine
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("job", metavar="JOB", type=job_id)


def run(options: Namespace, terminal: Terminal) -> int:
    """Print the job, and the quarantine that it left, if it did."""
    daemon = Daemon(options.socket)
    job: Job = daemon.get(f"/v1/jobs/{options.job}")
    if terminal.as_json:
        terminal.document(job)
        return Exit.DONE
    for line in job_lines(job, terminal, now(), _quarantine_by(daemon, job)):
        terminal.line(line)
    return Exit.DONE


def _quarantine_by(daemon: Daemon, job: Job) -> Quarantine | None:
    """The quarantine that stands because of this job. Only an unclean end can have made one."""
    if job["phase"] != "finished" or (job["conclusion"] == "success" and not job["dirty"]):
        return None
    environment: Environment = daemon.get(f"/v1/environments/{quoted(job['environment'], b'/')}")
    quarantine = environment["quarantine"]
    return quarantine if quarantine and quarantine["job"] == job["id"] else None
