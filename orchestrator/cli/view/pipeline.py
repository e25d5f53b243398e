"""Pipelines as lines: the list, and one as a whole."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.graph import graph_lines
from orchestrator.cli.view.parameters import written
from orchestrator.cli.view.terminal import folded, table
from orchestrator.cli.view.times import duration
from orchestrator.cli.view.words import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.cli.client.wire import Parameter, Pipeline, StopRules
    from orchestrator.cli.view.terminal import Terminal

_SHORT = 40
"""Characters of what has a column; what is longer stands below."""
_TITLES = ("PIPELINE", "KIND", "ENVIRONMENTS", "STEPS", "CLEANUP", "DESCRIPTION")


def pipeline_table(pipelines: list[Pipeline], terminal: Terminal) -> list[str]:
    """A line a pipeline, under titles."""
    rows = [[terminal.paint(title, "dim") for title in _TITLES]]
    for pipeline in pipelines:
        rows.append(
            [
                harmless(pipeline["name"]),
                harmless(pipeline["kind"]),
                _environments(pipeline),
                str(len(pipeline["steps"])),
                harmless(pipeline["cleanup"] or ""),
                harmless(pipeline["description"] or ""),
            ]
        )
    return table(rows) if pipelines else []


def pipeline_lines(pipeline: Pipeline, terminal: Terminal) -> list[str]:
    """One pipeline: what it is, what it takes, what it does."""
    name = terminal.paint(harmless(pipeline["name"]), "bold")
    parts = [name, harmless(pipeline["kind"]), harmless(pipeline["description"] or "")]
    facts = [
        ["environments", _environments(pipeline)],
        ["cleanup", harmless(pipeline["cleanup"] or "none")],
        *_stop_rows(pipeline["stop"]),
        *_limits(pipeline),
    ]
    lines = ["  ".join(part for part in parts if part), *table(facts, indent="  ")]
    if pipeline["params"]:
        lines.append("  params")
        lines += _parameter_lines(pipeline["params"], terminal)
    return lines + graph_lines(pipeline["steps"], terminal, pipeline["approvals"])


def _limits(pipeline: Pipeline) -> Iterator[list[str]]:
    """What is not as it is by default."""
    if pipeline["timeout"] is not None:
        yield ["timeout", duration(pipeline["timeout"])]
    if pipeline["max_wait"] is not None:
        then = "then it only warns" if pipeline["on_max_wait"] == "warn" else "then it expires"
        yield ["max wait", f"{duration(pipeline['max_wait'])}, {then}"]
    if pipeline["fail_running"] == "stop":
        yield ["on failure", "steps beside the one that failed are stopped"]
    if pipeline["halt_running"] == "stop":
        yield ["on halt", "steps beside the one that halted are stopped"]


def _stop_rows(stop: StopRules) -> Iterator[list[str]]:
    """Who may stop it: a line each, with the phases where that differs."""
    phases: dict[str, list[str]] = {}
    for phase, who in stop.items():
        phases.setdefault(str(who), []).append(spoken(phase))
    for row, (who, when) in enumerate(phases.items()):
        text = who if len(phases) == 1 else f"{who}: {', '.join(when)}"
        yield ["" if row else "stop", harmless(text)]


def _environments(pipeline: Pipeline) -> str:
    names = pipeline["environments"]
    return "every one" if names is None else harmless(", ".join(names))


def _parameter_lines(parameters: list[Parameter], terminal: Terminal) -> list[str]:
    """A line each, and below it the choices that are too many for one."""
    lines = []
    rows = table((_parameter(parameter) for parameter in parameters), indent="    ")
    for parameter, row in zip(parameters, rows, strict=True):
        allowed = _allowed(parameter)
        more = folded(allowed) if len(allowed) > _SHORT else []
        lines += [row, *(f"      {terminal.paint(line, 'dim')}" for line in more)]
    return lines


def _parameter(parameter: Parameter) -> list[str]:
    default = parameter["default"]
    need = "required" if parameter["required"] else ""
    if default is not None:
        need = f"default {written(default)}".rstrip()
    if parameter["example"] is not None:
        need += f"{', ' if need else ''}for example {parameter['example']}"
    allowed = _allowed(parameter)
    return [
        harmless(parameter["name"]),
        harmless(parameter["type"] + _bounds(parameter)),
        harmless(need),
        allowed if len(allowed) <= _SHORT else "",
        harmless(parameter["description"] or ""),
    ]


def _allowed(parameter: Parameter) -> str:
    """`of dev, prod`, or a pattern."""
    choices = "of " + ", ".join(parameter["choices"]) if parameter["choices"] else ""
    return harmless("  ".join(part for part in (choices, parameter["pattern"]) if part))


def _bounds(parameter: Parameter) -> str:
    """` 1 to 10`, ` at least 1`, ` of at most 3 items`."""
    least, most = parameter["min"], parameter["max"]
    if least is None and most is None:
        return ""
    said = f"{least:g} to {most:g}" if least is not None and most is not None else ""
    if not said:
        said = f"at most {most:g}" if least is None else f"at least {least:g}"
    counted = {"string": "characters", "list": "items"}.get(parameter["type"])
    if counted and said.endswith(" 1"):
        counted = counted[:-1]
    return f" of {said} {counted}" if counted else f" {said}"
