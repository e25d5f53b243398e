"""The lists of steps in a pipeline's file, in the order in which they run."""

from collections.abc import Iterator, Sequence

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.files import PipelineFile, StepTable
from orchestrator.config.needs import NamedSteps, RunOrder, read_order
from orchestrator.core.language.definition import SOURCE_STEP
from orchestrator.core.language.words import Section


class WrittenSection(msgspec.Struct, frozen=True):
    """One list of steps as it is written, and in which order they can run."""

    section: Section
    tables: tuple[StepTable, ...]
    order: RunOrder

    @property
    def key(self) -> str:
        """The key of the list in the file."""
        return self.section.value

    @property
    def named(self) -> NamedSteps:
        """Its steps by their names and stages."""
        return self.order.steps


def read_sections(table: PipelineFile, document: Document) -> tuple[WrittenSection, ...]:
    """Every list that has steps; names that are written twice are reported."""
    written = [(section, tables) for section in Section if (tables := _tables(table, section))]
    _report_repeated(written, document)
    where = {step.name: section for section, tables in written for step in tables}
    made = made_steps(table)
    _report_taken(written, made, document)
    return tuple(
        WrittenSection(section, tables, read_order(tables, document, section, where, made))
        for section, tables in written
    )


def made_steps(table: PipelineFile) -> frozenset[str]:
    """Steps that the pipeline has without writing them, which run before all others."""
    return frozenset() if table.source.git is None else frozenset({SOURCE_STEP})


def _tables(table: PipelineFile, section: Section) -> tuple[StepTable, ...]:
    match section:
        case Section.BEFORE:
            return table.before
        case Section.STEPS:
            return table.steps
        case Section.ON_SUCCESS:
            return table.on_success
        case Section.ON_WARNING:
            return table.on_warning
        case Section.ON_FAILURE:
            return table.on_failure
        case Section.ON_CANCEL:
            return table.on_cancel
        case Section.FINALLY:
            return table.finally_


def _every(
    written: Sequence[tuple[Section, tuple[StepTable, ...]]],
) -> Iterator[tuple[tuple[str, int, str], str]]:
    for section, tables in written:
        for place, step in enumerate(tables):
            yield (section.value, place, "name"), step.name


def _report_taken(
    written: Sequence[tuple[Section, tuple[StepTable, ...]]],
    made: frozenset[str],
    document: Document,
) -> None:
    for path, name in _every(written):
        if name in made:
            text = f"`[source] git` makes a step of this name: {name}; give this one another"
            document.report(path, text)


def _report_repeated(
    written: Sequence[tuple[Section, tuple[StepTable, ...]]], document: Document
) -> None:
    first: dict[str, tuple[str, int, str]] = {}
    for path, name in _every(written):
        if name and name in first:
            line = document.places.line(first[name])
            document.report(path, f"the step in line {line} has this name too")
        first.setdefault(name, path)
