"""`environments`: a list."""

from __future__ import annotations

from orchestrator.cli.clock import now
from orchestrator.cli.daemon import Daemon
from orchestrator.cli.exits import Exit
from orchestrator.cli.view.environment import environment_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Print the table."""
    answer = Daemon(options.socket).get("/v1/environments")
    if terminal.as_json:
        terminal.document(answer)
        return Exit.DONE
    for line in environment_table(answer["environments"], terminal, now()):
        terminal.line(line)
    if not answer["environments"]:
        terminal.note("no environments: write environments/NAME.toml, an empty file will do")
    return Exit.DONE
