"""What the daemon's log tells at `debug`: what was decided, wanted, and not admitted, and why.

Names, numbers and kinds only. Parameters, reasons, outputs and what adapters say may hold secrets:
the journal has them, masked. Each function looks at its arguments only where the level is on.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

import structlog

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.rejections import Rejection
from orchestrator.core.rules.admission import blockers, candidates
from orchestrator.core.rules.wanted import Effect, SetUnknownAside, VerifyAgain
from orchestrator.core.world.world import World
from orchestrator.engine.feed import Batch, Recorded

log = structlog.get_logger(__name__)


class Decided(Protocol):
    """A command and what became of it."""

    @property
    def command(self) -> cmd.Command: ...
    @property
    def recorded(self) -> Batch: ...
    @property
    def error(self) -> Exception | None: ...


def is_on() -> bool:
    """Whether anybody reads it."""
    return bool(log.is_enabled_for(logging.DEBUG))


def committed(decided: Sequence[Decided], recorded: Batch) -> None:
    """A transaction: what each command was decided to, and what followed by itself."""
    if not is_on():
        return
    own = 0
    for entry in decided:
        own += len(entry.recorded)
        told = {"command": type(entry.command).__name__, "of": _subject(entry.command)}
        if isinstance(entry.error, Rejection):
            log.debug("rejected", **told, kind=entry.error.kind)
        else:
            log.debug("decided", **told, events=list(map(_event, entry.recorded)))
    if recorded[own:]:
        log.debug("followed", events=list(map(_event, recorded[own:])))


def effects(environment: str, wanted: Sequence[Effect], before: Collection[Effect]) -> None:
    """Which effects an environment's state asks for, where that has changed, and which are new."""
    if not is_on():
        return
    begins = [_effect(effect) for effect in wanted if effect not in before]
    if begins or len(wanted) != len(before):
        wants = list(map(_effect, wanted))
        log.debug("effects", environment=environment, wanted=wants, begun=begins)


def not_admitted(world: World, environments: Iterable[str]) -> None:
    """What keeps each waiting job from starting that could be the next of its environment."""
    if not is_on():
        return
    for environment in sorted(environments):
        for job in candidates(world, environment):
            for blocker in blockers(world, job):
                log.debug(
                    "not admitted",
                    job=job.id,
                    pipeline=job.pipeline,
                    environment=environment,
                    blocker=blocker.type.value,
                    cause=blocker.id,
                )


def _event(recorded: Recorded) -> str:
    """`17 step_started 3/apply/1`: number, type and subject, as `orchestrator events` has them."""
    event = recorded.stamped.event
    tag = event.__struct_config__.tag
    return " ".join(filter(None, (str(recorded.id), str(tag), _subject(event))))


def _effect(effect: Effect) -> str:
    match effect:
        case SetUnknownAside(job=job):
            subject = str(job)
        case VerifyAgain(finding=finding):
            subject = _step(finding.ref)
        case _:
            subject = _step(effect.ref)
    return f"{type(effect).__name__} {subject}"


def _step(ref: StepRef) -> str:
    """Job, step and attempt, as the directories below `jobs` are called."""
    return f"{ref.job}/{ref.step}/{ref.attempt}"


def _subject(said: Any) -> str:
    """Whom a command or an event is about: a step, a job, an environment."""
    return " ".join(_names(said))


def _names(said: Any) -> Iterator[str]:
    ref, job = getattr(said, "ref", None), getattr(said, "job", None)
    if isinstance(ref, StepRef):
        yield _step(ref)
    elif isinstance(job, int):
        yield str(job)
    elif isinstance(environment := getattr(said, "environment", None), str):
        yield environment
