"""`environments`: a list."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.environment import environment_table
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


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
