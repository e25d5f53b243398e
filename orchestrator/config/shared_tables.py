"""Tables that several kinds of file have: roles, and variables for tools."""

from collections.abc import Mapping
from typing import Any

from orchestrator.config.child_variables import refused
from orchestrator.config.document import Document
from orchestrator.config.files import ApprovalTable, RolesTable, SecretReference
from orchestrator.config.misplaced import Above, report_misplaced
from orchestrator.config.secrets import report_unknown_secret
from orchestrator.core.language.definition import ApprovalRule, Roles, SecretUse, Variables
from orchestrator.core.values.reference_check import Known, check_references
from orchestrator.core.values.references import (
    ROOTS,
    Path,
    Reference,
    ReferenceProblem,
    leaves,
    parse,
)


def roles_of(table: RolesTable | None) -> Roles | None:
    """`[roles]`, or None where it is not written."""
    if table is None:
        return None
    return Roles(table.viewer, table.submitter, table.approver, table.admin)


def approval_of(table: ApprovalTable | None, document: Document, path: Path) -> ApprovalRule | None:
    """`[approval]`, or None where it is not written."""
    if table is None:
        return None
    if table.expires is not None and float(table.expires) == 0:
        document.report((*path, "expires"), "a limit of 0 leaves nobody time to answer")
    expires = None if table.expires is None else float(table.expires)
    return ApprovalRule(table.roles, table.count, table.not_submitter, expires)


def variables_of(
    env: Mapping[str, str | SecretReference],
    document: Document,
    path: Path,
    known: Known,
    allow_env: tuple[str, ...] | None,
    above: Above,
) -> Variables:
    """An `env` table; refused variables, unknown secrets and references are reported."""
    report_misplaced(document, path, env, above)
    for name in env:
        if allow_env is not None and refused(name, allow_env):
            document.report(
                (*path, name),
                f"{name} changes what tools do behind their arguments, so it is refused "
                'unless `allow_env` in orchestrator.toml names it: allow_env = ["' + name + '"]',
            )
    texts = {name: value for name, value in env.items() if isinstance(value, str)}
    report_references(document, path, texts, known, as_text=True)
    for name, value in env.items():
        if isinstance(value, SecretReference):
            report_unknown_secret(document, (*path, name, "secret"), value.secret, known)
    return {
        name: value if isinstance(value, str) else SecretUse(value.secret)
        for name, value in env.items()
    }


def report_references(
    document: Document, path: Path, value: Any, known: Known, *, as_text: bool = False
) -> None:
    """Report every reference in `value`, which stands at `path`, that cannot be resolved."""
    for inner, problem in check_references(value, known, as_text=as_text):
        document.report((*path, *inner), str(problem))


def report_unread_references(document: Document, path: Path, value: Any) -> None:
    """Report what looks like a reference where none is read."""
    for inner, leaf in leaves(value):
        if isinstance(leaf, str) and _looks_like_reference(leaf):
            document.report((*path, *inner), "references are not read here: write the value itself")


def _looks_like_reference(text: str) -> bool:
    try:
        parts = parse(text)
    except ReferenceProblem:
        return False
    return any(isinstance(part, Reference) and part.path[0] in ROOTS for part in parts)
