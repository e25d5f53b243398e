"""`check`: every mistake of a configuration, without starting anything."""

from __future__ import annotations

import os
import sys

from orchestrator.cli.client.exits import Exit
from orchestrator.cli.configuration import (
    add_config_option,
    configuration_directory,
    load_registry,
    read_configuration,
)
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import NoReturn

    from orchestrator.cli.view.terminal import Terminal
    from orchestrator.config import Mistake
    from orchestrator.plugin.registry import PluginProblem


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add_config_option(parser)
    parser.add_argument(
        "--online",
        action="store_true",
        help="also ask the tools and servers that steps name, read-only",
    )


def run(options: Namespace, terminal: Terminal) -> int:
    """Print `file:line: key: problem` for every mistake; exit 2 if there is one."""
    directory = configuration_directory(options.config)
    from orchestrator.config import ConfigurationInvalid

    registry = load_registry()
    mistakes: tuple[Mistake, ...] = ()
    try:
        configuration = read_configuration(directory, registry)
        summary = (
            f"{directory}: {counted(len(configuration.pipelines), 'pipeline')}, "
            f"{counted(len(configuration.environments), 'environment')}: no mistake"
        )
    except ConfigurationInvalid as invalid:
        mistakes = invalid.mistakes
        summary = f"{directory}: {counted(len(mistakes), 'mistake')}"
    _print(directory, mistakes, registry.problems, terminal)
    if mistakes or registry.problems:
        terminal.error(summary if mistakes else "a plugin is broken")
        return Exit.USAGE
    terminal.note(harmless(summary))
    if options.online:
        _ask_tools(directory, terminal)
    return Exit.DONE


def _ask_tools(directory: str, terminal: Terminal) -> NoReturn:
    """Become the program that asks; its exit status is that of `check`."""
    words = [sys.executable, "-P", "-m", "orchestrator.check", "--config", directory]
    if terminal.as_json:
        words.append("--json")
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606 - no shell is meant to be there


def _print(
    directory: str,
    mistakes: tuple[Mistake, ...],
    problems: tuple[PluginProblem, ...],
    terminal: Terminal,
) -> None:
    if not terminal.as_json:
        for found in (*mistakes, *problems):
            terminal.line(harmless(found))
        return
    terminal.document(
        {
            "directory": directory,
            "mistakes": [
                {
                    "file": mistake.file,
                    "line": mistake.line,
                    "key": mistake.key,
                    "text": mistake.text,
                }
                for mistake in mistakes
            ],
            "plugins": [{"name": problem.plugin, "problem": problem.text} for problem in problems],
        }
    )
