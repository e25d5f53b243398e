"""`schema`: JSON Schemas of the configuration's files, for editors."""

from __future__ import annotations

from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.client.exits import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("name", metavar="NAME", help="orchestrator, environment or pipeline")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print it."""
    from orchestrator.config.schema import SchemaUnknown, schema

    try:
        terminal.document(schema(options.name))
    except SchemaUnknown as error:
        raise UsageMistake(str(error)) from error
    return Exit.DONE
