"""`matrix`: one step as it is written, and the steps that it stands for."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from orchestrator.config.document import Document
from orchestrator.config.files import MatrixValue, StepTable
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.values.references import Path, format_value

MOST_STEPS = 256
"""How many steps one matrix may stand for."""
_UNUSUAL = re.compile(r"[^A-Za-z0-9._+-]+", re.ASCII)


def report_matrix(step: StepTable, path: Path, document: Document) -> None:
    """Report what is wrong with the matrix of one step, which stands at `path`."""
    if step.max_parallel is not None and not step.matrix:
        document.report((*path, "max_parallel"), "this step has no `matrix` to run in parallel")
    combinations = list(_combinations(step.matrix))
    if len(combinations) > MOST_STEPS:
        document.report(
            (*path, "matrix"), f"this makes {len(combinations)} steps; {MOST_STEPS} are the most"
        )
        return
    first: dict[str, int] = {}
    for place, values in enumerate(combinations):
        name = _name(step.name, values)
        if first.setdefault(name, place) != place:
            document.report((*path, "matrix"), f"two of these steps would be named {name}")
            return


def expanded(steps: Sequence[tuple[StepTable, StepDefinition]]) -> Iterator[StepDefinition]:
    """Every step that runs: those of a matrix one by one, and needed as one."""
    names = {table.name: _names(table) for table, _ in steps}
    for table, definition in steps:
        step = replace(
            definition,
            needs=_spelled_out(definition.needs, names),
            outcomes=tuple(
                replace(rule, skip=_spelled_out(rule.skip, names)) for rule in definition.outcomes
            ),
        )
        if not table.matrix:
            yield step
            continue
        for values in _combinations(table.matrix):
            yield replace(
                step,
                name=_name(table.name, values),
                matrix=dict(values),
                matrix_of=table.name,
                max_parallel=table.max_parallel,
            )


def _names(table: StepTable) -> tuple[str, ...]:
    if not table.matrix:
        return (table.name,)
    return tuple(_name(table.name, values) for values in _combinations(table.matrix))


def _spelled_out(written: Sequence[str], names: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(name for need in written for name in names.get(need, (need,)))


def _combinations(
    matrix: Mapping[str, Sequence[MatrixValue]],
) -> Iterator[Mapping[str, MatrixValue]]:
    """Every combination of values, the last name changing fastest; none without a matrix."""
    if matrix:
        for values in itertools.islice(itertools.product(*matrix.values()), 10 * MOST_STEPS):
            yield dict(zip(matrix, values, strict=True))


def _name(step: str, values: Mapping[str, MatrixValue]) -> str:
    """`test[eu-west-2,arm]`."""
    shown = (_UNUSUAL.sub("_", format_value(value)) or "_" for value in values.values())
    return f"{step}[{','.join(shown)}]"
