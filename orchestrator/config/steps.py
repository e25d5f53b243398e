"""`[[steps]]` → StepDefinition: the adapter's settings judged, its traits asked for."""

from typing import Any

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.files import PipelineFile, StepTable
from orchestrator.config.known_names import KnownNames
from orchestrator.config.matrices import expanded, report_matrix
from orchestrator.config.outcomes import OutcomeReader
from orchestrator.config.reading import Reader, holds_reference
from orchestrator.config.retries import read_retry
from orchestrator.config.secrets import report_secrets
from orchestrator.config.sections import WrittenSection, made_steps, read_sections
from orchestrator.config.shared_tables import report_references, variables_of
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import Section
from orchestrator.core.values.reference_check import Known, check_condition
from orchestrator.core.values.references import Path
from orchestrator.plugin.adapter import Adapter
from orchestrator.plugin.result import Traits

HINT_ON_REFERENCES = "; perhaps one that it must know before a job exists is a reference"


def read_steps(
    table: PipelineFile, document: Document, around: KnownNames, known: Known
) -> tuple[StepDefinition, ...]:
    """Every step of every section. `known` is what the pipeline's values can read, steps left
    out."""
    sections = read_sections(table, document)
    made = made_steps(table)
    every = made | frozenset(name for part in sections for name in part.named.names)
    steps: list[tuple[StepTable, StepDefinition]] = []
    for place, written in enumerate(sections):
        later = [section.named for section in sections[place + 1 :]]
        earlier = made | {name for part in sections[:place] for name in part.named.names}
        outcomes = OutcomeReader(written, later, document)
        reader = StepReader(table, written, document, around)
        for at, step in enumerate(written.tables):
            at_step = msgspec.structs.replace(
                known,
                steps=every,
                ended=written.order.before(at, earlier),
                matrix=frozenset(step.matrix),
                at_end=written.section.is_handler,
            )
            needs, rules = written.order.needed(at), outcomes.rules(at)
            read = reader.read(at, at_step)
            steps.append((step, msgspec.structs.replace(read, needs=needs, outcomes=rules)))
    return tuple(expanded(steps))


class StepReader:
    """Reads the steps of one section, each by itself."""

    def __init__(
        self,
        table: PipelineFile,
        written: WrittenSection,
        document: Document,
        around: KnownNames,
    ) -> None:
        self._table = table
        self._written = written
        self._document = document
        self._around = around

    def read(self, place: int, known: Known) -> StepDefinition:
        """One step, what it needs and its outcomes left out; mistakes are reported."""
        step, path = self._written.tables[place], (self._written.key, place)
        document, around = self._document, self._around
        for key, limit in (("timeout", step.timeout), ("cleanup_timeout", step.cleanup_timeout)):
            report_no_time(document, (*path, key), limit)
        report_references(document, (*path, "with"), step.with_, known)
        report_matrix(step, path, document)
        above = (((), PipelineFile), (path, StepTable))
        env = variables_of(step.env, document, (*path, "env"), known, around.allow_env, above)
        adapter = _adapter(step.uses, document, path, around)
        traits = Traits()
        if adapter is not None:
            report_secrets(document, (*path, "with"), step.with_, adapter.config_type, known)
            traits = _traits(adapter, step, path, document, around)
        has_cleanup = adapter is None or type(adapter).cleanup is not Adapter.cleanup
        return StepDefinition(
            name=step.name,
            uses=step.uses,
            config=step.with_,
            env=env,
            stage=step.stage,
            section=self._written.section,
            touches=self._touches(step, path, traits),
            surely_touches=step.touches or (step.touches is None and traits.touches is True),
            takes_slot=traits.takes_slot,
            has_acquire=adapter is None or looks_first(type(adapter), traits),
            checked_first=traits.checked_first,
            has_cleanup=has_cleanup,
            verifies=has_cleanup and traits.verifies,
            timeout=_seconds(step.timeout),
            grace=self._grace(step, traits),
            cleanup_timeout=float(step.cleanup_timeout),
            default_outcomes=traits.outcomes,
            retry=read_retry(step.retry, (*path, "retry"), document),
            when=_when(step.when, (*path, "when"), document, known),
        )

    def _grace(self, step: StepTable, traits: Traits) -> float | None:
        written = self._table.grace if step.grace is None else step.grace
        return traits.grace if written is None else float(written)

    def _touches(self, step: StepTable, path: Path, traits: Traits) -> bool:
        """What is not known counts as touching where the job's locks are held for that."""
        section = self._written.section
        if section is Section.STEPS:
            return traits.touches is not False if step.touches is None else step.touches
        touches = traits.touches is True if step.touches is None else step.touches
        if touches and section is Section.BEFORE:
            key = "touches" if step.touches else "uses"
            self._document.report(
                (*path, key),
                "this step touches the environment, and nothing is locked before admission: "
                "it belongs to `[[steps]]`",
            )
        return touches


def _when(text: str | None, path: Path, document: Document, known: Known) -> str | None:
    for problem in check_condition(text, known) if text is not None else ():
        document.report(path, str(problem))
    return text


def report_no_time(document: Document, path: Path, limit: float | None) -> None:
    """A limit of no time at all would end everything before it began."""
    if limit == 0:
        document.report(path, "a limit of 0 leaves no time at all; leave the key out for no limit")


def _seconds(duration: float | None) -> float | None:
    return None if duration is None else float(duration)


def _adapter(uses: str, document: Document, path: Path, around: KnownNames) -> Adapter[Any] | None:
    adapters = around.registry.adapters
    if uses in adapters or not uses:
        return adapters.get(uses)
    guess = did_you_mean(near(uses, adapters))
    installed = ", ".join(sorted(adapters)) or "none"
    broken = ", ".join(problem.plugin for problem in around.registry.problems)
    missing = f"; not loaded: {broken} (orchestrator plugins)" if broken else ""
    document.report(
        (*path, "uses"), f'no adapter is named "{uses}"{guess} (installed: {installed}){missing}'
    )
    for problem in around.registry.problems:
        if uses in problem.plugin or uses in problem.text:
            document.report((*path, "uses"), str(problem))
    return None


def _traits(
    adapter: Adapter[Any], step: StepTable, path: Path, document: Document, around: KnownNames
) -> Traits:
    before = document.findings
    above = (((), PipelineFile), (path, StepTable))
    reader = Reader(document, wildcards=True, above=above)
    plugin = around.registry.plugin_of(step.uses)
    try:
        config = reader.table(adapter.config_type, step.with_, (*path, "with"))
        if document.findings > before:
            return Traits()
        traits = adapter.traits(config)
    except (Exception, SystemExit) as error:
        document.report(
            (*path, "with"),
            f"plugin {plugin} failed to judge these settings: {type(error).__name__}: {error}"
            + (HINT_ON_REFERENCES if holds_reference(step.with_) else ""),
        )
        return Traits()
    if isinstance(traits, Traits):
        return traits
    document.report(
        (*path, "with"),
        f"plugin {plugin}: traits() of adapter {step.uses} gave "
        f"{type(traits).__name__}, not orchestrator.plugin.Traits",
    )
    return Traits()


def looks_first(adapter: type[Adapter[Any]], traits: Traits) -> bool:
    """Whether there is anything to do before its apply: a look, or an acquire."""
    checks = traits.checked_first and adapter.check is not Adapter.check
    return checks or adapter.acquire is not Adapter.acquire
