"""The stop ladder: ask, and where an admin says so after the cool-off, force."""

from collections.abc import Iterator

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Force,
    Job,
    JobQueued,
    Step,
    StepRef,
    Stop,
)
from orchestrator.core.language.words import JobConclusion, StopCause
from orchestrator.core.rules.endings import after_end
from orchestrator.core.steps.verdict import conclusion_of_stop
from orchestrator.core.world.world import World


def stop_job(world: World, job: Job, stop: Stop) -> Iterator[ev.AnyEvent]:
    """Ask a job to stop that was not asked yet; one of which nothing has begun ends at once."""
    if isinstance(job.phase, JobQueued) and not job.steps:
        yield from _end_queued(world, job, stop)
        return
    after_steps = world.in_handlers(job)
    yield ev.JobStopRequested(job=job.id, stop=stop, after_steps=after_steps)
    for step, definition in world.active_steps(job):
        if not definition.section.is_handler:
            yield from _ask_step(job, step, stop)
    for step in world.backing_off(job):
        if not world.step_definition(job, step.name).section.is_handler:
            yield from _ask_step(job, step, stop)


def stop_needless(world: World, job: Job, now: Instant, reason: str) -> Iterator[ev.AnyEvent]:
    """Stop an owed cleanup that prepares or waits, when nothing is left for it to pay."""
    if job.steps:
        yield from stop_job(world, job, Stop(cause=StopCause.NEEDLESS, at=now, reason=reason))
    else:
        yield ev.JobEnded(job=job.id, conclusion=JobConclusion.CANCELLED, reason=reason)


def _end_queued(world: World, job: Job, stop: Stop) -> Iterator[ev.AnyEvent]:
    conclusion = conclusion_of_stop(stop)
    yield ev.JobEnded(job=job.id, conclusion=conclusion, reason=stop.reason, stop=stop)
    yield from after_end(world, job, False, conclusion)


def _ask_step(job: Job, step: Step, stop: Stop) -> Iterator[ev.AnyEvent]:
    match step.phase:
        case Acquiring(stop=None) | Applying() | CleaningUp(stop=None) | BackingOff(stop=None):
            ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
            yield ev.StepStopRequested(ref=ref, stop=stop)


def force_steps(world: World, job: Job, stop: Stop, force: Force) -> Iterator[ev.AnyEvent]:
    """End by force each step that is still at work.

    A force that was asked for while other steps ran leaves the handlers alone.
    """
    for step, definition in (*world.active_steps(job), *_waiting_handlers(world, job)):
        handler = definition.section.is_handler
        if handler and not force.of_handlers:
            continue
        if handler:
            yield from _ask_step(job, step, stop)
        match step.phase:
            case Acquiring(force=None) | Cancelling(force=None) | CleaningUp(force=None):
                yield _forced(job, step, force)
            case Applying() if handler:
                yield _forced(job, step, force)


def _waiting_handlers(world: World, job: Job) -> Iterator[tuple[Step, StepDefinition]]:
    for step in world.backing_off(job):
        definition = world.step_definition(job, step.name)
        if definition.section.is_handler:
            yield step, definition


def _forced(job: Job, step: Step, force: Force) -> ev.StepForced:
    ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
    return ev.StepForced(ref=ref, by=force.by, reason=force.reason)
