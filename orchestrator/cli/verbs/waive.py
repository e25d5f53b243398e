"""`waive`: let an owed cleanup or a quarantine go."""

from __future__ import annotations

from orchestrator.cli.arguments import some_name, some_text
from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.verbs.environment import environment_path, print_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("environment", metavar="ENV", type=some_name)
    parser.add_argument(
        "--reason", metavar="T", type=some_text, required=True, help="why; kept in the journal"
    )


def run(options: Namespace, terminal: Terminal) -> int:
    """Waive, and print what the environment is then."""
    path = environment_path(options.environment)
    answer = Daemon(options.socket).post(f"{path}/waive", {"reason": options.reason})
    print_environment(answer, terminal)
    return Exit.DONE
