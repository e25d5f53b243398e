"""`init`: a first configuration."""

from __future__ import annotations

from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.escapes import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("directory", metavar="DIR", nargs="?", default=".", help="where (here)")


def run(options: Namespace, terminal: Terminal) -> int:
    """Write it, and say what to try next."""
    import shlex
    from pathlib import Path

    from orchestrator.config.first import WouldOverwrite, init

    try:
        written = init(Path(options.directory))
    except WouldOverwrite as error:
        raise UsageMistake(str(error)) from error
    except OSError as error:
        raise UsageMistake(f"cannot write {error.filename}: {error.strerror}") from error
    if terminal.as_json:
        terminal.document({"written": [str(path) for path in written]})
        return Exit.DONE
    for path in written:
        terminal.line(harmless(path))
    here = harmless(shlex.quote(options.directory))
    terminal.note(
        f"Check it: orchestrator check --config {here}. Run it: orchestrator serve --config {here}"
    )
    return Exit.DONE
