"""The stop ladder: ask, and where an admin says so after the cool-off, force."""

from collections.abc import Iterator

from orchestrator.core import events as ev
from orchestrator.core.endings import after_end
from orchestrator.core.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Force,
    Job,
    StepRef,
    Stop,
)
from orchestrator.core.words import JobConclusion
from orchestrator.core.world import World


def end_queued(world: World, job: Job, stop: Stop) -> Iterator[ev.AnyEvent]:
    """End a job that has not begun."""
    conclusion = JobConclusion.CANCELLED
    yield ev.JobEnded(job=job.id, conclusion=conclusion, reason=stop.reason, stop=stop)
    yield from after_end(world.environment(job.environment), job, False, conclusion)


def stop_running(job: Job, stop: Stop) -> Iterator[ev.AnyEvent]:
    """Ask a running job, and each of its steps that is at work, to stop."""
    yield ev.JobStopRequested(job=job.id, stop=stop)
    for step in job.steps:
        match step.phase:
            case Acquiring(stop=None) | Applying() | CleaningUp(stop=None) | BackingOff(stop=None):
                ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
                yield ev.StepStopRequested(ref=ref, stop=stop)


def force_steps(job: Job, force: Force) -> Iterator[ev.AnyEvent]:
    """End by force each step that is still at work."""
    for step in job.steps:
        match step.phase:
            case Acquiring(force=None) | Cancelling(force=None) | CleaningUp(force=None):
                ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
                yield ev.StepForced(ref=ref, by=force.by, reason=force.reason)
