"""When a job wants to be looked at again although nothing happens."""

from collections.abc import Iterable
from typing import TypeAlias

from orchestrator.core.language.definition import (
    ApprovalRule,
    JobDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.instant import Instant, milliseconds
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Force,
    Job,
    JobCancelling,
    JobPreparing,
    JobQueued,
    JobRunning,
    Quarantine,
    Run,
    Step,
    Stop,
)
from orchestrator.core.language.words import StopCause
from orchestrator.core.steps.approval_rules import open_rules

RECONNECT = 15.0
"""Seconds that a client may be gone before `--on-disconnect cancel` cancels its job."""


StepsAtWork: TypeAlias = Iterable[tuple[Step, StepDefinition]]
"""The steps of a job whose adapters are at work, or that wait for their next attempt."""


def next_deadline(
    job: Job, definition: JobDefinition, steps: StepsAtWork, epoch: Instant, in_handlers: bool
) -> int | None:
    """The earliest deadline of a job, in milliseconds of the epoch's boot-time clock."""
    limits = (*_of_job(job, definition, in_handlers), *_of_client(job))
    found = [after(since, seconds, epoch) for since, seconds in limits]
    if isinstance(job.phase, JobCancelling):
        force = _force_deadline(job.phase.stop, job.phase.force, definition.pipeline, epoch)
        found.extend(force)
    for step, one in steps:
        found.extend(_step_deadlines(step, one, epoch))
    return min(found, default=None)


def recheck_deadline(quarantine: Quarantine | None, epoch: Instant) -> int | None:
    """When a recheck that is at work has taken longer than the slowest of its looks may."""
    if quarantine is None or quarantine.look is None or quarantine.look.forced:
        return None
    started, limit = quarantine.look.started, recheck_limit(quarantine)
    return None if started is None or limit is None else after(started, limit, epoch)


def recheck_limit(quarantine: Quarantine) -> float | None:
    """Seconds that a recheck may take; its looks go on side by side."""
    limits = [finding.cleanup_timeout for finding in quarantine.lookable]
    return max((limit for limit in limits if limit is not None), default=None)


Limit: TypeAlias = tuple[Instant, float]
"""Since when something lasts, and for how many seconds it may."""


def limit_of_phase(job: Job, definition: JobDefinition, in_handlers: bool) -> Limit | None:
    """How long a job may stay in the phase that it is in. Its handlers have no limit but their
    own."""
    if in_handlers:
        return None
    since, seconds = job.submitted, None
    match job.phase:
        case JobPreparing(since=since, approval=None) | JobRunning(run=Run(started=since)):
            seconds = definition.pipeline.timeout
        case JobPreparing(approval=Instant() as since):
            seconds = expiry(open_rules(job, definition).values())
        case JobQueued(since=since) if job.cleanup_for is None and not job.waited_long:
            seconds = definition.pipeline.max_wait
    return None if seconds is None else (since, seconds)


def expiry(rules: Iterable[ApprovalRule]) -> float | None:
    """When the first of some rules can no longer be satisfied, in seconds; None: never."""
    return min((rule.expires for rule in rules if rule.expires is not None), default=None)


def _of_job(job: Job, definition: JobDefinition, in_handlers: bool) -> list[Limit]:
    limit = limit_of_phase(job, definition, in_handlers)
    return [] if limit is None else [limit]


def _of_client(job: Job) -> list[Limit]:
    if job.disconnected is None or job.stop is not None:
        return []
    return [(job.disconnected, RECONNECT)]


def _step_deadlines(step: Step, definition: StepDefinition, epoch: Instant) -> list[int]:
    asked = step.open_question
    own = _phase_deadlines(step, definition, epoch)
    if asked is None or asked.rule.expires is None:
        return own
    return [*own, after(asked.asked, asked.rule.expires, epoch)]


def _phase_deadlines(step: Step, definition: StepDefinition, epoch: Instant) -> list[int]:
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
