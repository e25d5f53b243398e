"""Pipelines as lines: the list, and one with its steps as a graph."""

from __future__ import annotations

from orchestrator.cli.escapes import harmless
from orchestrator.cli.terminal import table
from orchestrator.cli.view.parameters import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.terminal import Terminal
    from orchestrator.cli.wire import Parameter, Pipeline, PipelineStep

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
        ["stop", stop_text(pipeline["stop"])],
    ]
    lines = ["  ".join(part for part in parts if part), *table(facts, indent="  ")]
    if pipeline["params"]:
        lines.append("  params")
        lines += table((_parameter(one) for one in pipeline["params"]), indent="    ")
    return lines + graph_lines(pipeline["steps"])


def stop_text(stop: object) -> str:
    """Who may stop it, per phase where that differs."""
    if not isinstance(stop, dict):
        return harmless(stop)
    if len(set(stop.values())) == 1:
        return harmless(next(iter(stop.values())))
    return harmless(", ".join(f"{phase}: {who}" for phase, who in stop.items()))


def _environments(pipeline: Pipeline) -> str:
    names = pipeline["environments"]
    return "every one" if names is None else harmless(", ".join(names))


def _parameter(parameter: Parameter) -> list[str]:
    default = parameter["default"]
    need = "required" if parameter["required"] else ""
    if default is not None:
        need = f"default {written(default)}".rstrip()
    if parameter["example"] is not None:
        need += f"{', ' if need else ''}for example {parameter['example']}"
    return [
        harmless(parameter["name"]),
        harmless(parameter["type"] + _bounds(parameter)),
        harmless(need),
        harmless("of " + ", ".join(parameter["choices"]) if parameter["choices"] else ""),
        harmless(parameter["pattern"] or ""),
        harmless(parameter["description"] or ""),
    ]


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


def graph_lines(steps: list[PipelineStep]) -> list[str]:
    """The steps by section, each drawn below the last of those that it needs."""
    lines = []
    for section in dict.fromkeys(step["section"] for step in steps):
        mine = [step for step in steps if step["section"] == section]
        lines.append(f"  {harmless(section)}")
        lines += table(_branches(mine), indent="    ")
    return lines


def _branches(steps: list[PipelineStep]) -> list[list[str]]:
    """Rows of a tree in which a step hangs on the last step that it needs.

    A step that alone follows another stands below it (`↓`), so that a chain stays in its column.
    """
    places = {step["name"]: place for place, step in enumerate(steps)}
    children: dict[str | None, list[PipelineStep]] = {}
    for step in steps:
        children.setdefault(_parent(step, places), []).append(step)
    rows: list[list[str]] = []
    to_draw = [(step, "", "", "") for step in reversed(children.get(None, []))]
    while to_draw:
        step, before, joint, below = to_draw.pop()
        name = f"{before}{joint}{harmless(step['name'])}"
        rows.append([name, *_notes(step, _parent(step, places))])
        to_draw += _hung(children.get(step["name"], []), before + below)
    return rows


def _hung(steps: list[PipelineStep], before: str) -> list[tuple[PipelineStep, str, str, str]]:
    """What hangs on one step, the last first: each with its joint and what stands below that."""
    if len(steps) == 1:
        return [(steps[0], before, "↓ ", "")]
    hung = [(step, before, "├─ ", "│  ") for step in steps[:-1]]
    return [(step, before, "└─ ", "   ") for step in steps[-1:]] + hung[::-1]


def _parent(step: PipelineStep, places: dict[str, int]) -> str | None:
    """The last step, in the order of the file, of those that a step needs."""
    known = (need for need in _needs(step) if need in places)
    return max(known, key=lambda name: places[name], default=None)


def _notes(step: PipelineStep, parent: str | None) -> list[str]:
    others = [need for need in _needs(step) if need != parent]
    return [
        harmless(step["uses"]),
        "touches" if step["touches"] else "",
        f"stage {harmless(step['stage'])}" if step["stage"] else "",
        f"also after {harmless(', '.join(others))}" if others else "",
    ]


def _needs(step: PipelineStep) -> list[str]:
    return step["needs"] or []
