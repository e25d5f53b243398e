"""`doctor`: whether this host, and this user, can run and use the orchestrator."""

from __future__ import annotations

from orchestrator.cli.client.exits import Exit
from orchestrator.cli.configuration import add_config_option
from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.terminal import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from orchestrator.cli.health.finding import HealthFinding
    from orchestrator.cli.view.terminal import Terminal

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def arguments(parser: ArgumentParser) -> None:
    """What may be typed after the verb."""
    add_config_option(parser)


def run(options: Namespace, terminal: Terminal) -> int:
    """Print every finding; the exit status of the first problem."""
    from orchestrator.cli.health.examination import examine

    findings = examine(options.socket, options.config)
    if terminal.as_json:
        terminal.document({"findings": [finding.document() for finding in findings]})
    else:
        for line in table(_row(finding, terminal) for finding in findings):
            terminal.line(line)
    return next((finding.exit for finding in findings if finding.level == "problem"), Exit.DONE)


def _row(finding: HealthFinding, terminal: Terminal) -> list[str]:
    level = terminal.paint(finding.level, _COLOURS[finding.level])
    return [level, finding.subject, harmless(finding.text)]
