"""`environment`: one of them."""

from __future__ import annotations

from orchestrator.cli.arguments import some_name
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.client.http import quoted
from orchestrator.cli.view.environment import environment_lines
from orchestrator.cli.view.times import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("environment", metavar="ENV", type=some_name)


def run(options: Namespace, terminal: Terminal) -> int:
    """Print it."""
    print_environment(Daemon(options.socket).get(environment_path(options.environment)), terminal)
    return Exit.DONE


def environment_path(name: str) -> str:
    """Where an environment is; names may contain slashes."""
    return f"/v1/environments/{quoted(name, b'/')}"


def print_environment(environment: object, terminal: Terminal) -> None:
    """An environment, which waive and recheck answer too."""
    if terminal.as_json:
        terminal.document(environment)
        return
    for line in environment_lines(environment, terminal, now()):  # type: ignore[arg-type]
        terminal.line(line)
