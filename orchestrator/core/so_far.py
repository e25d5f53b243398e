"""Values with references before a job runs: what is known is put in, the rest stays as written."""

from typing import Any

from orchestrator.core.references import (
    Part,
    Reference,
    ReferenceProblem,
    Scope,
    as_text,
    parse,
    read,
    references,
)


def text_so_far(text: str, scope: Scope) -> str:
    """A string as `resolve_as_text` has it, but what cannot be read stays `${…}`."""
    return "".join(_part(part, scope) for part in parse(text))


def _part(part: Part, scope: Scope) -> str:
    if isinstance(part, str):
        return part
    try:
        return as_text(part, read(part, scope))
    except ReferenceProblem:
        return str(part)


def unreadable(value: Any, scope: Scope) -> tuple[Reference, ...]:
    """The references in a value that cannot be read yet, each once. Raises ReferenceMalformed."""
    return tuple(dict.fromkeys(one for one in references(value) if not _is_readable(one, scope)))


def _is_readable(reference: Reference, scope: Scope) -> bool:
    try:
        read(reference, scope)
    except ReferenceProblem:
        return False
    return True
