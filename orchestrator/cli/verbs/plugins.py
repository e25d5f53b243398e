"""`plugins`: installed adapters and hooks."""

from __future__ import annotations

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.exits import Exit
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.terminal import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.client.wire import Plugin
    from orchestrator.cli.view.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Nothing may be typed after the verb."""


def run(options: Namespace, terminal: Terminal) -> int:
    """Print what the daemon has loaded, and what it could not load."""
    answer = Daemon(options.socket).get("/v1/plugins")
    if terminal.as_json:
        terminal.document(answer)
        return Exit.DONE
    for line in plugin_table(answer["plugins"], terminal):
        terminal.line(line)
    return Exit.DONE


def plugin_table(plugins: list[Plugin], terminal: Terminal) -> list[str]:
    """A line a plugin, under titles."""
    titles = ("PLUGIN", "VERSION", "ADAPTERS", "STATE")
    rows = [[terminal.paint(title, "dim") for title in titles]]
    for plugin in plugins:
        rows.append(
            [
                harmless(plugin["name"]),
                harmless(plugin["version"] or ""),
                harmless(", ".join(plugin["adapters"])),
                _state(plugin, terminal),
            ]
        )
    return table(rows)


def _state(plugin: Plugin, terminal: Terminal) -> str:
    problem = harmless(plugin["problem"] or "")
    if problem:
        return terminal.paint(f"not loaded: {problem}", "red")
    if plugin.get("api") is None:
        return "loaded; states no plugin API, taken as 1.0"
    return "loaded"
