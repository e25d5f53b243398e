"""`completion`: a script that completes verbs and options in a shell."""

from __future__ import annotations

from orchestrator.cli.client.errors import UsageMistake
from orchestrator.cli.client.exits import Exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    parser.add_argument("shell", metavar="SHELL", help="bash, zsh, fish or tcsh")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print the script: for bash, `source <(orchestrator completion bash)`."""
    import shtab

    if options.shell not in shtab.SUPPORTED_SHELLS:
        known = ", ".join(shtab.SUPPORTED_SHELLS)
        raise UsageMistake(f"no completion for {options.shell}; there is one for {known}")
    terminal.write(shtab.complete(whole_parser(), options.shell).rstrip() + "\n")
    return Exit.DONE


def whole_parser() -> ArgumentParser:
    """The parser of all verbs at once, which nothing but completion needs."""
    from argparse import ArgumentParser

    import shtab

    from orchestrator.cli.arguments import add_arguments
    from orchestrator.cli.catalogue import ALIASES, SYNOPSIS

    parser = ArgumentParser("orchestrator", description="queue jobs, watch them, stop them")
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb")
    for verb, what in SYNOPSIS.items():
        aliases = [alias for alias, name in ALIASES.items() if name == verb]
        sub = verbs.add_parser(verb, aliases=aliases, help=what, description=what)
        add_arguments(verb, sub)
        for action in sub._actions:
            if action.metavar in ("FILE", "PATH"):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar == "DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return parser
