"""What a submission would do, as lines."""

from __future__ import annotations

import json

from orchestrator.cli.escapes import harmless
from orchestrator.cli.times import since
from orchestrator.cli.view.parameters import pairs
from orchestrator.cli.view.pipeline import graph_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.cli.terminal import Terminal
    from orchestrator.cli.wire import DryRun


def dry_run_lines(plan: DryRun, terminal: Terminal, now: float) -> list[str]:
    """The steps, resolved, what they would owe, and what the job would wait for."""
    where = f"{harmless(plan['pipeline'])} {terminal.arrow} {harmless(plan['environment'])}"
    lines = [f"{terminal.paint('dry run', 'bold')}  {where}  {harmless(plan['kind'])}"]
    if plan["params"]:
        lines.append(f"  params    {pairs(plan['params'])}")
    lines += graph_lines(plan["steps"])
    lines.append("  settings")
    for step in plan["steps"]:
        lines.append(f"    {harmless(step['name'])}: {harmless(_json(step['with']))}")
    if plan["cleanup"]:
        params = pairs(plan["cleanup"]["params"])
        lines.append(f"  it would owe  {harmless(plan['cleanup']['pipeline'])} {params}".rstrip())
    lines += [f"  it would need {harmless(text)}" for text in plan["approvals"]]
    if not plan["blockers"] and plan["approvals"]:
        return lines
    if not plan["blockers"]:
        return [*lines, "  it would start at once"]
    lines.append("  it would wait for")
    for blocker in plan["blockers"]:
        when = f", since {since(blocker['since'], now)}" if blocker["since"] else ""
        lines.append(f"    {harmless(blocker['text'])}{when}")
    return lines


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
