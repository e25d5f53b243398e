"""`pipeline`: one of them, with its steps as a graph."""

from __future__ import annotations

from orchestrator.cli.arguments import some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.client.http import quoted
from orchestrator.cli.view.pipeline import pipeline_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("pipeline", metavar="NAME", type=some_name)


def run(options: Namespace, terminal: Terminal) -> int:
    """Print it."""
    pipeline = Daemon(options.socket).get(f"/v1/pipelines/{quoted(options.pipeline, b'/')}")
    if terminal.as_json:
        terminal.document(pipeline)
        return Exit.DONE
    for line in pipeline_lines(pipeline, terminal):
        terminal.line(line)
    return Exit.DONE
