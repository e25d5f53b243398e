"""`reload`: read the configuration again; with any mistake nothing changes."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Reload, and say from where. Mistakes come as a refusal, one a line."""
    status = Daemon(options.socket).post("/v1/daemon/reload", {})
    if terminal.as_json:
        terminal.document(status)
    else:
        from orchestrator.cli.view.escapes import harmless

        terminal.line(f"reloaded {harmless(status['daemon']['configuration']['directory'])}")
    return Exit.DONE
