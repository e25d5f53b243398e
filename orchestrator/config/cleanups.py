"""The cleanup that a pipeline owes: rules that need both pipelines."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.known_names import KnownNames
from orchestrator.config.parameter_fit import misfit
from orchestrator.config.secret_mapping import report_secret_mapping
from orchestrator.config.shared_tables import report_references
from orchestrator.core.language.definition import CleanupReference, PipelineDefinition
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import ParameterType
from orchestrator.core.values.reference_check import Known
from orchestrator.core.values.references import Path


def settle_cleanups(
    pipelines: Mapping[str, PipelineDefinition],
    documents: Mapping[str, Document],
    around: KnownNames,
) -> dict[str, PipelineDefinition]:
    """Every pipeline, with the parameters of its cleanup mapped; mistakes are reported."""
    return {
        name: _settle(pipeline, pipelines, documents, around)
        for name, pipeline in pipelines.items()
    }


def _settle(
    pipeline: PipelineDefinition,
    pipelines: Mapping[str, PipelineDefinition],
    documents: Mapping[str, Document],
    around: KnownNames,
) -> PipelineDefinition:
    document, wanted = documents[pipeline.name], pipeline.cleanup
    if wanted is None or not wanted.pipeline:
        return pipeline
    written_as_table = isinstance(document.data.get("cleanup"), dict)
    name_path: Path = ("cleanup", "pipeline") if written_as_table else ("cleanup",)
    if wanted.pipeline not in documents:
        guess = did_you_mean(near(wanted.pipeline, documents))
        document.report(name_path, f'there is no pipeline "{wanted.pipeline}"{guess}')
        return pipeline
    if wanted.pipeline not in pipelines:  # its file could not be parsed
        return pipeline
    cleanup = pipelines[wanted.pipeline]
    _report_unfit(pipeline, cleanup, name_path, document, around)
    mapped = _mapped(pipeline, cleanup, wanted, document, around)
    return msgspec.structs.replace(pipeline, cleanup=CleanupReference(wanted.pipeline, mapped))


def _report_unfit(
    pipeline: PipelineDefinition,
    cleanup: PipelineDefinition,
    path: Path,
    document: Document,
    around: KnownNames,
) -> None:
    if cleanup.name == pipeline.name:
        document.report(path, "a pipeline cannot be its own cleanup")
    elif cleanup.cleanup is not None:
        document.report(
            path, f"{cleanup.origin} has a `cleanup` of its own; what pays a debt may owe none"
        )
    if cleanup.approval is not None:
        document.report(
            path, f"{cleanup.origin} has an `[approval]`; what is owed must wait for nobody"
        )
    if cleanup.environments is None:
        return
    mine = around.environments if pipeline.environments is None else pipeline.environments
    lacking = sorted((frozenset(mine) & around.environments) - frozenset(cleanup.environments))
    if lacking:
        document.report(
            path,
            f"{cleanup.origin} does not cover {', '.join(lacking)}, where this pipeline may run: "
            "add to its `environments`",
        )


def _mapped(
    pipeline: PipelineDefinition,
    cleanup: PipelineDefinition,
    wanted: CleanupReference,
    document: Document,
    around: KnownNames,
) -> dict[str, Any]:
    """What `params` says; without it, each parameter of a name that both pipelines have."""
    theirs = {parameter.name: parameter for parameter in cleanup.params}
    mine = {parameter.name: parameter for parameter in pipeline.params}
    written = document.data.get("cleanup")
    if isinstance(written, dict) and "params" in written:
        params = dict(wanted.params)
        path: Path = ("cleanup", "params")
        _report_written(pipeline, cleanup, params, document, around)
    else:
        params = {name: "${params." + name + "}" for name in theirs if name in mine}
        path = ("cleanup",)
    for name, value in params.items():
        if name in theirs and (problem := misfit(value, theirs[name], mine, cleanup.origin)):
            document.report((*path, name) if name in wanted.params else path, problem)
    lacking = [p.name for p in cleanup.params if p.required and p.name not in params]
    if lacking:
        document.report(
            path,
            f"{cleanup.origin} requires {', '.join(lacking)}: give a value in "
            "cleanup = { pipeline = …, params = { … } }",
        )
    report_secret_mapping(params, pipeline, cleanup, document)
    return params


def _report_written(
    pipeline: PipelineDefinition,
    cleanup: PipelineDefinition,
    params: Mapping[str, Any],
    document: Document,
    around: KnownNames,
) -> None:
    """Report names that the cleanup has not, and references that cannot be read at submit."""
    theirs = [parameter.name for parameter in cleanup.params]
    for name in (name for name in params if name not in theirs):
        guess = did_you_mean(near(name, theirs)) or f" (it has: {', '.join(theirs) or 'none'})"
        document.report(
            ("cleanup", "params", name), f"{cleanup.origin} has no such parameter{guess}"
        )
    known = Known(
        params=frozenset(param.name for param in pipeline.params),
        lists=frozenset(
            parameter.name for parameter in pipeline.params if parameter.type is ParameterType.LIST
        ),
        vars={
            name: names
            for name, names in around.vars.items()
            if pipeline.environments is None or name in pipeline.environments
        },
        debt=False,
    )
    report_references(document, ("cleanup", "params"), params, known)
