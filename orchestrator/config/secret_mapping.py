"""Secret parameters of a pipeline and of the cleanup that it owes: which may become which."""

from collections.abc import Mapping
from typing import Any

from orchestrator.config.document import Document
from orchestrator.core.language.definition import PipelineDefinition
from orchestrator.core.values.references import Path, ReferenceProblem, references
from orchestrator.core.values.secret_parameters import names_of, parameter_of


def report_secret_mapping(
    params: Mapping[str, Any],
    pipeline: PipelineDefinition,
    cleanup: PipelineDefinition,
    document: Document,
) -> None:
    """Report a secret that would be kept openly, and a secret parameter that is given openly."""
    mine, theirs = names_of(pipeline.params), names_of(cleanup.params)
    written = document.data.get("cleanup")
    as_table = isinstance(written, dict) and "params" in written
    for name, value in params.items():
        path: Path = ("cleanup", "params", name) if as_table else ("cleanup",)
        if name in theirs and parameter_of(value) not in mine:
            document.report(
                path,
                f"parameter {name} of {cleanup.origin} is a secret: only a secret parameter of "
                "this pipeline, alone, can be given for it",
            )
        elif name not in theirs and _reads(value, mine):
            document.report(
                path,
                f"parameter {name} of {cleanup.origin} is no secret, and this gives it one: write "
                "secret = true there",
            )


def _reads(value: Any, secret: frozenset[str]) -> bool:
    try:
        found = references(value)
    except ReferenceProblem:  # reported as such
        return False
    return any(reference.path == ("params", name) for reference in found for name in secret)
