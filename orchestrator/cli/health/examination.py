"""Everything that `doctor` looks at, in the order in which things can go wrong."""

from __future__ import annotations

from pathlib import Path

from orchestrator.cli.client.daemon import Daemon
from orchestrator.cli.client.errors import CommandError, UsageMistake
from orchestrator.cli.configuration import (
    configuration_directory,
    load_registry,
    read_configuration,
)
from orchestrator.cli.health.finding import HealthFinding, ok, problem, warning
from orchestrator.cli.health.host import clock, disk, groups
from orchestrator.cli.health.tools import tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import Status
    from orchestrator.core.language.definition import Configuration


def examine(socket: str, directory: str | None) -> list[HealthFinding]:
    """Look at the daemon, this user, the configuration, its tools, the disk and the clock."""
    findings, status = _daemon(socket)
    findings += groups(Path(socket))
    if directory is None and status is not None:
        directory = status["daemon"]["configuration"]["directory"]
    more, configuration = _configuration(directory)
    findings += more
    if configuration is not None:
        findings += tools(configuration)
    state_dir = status["daemon"]["state_dir"] if status else None
    if state_dir is None and configuration is not None:
        state_dir = configuration.state_dir
    if state_dir is not None:
        findings += disk(Path(state_dir))
    return [*findings, *clock()]


def _daemon(socket: str) -> tuple[list[HealthFinding], Status | None]:
    try:
        status: Status = Daemon(socket).get("/v1/status")
    except CommandError as error:
        return [problem("daemon", str(error), error.exit)], None
    daemon = status["daemon"]
    findings = [ok("daemon", f"{daemon['version']}, pid {daemon['pid']}, answers at {socket}")]
    if daemon["draining"]:
        findings.append(warning("daemon", "it drains and admits nothing: orchestrator resume"))
    findings += [
        warning(
            "unknown",
            f"job {run['job']}, which the journal does not know, may be at work in "
            f"{', '.join(run['environments'])}, and nothing starts there: orchestrator unknown",
        )
        for run in status["unknown"]
    ]
    mistakes = daemon["configuration"]["problems"]
    if mistakes:
        findings.append(
            warning("daemon", f"goes by an older configuration; mistakes in this: {len(mistakes)}")
        )
    return findings, status


def _configuration(named: str | None) -> tuple[list[HealthFinding], Configuration | None]:
    from orchestrator.config import ConfigurationInvalid

    try:
        directory = configuration_directory(named)
    except UsageMistake as mistake:
        return [warning("configuration", str(mistake))], None
    registry = load_registry()
    broken = [problem("plugin", str(fault)) for fault in registry.problems]
    try:
        configuration = read_configuration(directory, registry)
    except ConfigurationInvalid as invalid:
        mistakes = [problem("configuration", str(mistake)) for mistake in invalid.mistakes]
        return broken + mistakes, None
    return [*broken, ok("configuration", f"{directory} has no mistake")], configuration
