"""The order in which the steps of a pipeline can run."""

from collections.abc import Sequence

from orchestrator.core.language.definition import StepDefinition


def turns(steps: Sequence[StepDefinition]) -> list[list[StepDefinition]]:
    """The steps by their turns: those of one turn wait for the one before, not for each other.

    Sections follow each other; within a turn the order is the file's. Needs have no cycle.
    """
    found: list[list[StepDefinition]] = []
    for section in dict.fromkeys(step.section for step in steps):
        by_depth: dict[int, list[StepDefinition]] = {}
        mine = [step for step in steps if step.section is section]
        for step, depth in zip(mine, _depths(mine), strict=True):
            by_depth.setdefault(depth, []).append(step)
        found += [by_depth[depth] for depth in sorted(by_depth)]
    return found


def _depths(steps: Sequence[StepDefinition]) -> list[int]:
    """For each step, how many wait for each other before it."""
    by_name = {step.name: step for step in steps}
    depths: dict[str, int] = {}
    for first in steps:
        to_do = [first]
        while to_do:
            step = to_do[-1]
            needed = [by_name[need] for need in step.needs if need in by_name]
            open_ones = [need for need in needed if need.name not in depths]
            if open_ones:
                to_do += open_ones
                continue
            depths[step.name] = 1 + max((depths[need.name] for need in needed), default=-1)
            to_do.pop()
    return [depths[step.name] for step in steps]
