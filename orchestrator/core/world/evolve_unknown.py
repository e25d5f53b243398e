"""The next state of an environment, given what became of runs that the journal does not know."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Environment

UnknownEvent = ev.UnknownRunFound | ev.UnknownRunJudged | ev.UnknownRunSetAside


def unknown_after(environment: Environment, event: UnknownEvent, at: Instant) -> Environment:
    """The environment after an unknown run was found in it, judged, or set aside."""
    unknown = environment.unknown
    match event:
        case ev.UnknownRunFound(run=run):
            others = tuple(known for known in unknown if known.job != run.job)
            unknown = (*others, replace(run, since=at))
        case ev.UnknownRunJudged(job=job, verdict=verdict):
            unknown = tuple(
                replace(known, verdict=verdict) if known.job == job else known for known in unknown
            )
        case ev.UnknownRunSetAside(job=job):
            unknown = tuple(known for known in unknown if known.job != job)
        case _:
            assert_never(event)
    return replace(environment, unknown=unknown)
