"""What a submission would do, as lines."""

from __future__ import annotations

import json

from orchestrator.cli.view.escapes import harmless
from orchestrator.cli.view.parameters import pairs
from orchestrator.cli.view.times import duration, since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.cli.client.wire import DryRun, PlannedApproval, ResolvedStep
    from orchestrator.cli.view.terminal import Terminal

LONGEST_SHOWN = 160
"""Characters of a value; `--json` has all of it."""


def dry_run_lines(plan: DryRun, terminal: Terminal, now: float) -> list[str]:
    """The steps in the order in which they could run, resolved, what they would owe, and what the
    job would wait for."""
    where = f"{harmless(plan['pipeline'])} {terminal.arrow} {harmless(plan['environment'])}"
    lines = [f"{terminal.paint('dry run', 'bold')}  {where}  {harmless(plan['kind'])}"]
    if plan["params"]:
        lines.append(f"  params    {pairs(plan['params'])}")
    shared = _shared_env(plan["steps"])
    if shared:
        lines.append(f"  env       {pairs(shared)}")
    lines += _sections(plan, shared, terminal)
    turns = [step["turn"] for step in plan["steps"]]
    if len(set(turns)) < len(turns):
        lines.append("  steps of one number can run side by side")
    if plan["cleanup"]:
        params = pairs(plan["cleanup"]["params"])
        lines.append(f"  it would owe  {harmless(plan['cleanup']['pipeline'])} {params}".rstrip())
    if plan["pays"]:
        owing = ", ".join(str(job) for job in plan["pays"])
        lines.append(f"  it would pay  for job {owing}, and asks nobody for that")
    return lines + _blockers(plan, now)


def _shared_env(steps: list[ResolvedStep]) -> dict[str, str]:
    """The variables that every step has alike."""
    first, *others = [step["env"] for step in steps]
    return {k: v for k, v in first.items() if all(env.get(k) == v for env in others)}


def _sections(plan: DryRun, shared: dict[str, str], terminal: Terminal) -> list[str]:
    lines: list[str] = []
    asked = [_approval(approval) for approval in plan["approvals"]]
    for section in dict.fromkeys(step["section"] for step in plan["steps"]):
        if section != "before":
            lines, asked = lines + asked, []
        lines.append(f"  {harmless(section)}")
        mine = [step for step in plan["steps"] if step["section"] == section]
        width = max(len(harmless(step["name"])) for step in mine)
        for step in mine:
            lines.append(_headline(step, width, plan, terminal))
            lines += (f"         {line}" for line in _details(step, shared, terminal))
    return lines + asked


def _approval(approval: PlannedApproval) -> str:
    expires = f", expires after {duration(approval['expires'])}" if approval["expires"] else ""
    return f"  {harmless(approval['text'])}{expires}, asked by the {harmless(approval['rule'])}"


def _headline(step: ResolvedStep, width: int, plan: DryRun, terminal: Terminal) -> str:
    """`    3  smoke  command  touches  stage tests  after apply`."""
    before = [earlier for earlier in plan["steps"] if earlier["turn"] == step["turn"] - 1]
    after = {earlier["name"] for earlier in before if earlier["section"] == step["section"]}
    needs = step["needs"] or []
    when = step["when"]
    notes = [
        harmless(step["uses"]),
        "touches" if step["touches"] else "",
        f"stage {harmless(step['stage'])}" if step["stage"] else "",
        f"after {harmless(', '.join(needs))}" if needs and set(needs) != after else "",
        f"{step['max_parallel']} at once" if step["max_parallel"] else "",
        "would be skipped" if when and when["holds"] is False else "",
    ]
    name = terminal.paint(harmless(step["name"]).ljust(width), "bold")
    return f"    {step['turn']:>2}  {name}  {'  '.join(note for note in notes if note)}"


def _details(step: ResolvedStep, shared: dict[str, str], terminal: Terminal) -> Iterator[str]:
    for key, value in step["with"].items():
        yield f"{harmless(key)} = {_json(value)}"
    for name, text in step["env"].items():
        if name not in shared:
            yield f"env {harmless(name)} = {_json(text)}"
    when = step["when"]
    if when is not None:
        unknown = f"when {when['text']}: only the run knows"
        yield harmless(_short(when["why"] or unknown))
    for rule in step["outcomes"]:
        skips = f", skips {', '.join(rule['skip'])}" if rule["skip"] else ""
        reason = f" ({rule['reason']})" if rule["reason"] else ""
        yield harmless(f"{rule['match']}: {rule['then']}{skips}{reason}")
    if step["later"]:
        yield terminal.paint(f"only the run knows {harmless(', '.join(step['later']))}", "dim")
    if step["secrets"]:
        named = f"secret {harmless(', '.join(step['secrets']))}: read when the step begins"
        yield terminal.paint(named, "dim")


def _blockers(plan: DryRun, now: float) -> list[str]:
    prepares = any(step["section"] == "before" for step in plan["steps"])
    if not plan["blockers"]:
        if prepares:
            return ["  its steps before would start at once"]
        return [f"  it would {'be asked for approval' if plan['approvals'] else 'start'} at once"]
    waits = prepares or plan["approvals"]
    lines = ["  once it is ready it would wait for" if waits else "  it would wait for"]
    for blocker in plan["blockers"]:
        when = f", since {since(blocker['since'], now)}" if blocker["since"] else ""
        lines.append(f"    {harmless(blocker['text'])}{when}")
    return lines


def _json(value: object) -> str:
    return harmless(_short(json.dumps(value, ensure_ascii=False)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
