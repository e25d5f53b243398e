"""Lines of the journal, as the wire shows them: without what is large, internal or secret."""

import enum
from typing import Any

import msgspec

from orchestrator.api import plain, views
from orchestrator.api.subjects import job_of, step_of
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import StepRef

HIDDEN = frozenset(
    {"configuration", "definition", "request", "rank", "ref", "secret_digests", "value", "file"}
)
"""Fields that are not shown: content that stands elsewhere, and what only the daemon needs."""


def line(id: int, stamped: ev.Stamped, environment: str | None) -> dict[str, Any]:
    """One line. The fields of the event stand beside those that every line has."""
    event = stamped.event
    by = stamped.by
    return {
        "id": id,
        "at": plain.time(stamped.at),
        "by": None if by is None else {"uid": by.uid, "user": by.user},
        "type": event.__struct_config__.tag,
        "job": job_of(event),
        "environment": environment,
        "step": step_of(event),
    } | _fields(event)


def _fields(event: ev.AnyEvent) -> dict[str, Any]:
    found = {name: value for name, value in _shown(event).items() if name not in ("job", "by")}
    match event:
        case ev.StepApplied(outputs=outputs, sensitive=sensitive):
            found["outputs"] = _plain(views.masked(outputs, sensitive))
        case ev.JobSubmitted(environment=environment):
            found["environment"] = environment
        case ev.StepStarted(ref=ref):
            found["attempt"] = ref.attempt
    return found


def _shown(struct: msgspec.Struct) -> dict[str, Any]:
    return {
        name: _plain(getattr(struct, name))
        for name in struct.__struct_fields__
        if name not in HIDDEN
    }


def _plain(value: Any) -> Any:
    match value:
        case Instant():
            return plain.time(value)
        case enum.Enum():
            return value.value
        case StepRef(job=job, step=step, attempt=attempt):
            return {"job": job, "step": step, "attempt": attempt}
        case msgspec.Struct():
            return _shown(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value
