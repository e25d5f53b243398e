"""`explain`: why a job waits, or what its steps wait for."""

from __future__ import annotations

from orchestrator.cli.arguments import job_id
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.explanation import explanation_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("job", metavar="JOB", type=job_id)


def run(options: Namespace, terminal: Terminal) -> int:
    """Print all that it waits for."""
    daemon = Daemon(options.socket)
    explanation = daemon.get(f"/v1/jobs/{options.job}/explain")
    if terminal.as_json:
        terminal.document(explanation)
        return Exit.DONE
    job = daemon.get(f"/v1/jobs/{options.job}")
    for line in explanation_lines(explanation, job, terminal, now()):
        terminal.line(line)
    return Exit.DONE
