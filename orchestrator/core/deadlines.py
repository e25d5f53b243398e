"""When a job wants to be looked at again although nothing happens."""

from collections.abc import Iterable
from typing import TypeAlias

from orchestrator.core.definition import PipelineDefinition, StepDefinition
from orchestrator.core.instant import Instant, milliseconds
from orchestrator.core.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Force,
    Job,
    JobCancelling,
    JobFinished,
    JobQueued,
    JobRunning,
    Step,
    Stop,
)
from orchestrator.core.words import StopCause

RECONNECT = 15.0
"""Seconds that a client may be gone before `--on-disconnect cancel` cancels its job."""


StepsAtWork: TypeAlias = Iterable[tuple[Step, StepDefinition]]
"""The steps of a job whose adapters are at work, or that wait for their next attempt."""


def next_deadline(
    job: Job, pipeline: PipelineDefinition, steps: StepsAtWork, epoch: Instant
) -> int | None:
    """The earliest deadline of a job, in milliseconds of the epoch's boot-time clock."""
    return min(_deadlines(job, pipeline, steps, epoch), default=None)


def _deadlines(
    job: Job, pipeline: PipelineDefinition, steps: StepsAtWork, epoch: Instant
) -> list[int]:
    found: list[int] = []
    if job.disconnected is not None and job.stop is None:
        found.append(after(job.disconnected, RECONNECT, epoch))
    match job.phase:
        case JobQueued() | JobFinished():
            return found
        case JobRunning(run=run):
            if pipeline.timeout is not None:
                found.append(after(run.started, pipeline.timeout, epoch))
        case JobCancelling(stop=stop, force=force):
            found.extend(_force_deadline(stop, force, pipeline, epoch))
    for step, definition in steps:
        found.extend(_step_deadlines(step, definition, epoch))
    return found


def _step_deadlines(step: Step, definition: StepDefinition, epoch: Instant) -> list[int]:
    match step.phase:
        case Acquiring(began=began, stop=None) | Applying(began=began):
            if definition.timeout is not None:
                return [after(began, definition.timeout, epoch)]
        case Acquiring(stop=Stop() as stop, force=None) | Cancelling(stop=stop, force=None) if (
            stop.cause is StopCause.TIMEOUT
        ):
            if definition.grace is not None:
                return [after(stop.at, definition.grace, epoch)]
        case BackingOff(since=since, seconds=seconds, due=False):
            return [after(since, seconds, epoch)]
        case CleaningUp(entered=entered, force=None):
            return [after(entered, definition.cleanup_timeout, epoch)]
    return []


def _force_deadline(
    stop: Stop,
    force: Force | None,
    pipeline: PipelineDefinition,
    epoch: Instant,
) -> list[int]:
    if force is None or force.fired:
        return []
    return [after(stop.at, pipeline.force_after, epoch)]


def after(start: Instant, seconds: float, epoch: Instant) -> int:
    """`seconds` after `start`, in milliseconds of the epoch's boot-time clock."""
    if start.boot_id == epoch.boot_id:
        return start.boot + milliseconds(seconds)
    return epoch.boot + max(0, milliseconds(seconds) - epoch.since(start))
