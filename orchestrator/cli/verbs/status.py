"""`status`: one screen."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.status import status_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Print it."""
    print_status(Daemon(options.socket).get("/v1/status"), terminal)
    return Exit.DONE


def print_status(status: object, terminal: Terminal) -> None:
    """The daemon's status, which drain, resume and reload answer too."""
    if terminal.as_json:
        terminal.document(status)
        return
    for line in status_lines(status, terminal, now()):  # type: ignore[arg-type]
        terminal.line(line)
