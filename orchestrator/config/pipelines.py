"""pipelines/**/*.toml → PipelineDefinition."""

from orchestrator.config.document import Document
from orchestrator.config.files import CleanupTable, PipelineFile, StopTable
from orchestrator.config.known_names import KnownNames
from orchestrator.config.parameters import read_parameters
from orchestrator.config.reading import Reader
from orchestrator.config.shared_tables import (
    approval_of,
    roles_of,
    variables_of,
)
from orchestrator.config.sources import read_source, with_source
from orchestrator.config.steps import read_steps, report_no_time
from orchestrator.core.language.definition import (
    CleanupReference,
    PipelineDefinition,
    StopRules,
)
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import ParameterType, StopPolicy
from orchestrator.core.values.reference_check import Known


def read_pipeline(name: str, document: Document, around: KnownNames) -> PipelineDefinition:
    """Read one pipeline; mistakes are reported to the document."""
    table = Reader(document).table(PipelineFile, document.data)
    _report_kind(table.kind, document, around.kinds)
    _report_environments(table.environments, document, around.environments)
    report_no_time(document, ("timeout",), table.timeout)
    report_no_time(document, ("max_wait",), table.max_wait)
    if "max_wait" not in document.data and "on_max_wait" in document.data:
        document.report(("on_max_wait",), "there is no `max_wait` that this could be for")
    known = known_in(table, around)
    steps = read_steps(table, document, around, known)
    return PipelineDefinition(
        name=name,
        kind=table.kind,
        steps=with_source(steps, table, document, around, known),
        origin=document.file,
        description=table.description,
        environments=table.environments,
        cleanup=_cleanup(table.cleanup),
        stop=_stop(table.stop),
        timeout=None if table.timeout is None else float(table.timeout),
        force_after=float(table.force_after),
        source=read_source(table.source, document, around),
        params=read_parameters(table.params, document),
        env=variables_of(
            table.env, document, ("env",), known, around.allow_env, (((), PipelineFile),)
        ),
        roles=roles_of(table.roles),
        fail_running=table.fail_running,
        halt_running=table.halt_running,
        approval=approval_of(table.approval, document, ("approval",)),
        max_wait=None if table.max_wait is None else float(table.max_wait),
        on_max_wait=table.on_max_wait,
    )


def known_in(table: PipelineFile, around: KnownNames) -> Known:
    """What the pipeline's values can read, whichever of its environments it runs in."""
    mine = around.environments if table.environments is None else frozenset(table.environments)
    return Known(
        params=frozenset(table.params),
        lists=frozenset(
            name for name, one in table.params.items() if one.type is ParameterType.LIST
        ),
        vars={name: names for name, names in around.vars.items() if name in mine},
        secrets=around.secrets,
        secret_params=frozenset(name for name, one in table.params.items() if one.secret),
    )


def _report_kind(kind: str, document: Document, kinds: frozenset[str] | None) -> None:
    if not kind or kinds is None or kind in kinds:
        return
    guess = did_you_mean(near(kind, kinds)) or f" (kinds: {', '.join(sorted(kinds))})"
    document.report(
        ("kind",), f'there is no kind "{kind}"{guess}; [kinds.{kind}] in orchestrator.toml adds it'
    )


def _report_environments(
    named: tuple[str, ...] | None, document: Document, known: frozenset[str]
) -> None:
    for place, environment in enumerate(named or ()):
        if environment and environment not in known:
            guess = did_you_mean(near(environment, known))
            document.report(
                ("environments", place),
                f'there is no environment "{environment}"{guess}'
                f"; a file environments/{environment}.toml makes one",
            )


def _cleanup(written: str | CleanupTable | None) -> CleanupReference | None:
    """Parameters are mapped when every pipeline is known (`orchestrator.config.cleanups`)."""
    match written:
        case None:
            return None
        case str():
            return CleanupReference(written)
        case CleanupTable():
            return CleanupReference(written.pipeline, written.params or {})


def _stop(written: StopPolicy | StopTable) -> StopRules:
    match written:
        case StopPolicy():
            return StopRules(written, written, written, written, written)
        case StopTable():
            return StopRules(
                queued=written.queued,
                preparing=written.preparing,
                acquiring=written.acquiring,
                applying=written.applying,
                cleaning_up=written.cleaning_up,
            )
