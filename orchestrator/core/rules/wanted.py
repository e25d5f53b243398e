"""Which effects the state asks for. Derived, so that a start and a recovery take the same path.

Effects are values: the shell starts each that it has not started yet.
"""

from collections.abc import Iterator

import msgspec

from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Finding,
    Quarantine,
    Step,
    StepRef,
)
from orchestrator.core.world.world import World


class RunAttempt(msgspec.Struct, frozen=True):
    """Lead this attempt through its adapter's life, from the phase that it is in."""

    ref: StepRef


class StopAcquire(msgspec.Struct, frozen=True):
    """Cancel the adapter's acquire."""

    ref: StepRef


class AskToStop(msgspec.Struct, frozen=True):
    """Call the adapter's cancel."""

    ref: StepRef


class EndByForce(msgspec.Struct, frozen=True):
    """Cancel the scope of the phase that the attempt is in, and kill its processes."""

    ref: StepRef
    phase: str


class TellAnswer(msgspec.Struct, frozen=True):
    """Give the attempt the answer to what it asked."""

    ref: StepRef
    key: str


class VerifyAgain(msgspec.Struct, frozen=True):
    """Run the adapter's cleanup of a finished attempt once more."""

    environment: str
    finding: Finding
    round: int


class StopLook(msgspec.Struct, frozen=True):
    """Cancel the look at a finding and let its tools end; by `force`, kill them."""

    ref: StepRef
    round: int
    force: bool


class SetUnknownAside(msgspec.Struct, frozen=True):
    """Put what an unknown run left out of the way; first (`wait`) until nothing of it lives."""

    job: int
    wait: bool


Effect = (
    RunAttempt
    | StopAcquire
    | AskToStop
    | EndByForce
    | TellAnswer
    | VerifyAgain
    | StopLook
    | SetUnknownAside
)


def wanted(world: World, environment: str) -> Iterator[Effect]:
    """Every effect that an environment's state asks for now."""
    for job in world.jobs_at_work(environment):
        for step, _ in world.active_steps(job):
            yield from _step(StepRef(job=job.id, step=step.name, attempt=step.attempt), step)
    state = world.environments.get(environment)
    for run in state.unknown if state is not None else ():
        if run.verdict is not None:
            yield SetUnknownAside(job=run.job, wait=run.verdict.wait)
    if state is not None and state.quarantine is not None:
        yield from _looks(environment, state.quarantine)


def _looks(environment: str, quarantine: Quarantine) -> Iterator[Effect]:
    look, round = quarantine.look, quarantine.recheck
    if look is None or look.started is None:
        return
    for finding in quarantine.findings:
        if finding.ref in quarantine.rechecking:
            yield VerifyAgain(environment=environment, finding=finding, round=round)
            if look.stop is not None:
                yield StopLook(ref=finding.ref, round=round, force=look.forced)


def _step(ref: StepRef, step: Step) -> Iterator[Effect]:
    yield RunAttempt(ref=ref)
    for question in step.questions:
        if question.answer is not None:
            yield TellAnswer(ref=ref, key=question.key)
    match step.phase:
        case Acquiring(stop=stop, force=force):
            if stop is not None:
                yield StopAcquire(ref=ref)
            if force is not None:
                yield EndByForce(ref=ref, phase=type(step.phase).__name__)
        case Cancelling(force=force):
            yield AskToStop(ref=ref)
            if force is not None:
                yield EndByForce(ref=ref, phase=type(step.phase).__name__)
        case CleaningUp(force=force):
            if force is not None:
                yield EndByForce(ref=ref, phase=type(step.phase).__name__)
        case Applying():
            pass


def next_look(world: World) -> int | None:
    """When to look at the clock again, in milliseconds of the epoch's boot-time clock."""
    return world.deadlines[0][0] if world.deadlines else None
