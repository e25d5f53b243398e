"""`pipelines`: a list."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.pipeline import pipeline_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Print the table."""
    answer = Daemon(options.socket).get("/v1/pipelines")
    if terminal.as_json:
        terminal.document(answer)
        return Exit.DONE
    for line in pipeline_table(answer["pipelines"], terminal):
        terminal.line(line)
    if not answer["pipelines"]:
        terminal.note("no pipelines: write pipelines/NAME.toml, then orchestrator reload")
    return Exit.DONE
