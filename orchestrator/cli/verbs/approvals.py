"""`approvals`: what awaits an answer."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.approvals import pending_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import PendingApprovals
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Print what people are asked, first what the caller may answer."""
    found: PendingApprovals = Daemon(options.socket).get("/v1/approvals")
    if terminal.as_json:
        terminal.document(found)
        return Exit.DONE
    for line in pending_lines(found["approvals"], terminal, now()):
        terminal.line(line)
    if not found["approvals"]:
        terminal.note("nothing awaits an approval")
    return Exit.DONE
