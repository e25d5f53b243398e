"""`[source]`: where steps run. For `git` a step that the pipeline does not write comes first."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from orchestrator.config.document import Document
from orchestrator.config.files import PipelineFile, SourceTable
from orchestrator.config.known_names import KnownNames
from orchestrator.config.paths import located
from orchestrator.config.retries import read_retry
from orchestrator.config.secrets import report_secrets
from orchestrator.config.shared_tables import report_references, report_unread_references
from orchestrator.config.steps import looks_first, report_no_time
from orchestrator.core.language.definition import SOURCE_STEP, Source, StepDefinition
from orchestrator.core.language.words import Section
from orchestrator.core.values.reference_check import Known
from orchestrator.plugin.adapter import Adapter

ADAPTER = "git"
_NAMES = {"git": "url"}
"""What the adapter calls otherwise than `[source]` does."""
_WRITTEN_OUT = ("path", "git", "known_hosts", "directory")


def read_source(table: SourceTable, document: Document, around: KnownNames) -> Source:
    """Where steps run; mistakes are reported."""
    for key in _WRITTEN_OUT:
        report_unread_references(document, ("source", key), getattr(table, key))
    if table.git is not None:
        if table.path is not None:
            text = "either `path` (used in place) or `git` (checked out anew): not both"
            document.report(("source", "path"), text)
        return Source(git=_address(table.git, around), directory=table.directory)
    written = document.data.get("source")
    for key in written if isinstance(written, dict) else ():
        if key != "path" and key in table.__struct_fields__:
            document.report(("source", key), "only a source with `git` has this")
    if table.path is None:
        return Source()
    return Source(str(located(table.path, around.directory, around.host)))


def with_source(
    steps: tuple[StepDefinition, ...],
    table: PipelineFile,
    document: Document,
    around: KnownNames,
    known: Known,
) -> tuple[StepDefinition, ...]:
    """The steps, and before them the one that checks the source out; all of them wait for it."""
    if table.source.git is None:
        return steps
    adapter = around.registry.adapters.get(ADAPTER)
    if adapter is None:
        document.report(("source", "git"), f'the adapter "{ADAPTER}" is not there')
        return steps
    return (_step(table.source, adapter, document, around, known), *_after_it(steps))


def _after_it(steps: Iterable[StepDefinition]) -> Iterator[StepDefinition]:
    """Sections run one after the other, so only those of its own must be told to wait."""
    for step in steps:
        first = step.section is Section.BEFORE and not step.needs
        yield replace(step, needs=(SOURCE_STEP,)) if first else step


def _step(
    table: SourceTable,
    adapter: Adapter[Any],
    document: Document,
    around: KnownNames,
    known: Known,
) -> StepDefinition:
    settings = dict(_settings(table, around))
    _report(settings, adapter, document, known)
    report_no_time(document, ("source", "timeout"), table.timeout)
    traits = adapter.traits(adapter.config_type(url="/"))
    named = {_NAMES.get(key, key): value for key, value in settings.items()}
    return StepDefinition(
        name=SOURCE_STEP,
        uses=ADAPTER,
        config={**named, "written_in": f"{document.file}: source"},
        section=Section.BEFORE,
        touches=False,
        takes_slot=traits.takes_slot,
        has_acquire=looks_first(type(adapter), traits),
        timeout=float(table.timeout),
        grace=traits.grace,
        retry=read_retry(table.retry, ("source", "retry"), document),
    )


def _settings(table: SourceTable, around: KnownNames) -> Iterator[tuple[str, Any]]:
    """By the names that `[source]` has for them."""
    assert table.git is not None
    yield "git", _address(table.git, around)
    yield "ref", table.ref
    yield "submodules", table.submodules
    yield "directory", table.directory
    if table.ssh_key is not None:
        yield "ssh_key", {"secret": table.ssh_key.secret}
    if table.known_hosts is not None:
        yield "known_hosts", str(located(table.known_hosts, around.directory, around.host))


def _report(
    settings: dict[str, Any], adapter: Adapter[Any], document: Document, known: Known
) -> None:
    """What the adapter says of each, so that each has its line."""
    kinds = {field.encode_name: field.type for field in msgspec.structs.fields(adapter.config_type)}
    for key, value in settings.items():
        name = _NAMES.get(key, key)
        report_references(document, ("source", key), value, known)
        report_secrets(document, ("source", key), value, kinds[name], known)
        try:
            adapter.config_type(**{"url": "/", name: value})
        except ValueError as problem:
            document.report(("source", key), str(problem))


def _address(written: str, around: KnownNames) -> str:
    """A path is one as everywhere in the configuration; anything else is left as it is."""
    if written.startswith("-") or ":" in written.partition("/")[0]:
        return written
    return str(located(written, around.directory, around.host))
