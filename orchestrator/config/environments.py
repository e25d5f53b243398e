"""environments/**/*.toml → EnvironmentDefinition."""

from orchestrator.config.document import Document
from orchestrator.config.files import EnvironmentFile
from orchestrator.config.misplaced import report_misplaced
from orchestrator.config.reading import Reader
from orchestrator.config.shared_tables import (
    approval_of,
    report_unread_references,
    roles_of,
    variables_of,
)
from orchestrator.core.language.definition import EnvironmentDefinition
from orchestrator.core.values.reference_check import Known


def read_environment(
    name: str,
    document: Document,
    allow_env: tuple[str, ...] | None,
    secrets: frozenset[str] | None,
) -> EnvironmentDefinition:
    """Read one environment; mistakes are reported to the document."""
    table = Reader(document).table(EnvironmentFile, document.data)
    above = (((), EnvironmentFile),)
    report_misplaced(document, ("vars",), table.vars, above)
    report_unread_references(document, ("vars",), table.vars)
    known = Known(params=None, vars={name: table.vars}, secrets=secrets)
    return EnvironmentDefinition(
        name=name,
        locks=tuple(dict.fromkeys(table.locks)),
        vars=table.vars,
        env=variables_of(table.env, document, ("env",), known, allow_env, above),
        roles=roles_of(table.roles),
        origin=document.file,
        approval=approval_of(table.approval, document, ("approval",)),
    )
