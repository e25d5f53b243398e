"""What the clock makes happen: limits, cool-offs, clients that stay away."""

from collections.abc import Iterator

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import JobDefinition, PipelineDefinition, StepDefinition
from orchestrator.core.language.durations import written
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Job,
    JobCancelling,
    JobPreparing,
    JobQueued,
    QuestionAnswer,
    Step,
    StepRef,
    Stop,
)
from orchestrator.core.language.words import Decision, LongWaitPolicy, StopCause
from orchestrator.core.rules.stopping import force_steps, stop_job
from orchestrator.core.world.deadlines import RECONNECT, after, limit_of_phase
from orchestrator.core.world.world import World


def due(world: World, job: Job, now: Instant) -> list[ev.AnyEvent]:
    """What the clock makes happen next in this job; empty if no limit has passed."""
    for found in _due(world, job, now):
        events = list(found)
        if events:
            return events
    return []


def _due(world: World, job: Job, now: Instant) -> Iterator[Iterator[ev.AnyEvent]]:
    definition = world.definition(job)
    if job.disconnected is not None and job.stop is None:
        yield _disconnected(world, job, now)
    limit = limit_of_phase(job, definition, world.in_handlers(job))
    if limit is not None and _passed(world, *limit, now):
        yield _too_long(world, job, definition, limit[1], now)
    if isinstance(job.phase, JobCancelling):
        yield _armed_force(world, job, definition.pipeline, now)
    for step, one in world.active_steps(job):
        yield _unanswered(world, job, step, now)
        yield _step_due(world, job, step, one, now)
    for step in world.backing_off(job):
        yield _retry_due(world, job, step, now)


def _too_long(
    world: World, job: Job, definition: JobDefinition, seconds: float, now: Instant
) -> Iterator[ev.AnyEvent]:
    """A job has been in its phase for longer than it may."""
    pipeline, limit = definition.pipeline, _seconds(seconds)
    match job.phase:
        case JobQueued():
            if pipeline.on_max_wait is LongWaitPolicy.WARN:
                yield ev.JobWaitedLong(job=job.id)
                return
            cause, reason = StopCause.EXPIRY, f"it waited longer than max_wait: {limit}"
        case JobPreparing(approval=Instant()):
            cause, reason = StopCause.EXPIRY, f"nobody approved it within {limit}"
        case _:
            cause, reason = StopCause.TIMEOUT, f"timeout of the pipeline: {limit}"
    yield from stop_job(world, job, Stop(cause=cause, at=now, reason=reason))


def _unanswered(world: World, job: Job, step: Step, now: Instant) -> Iterator[ev.AnyEvent]:
    asked = step.open_question
    if asked is not None and _passed(world, asked.asked, asked.rule.expires, now):
        ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
        answer = QuestionAnswer(decision=Decision.EXPIRED, at=now)
        yield ev.StepAnswered(ref=ref, key=asked.key, answer=answer)


def _disconnected(world: World, job: Job, now: Instant) -> Iterator[ev.AnyEvent]:
    if job.disconnected is None or not _passed(world, job.disconnected, RECONNECT, now):
        return
    reason = f"the submitting client has been gone for {_seconds(RECONNECT)}"
    stop = Stop(cause=StopCause.DISCONNECT, at=now, by=job.submitter, reason=reason)
    yield from stop_job(world, job, stop)


def _armed_force(
    world: World, job: Job, pipeline: PipelineDefinition, now: Instant
) -> Iterator[ev.AnyEvent]:
    phase = job.phase
    if not isinstance(phase, JobCancelling) or phase.force is None or phase.force.fired:
        return
    if _passed(world, phase.stop.at, pipeline.force_after, now):
        yield ev.JobForced(job=job.id)
        yield from force_steps(world, job, phase.stop, phase.force)


def _step_due(
    world: World, job: Job, step: Step, definition: StepDefinition, now: Instant
) -> Iterator[ev.AnyEvent]:
    ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
    match step.phase:
        case Acquiring(began=began, stop=None) | Applying(began=began):
            if _passed(world, began, definition.timeout, now):
                reason = f"timeout of the step: {_seconds(definition.timeout)}"
                stop = Stop(cause=StopCause.TIMEOUT, at=now, reason=reason)
                yield ev.StepStopRequested(ref=ref, stop=stop)
        case Acquiring(stop=Stop() as stop, force=None) | Cancelling(stop=stop, force=None) if (
            stop.cause is StopCause.TIMEOUT
        ):
            if _passed(world, stop.at, definition.grace, now):
                reason = f"it did not stop within its grace of {_seconds(definition.grace)}"
                yield ev.StepForced(ref=ref, reason=reason)
        case CleaningUp(entered=entered, force=None):
            if _passed(world, entered, definition.cleanup_timeout, now):
                limit = _seconds(definition.cleanup_timeout)
                reason = f"its cleanup took longer than cleanup_timeout: {limit}"
                yield ev.StepForced(ref=ref, reason=reason)


def _retry_due(world: World, job: Job, step: Step, now: Instant) -> Iterator[ev.AnyEvent]:
    match step.phase:
        case BackingOff(since=since, seconds=seconds, due=False):
            if _passed(world, since, seconds, now):
                ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
                yield ev.StepRetryDue(ref=ref)


def _passed(world: World, start: Instant, limit: float | None, now: Instant) -> bool:
    return limit is not None and now.boot >= after(start, limit, world.epoch)


def _seconds(limit: float | None) -> str:
    return written(limit or 0.0)
