"""`retry`: the like of a finished job again."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.staying.submission import own_key, print_queued, submit_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("job", metavar="JOB", type=job_id)
    parser.add_argument(
        "--latest", action="store_true", help="with today's definition, not the one it had"
    )
    parser.add_argument("--reason", metavar="T", help="why, for whoever looks")


def run(options: Namespace, terminal: Terminal) -> int:
    """Queue it; prints the new job's id."""
    body = {"latest": options.latest, "reason": options.reason}
    path = f"/v1/jobs/{options.job}/retry"
    print_queued(submit_job(Daemon(options.socket), body, own_key(), path), terminal)
    return Exit.DONE
