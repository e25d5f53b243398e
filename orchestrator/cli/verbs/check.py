"""`check`: every mistake of a configuration, without starting anything."""

from __future__ import annotations

from orchestrator.cli.configuration import (
    add_config_option,
    configuration_directory,
    load_registry,
    read_configuration,
)
from orchestrator.cli.errors import NotBuiltYet
from orchestrator.cli.escapes import harmless
from orchestrator.cli.exits import Exit
from orchestrator.cli.view.words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.terminal import Terminal
    from orchestrator.config import Mistake
    from orchestrator.plugin.registry import PluginProblem


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add_config_option(parser)
    parser.add_argument("--online", action="store_true", help="not built yet")


def run(options: Namespace, terminal: Terminal) -> int:
    """Print `file:line: key: problem` for every mistake; exit 2 if there is one."""
    if options.online:
        raise NotBuiltYet("check --online: not built yet")
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
    return Exit.DONE


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
                {"file": one.file, "line": one.line, "key": one.key, "text": one.text}
                for one in mistakes
            ],
            "plugins": [{"name": one.plugin, "problem": one.text} for one in problems],
        }
    )
