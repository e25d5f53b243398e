"""The steps of a pipeline, drawn by section: what follows what, and what is unusual about each."""

from __future__ import annotations

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.layout import layout
from orchestrator.cli.view.parameters import written
from orchestrator.cli.view.terminal import table
from orchestrator.cli.view.times import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.client.wire import AskedApproval, Outcome, PipelineStep, Retry
    from orchestrator.cli.view.layout import Place
    from orchestrator.cli.view.terminal import Terminal

_TIMES = "\N{MULTIPLICATION SIGN}"
_ASCII = str.maketrans({**dict(zip("┌├└│─", ",|`|-", strict=True)), "…": "...", _TIMES: "x"})
_DRAWN = frozenset(
    {
        *("name", "uses", "section", "stage", "needs", "touches", "matrix", "matrix_of"),
        *("max_parallel", "when", "timeout", "retry", "outcomes"),
    }
)
"""What has words of its own here; any other setting of a step is shown by its name."""


class _Drawn:
    """A step as the file has it (one, or all those of a matrix), and where it stands."""

    def __init__(self, steps: list[PipelineStep], place: Place, as_written: dict[str, str]) -> None:
        self.place = place
        self.steps = steps
        self.step = steps[0]
        self.as_written = as_written


def graph_lines(
    steps: list[PipelineStep], terminal: Terminal, approvals: list[AskedApproval] | None = None
) -> list[str]:
    """The steps by section, and after `before` what people are asked."""
    drawn = _drawn(steps)
    rows = table((_row(place) for place in drawn), indent="    ")
    asked, section = approval_lines(approvals or []), ""
    lines: list[str] = []
    for one, row in zip(drawn, rows, strict=True):
        if one.step["section"] != section:
            section = one.step["section"]
            if section != "before":
                lines, asked = lines + asked, []
            lines.append(f"  {harmless(section)}")
        below = f"    {one.place.below}  "
        lines += [row, *(below + terminal.paint(harmless(more), "dim") for more in _details(one))]
    return lines if terminal.unicode else [line.translate(_ASCII) for line in lines]


def approval_lines(approvals: list[AskedApproval]) -> list[str]:
    """Who must say yes before a job queues."""
    rows = []
    for approval in approvals:
        where = (
            "every job" if approval["environment"] is None else f"jobs in {approval['environment']}"
        )
        rows.append([harmless(where), harmless(asked_text(approval))])
    return ["  approvals", *table(rows, indent="    ")] if rows else []


def asked_text(approval: AskedApproval) -> str:
    """`2 of approver or admin, not who submitted it, within 4h 00m`."""
    parts = [f"{approval['count']} of {' or '.join(approval['roles'])}"]
    if approval["not_submitter"]:
        parts.append("not who submitted it")
    if approval["expires"] is not None:
        parts.append(f"within {duration(approval['expires'])}")
    return ", ".join(parts)


def _drawn(steps: list[PipelineStep]) -> list[_Drawn]:
    """The steps of every section in the order in which they are drawn."""
    as_written = {step["name"]: step["matrix_of"] or step["name"] for step in steps}
    sections: dict[str, dict[str, list[PipelineStep]]] = {}
    for step in steps:
        together = sections.setdefault(step["section"], {})
        together.setdefault(as_written[step["name"]], []).append(step)
    drawn = []
    for together in sections.values():
        needs = {name: _needs(members[0], as_written) for name, members in together.items()}
        drawn += [_Drawn(together[place.name], place, as_written) for place in layout(needs)]
    return drawn


def _needs(step: PipelineStep, as_written: dict[str, str]) -> list[str]:
    return list(dict.fromkeys(as_written.get(need, need) for need in step["needs"] or []))


def _row(drawn: _Drawn) -> list[str]:
    step, place = drawn.step, drawn.place
    name, at_once = harmless(place.name), step["max_parallel"]
    if step["matrix_of"]:
        name += f"[…] {_TIMES} {len(drawn.steps)}"
    return [
        place.before + name,
        harmless(step["uses"]),
        "touches" if step["touches"] else "",
        f"stage {harmless(step['stage'])}" if step["stage"] else "",
        f"{at_once} at a time" if at_once else "",
        f"after {harmless(', '.join(place.after))}" if place.after else "",
    ]


def _details(drawn: _Drawn) -> list[str]:
    """What is not as it is by default, a line each."""
    step = drawn.step
    details = [_matrix(drawn.steps)] if step["matrix_of"] else []
    if step["uses"] == "approval" and step["section"] == "steps":
        details.append("asks people, and holds the environment meanwhile")
    if step["when"]:
        details.append(f"when {step['when']}")
    if step["timeout"] is not None:
        details.append(f"timeout {duration(step['timeout'])}")
    if step["retry"]:
        details.append(_retry(step["retry"]))
    others = {name: value for name, value in step.items() if name not in _DRAWN}
    details += [f"{name} {written(value)}" for name, value in others.items() if value]
    return details + [_outcome(outcome, drawn.as_written) for outcome in step["outcomes"]]


def _matrix(steps: list[PipelineStep]) -> str:
    """`browser: firefox, chromium; size: 1, 2`."""
    values: dict[str, dict[str, None]] = {}
    for step in steps:
        for name, value in (step["matrix"] or {}).items():
            values.setdefault(name, {})[written(value)] = None
    return "; ".join(f"{name}: {', '.join(each)}" for name, each in values.items())


def _retry(retry: Retry) -> str:
    """`3 attempts, 10s apart, each wait 2 times as long, 1m 00s at most, after exit 75`."""
    parts = [f"{retry['attempts']} attempts"]
    if retry["backoff"]:
        parts.append(f"{duration(retry['backoff'])} apart")
        if retry["factor"] != 1:
            parts.append(f"each wait {retry['factor']:g} times as long")
        if retry["max"] is not None:
            parts.append(f"{duration(retry['max'])} at most")
    if retry["on"]:
        parts.append(f"after {' or '.join(retry['on'])}")
    return ", ".join(parts)


def _outcome(outcome: Outcome, as_written: dict[str, str]) -> str:
    """`exit 3: continue, skip load-test (no traffic to test with)`."""
    said = f"{outcome['match']}: {outcome['then']}"
    if outcome["skip"]:
        skipped = dict.fromkeys(as_written.get(name, name) for name in outcome["skip"])
        said += f", skip {', '.join(skipped)}"
    return f"{said} ({outcome['reason']})" if outcome["reason"] else said
