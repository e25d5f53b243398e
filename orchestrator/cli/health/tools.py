"""The tools that pipelines use: on the PATH, and which versions."""

from __future__ import annotations

import shutil
import subprocess

from orchestrator.cli.health.finding import HealthFinding, ok, problem, warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.core.language.definition import Configuration, StepDefinition

VERSION_ARGUMENTS = {
    "terraform": ("version",),
    "helm": ("version", "--short"),
    "git": ("--version",),
}
"""Adapters that drive a tool of their own name (or the step's `binary`), and how it tells."""
SECONDS = 10


def tools(configuration: Configuration) -> list[HealthFinding]:
    """One finding for each tool that a step names."""
    needed: dict[str, tuple[str, ...]] = {}
    for pipeline in configuration.pipelines.values():
        for step in pipeline.steps:
            tool = _tool_of(step)
            if tool is not None and "${" not in tool:
                needed.setdefault(tool, VERSION_ARGUMENTS.get(step.uses, ()))
    return [_finding(tool, version) for tool, version in sorted(needed.items())]


def _tool_of(step: StepDefinition) -> str | None:
    """What it starts; None where that is not on the PATH (a path, or no tool at all)."""
    if step.uses in VERSION_ARGUMENTS:
        return str(step.config.get("binary") or step.uses)
    run = step.config.get("run")
    if step.uses == "command" and isinstance(run, list | tuple) and run:
        name = str(run[0])
        return None if "/" in name and not name.startswith("/") else name
    return None


def _finding(tool: str, version: tuple[str, ...]) -> HealthFinding:
    place = shutil.which(tool)
    if place is None:
        return problem("tool", f"{tool} is not on this PATH, and pipelines use it")
    if not version:
        return ok("tool", f"{tool} is {place}")
    try:
        told = subprocess.run(
            [place, *version],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return warning("tool", f"{place} does not tell its version: {error}")
    first = told.stdout.decode("utf-8", "replace").strip().split("\n")[0]
    return ok("tool", f"{tool} is {place}: {first}")
