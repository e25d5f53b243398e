"""`approve`: yes to what a job, or a step of it, asks."""

from __future__ import annotations

from orchestrator.cli.answering import answer, answer_arguments
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.approvals import approved_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    answer_arguments(parser)


def run(options: Namespace, terminal: Terminal) -> int:
    """Approve, and say what happens next."""
    daemon = Daemon(options.socket)
    job = answer(daemon, "approve", options)
    if terminal.as_json:
        terminal.document(job)
        return Exit.DONE
    explanation = daemon.get(f"/v1/jobs/{options.job}/explain")
    terminal.line(approved_line(job, explanation))
    return Exit.DONE
