"""`resume`: admit jobs again."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.verbs.status import print_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """End the drain, and print the status."""
    print_status(Daemon(options.socket).post("/v1/daemon/resume", {}), terminal)
    return Exit.DONE
