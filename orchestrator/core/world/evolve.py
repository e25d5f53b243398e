"""The next state, given what happened. Total: whatever was journalled must replay."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Drain,
    Environment,
    Force,
    Job,
    JobCancelling,
    JobFinished,
    JobPreparing,
    JobQueued,
    JobRunning,
    Step,
)
from orchestrator.core.world.evolve_environment import (
    EnvironmentEvent,
    environment_after,
    left_by,
)
from orchestrator.core.world.evolve_step import StepEvent, step_after
from orchestrator.core.world.evolve_unknown import UnknownEvent, unknown_after
from orchestrator.core.world.transaction import InForce
from orchestrator.core.world.world import World


def evolve(world: World, stamped: ev.Stamped) -> None:
    """Apply one line of the journal to the world. What has left the world changes no more."""
    event, at = stamped.event, stamped.at
    if isinstance(event, StepEvent):
        if event.ref.job in world.jobs:
            job = world.jobs[event.ref.job]
            world.put_step(job, step_after(world.step(job, event.ref.step), event, at))
    elif isinstance(event, JobEvent):
        if event.job in world.jobs:
            job = world.jobs[event.job]
            _evolve_job(world, job, event, at)
            _drop_if_empty(world, job.environment)
    elif isinstance(event, EnvironmentEvent | UnknownEvent):
        world.put_environment(_environment_after(world, event, stamped))
        _drop_if_empty(world, event.environment)
    else:
        _evolve_daemon(world, event, stamped)


DaemonEvent = (
    ev.ConfigAccepted
    | ev.DefinitionRecorded
    | ev.DrainStarted
    | ev.DrainEnded
    | ev.DaemonStarted
    | ev.JobSubmitted
)


def _evolve_daemon(world: World, event: DaemonEvent, stamped: ev.Stamped) -> None:
    """What concerns the daemon as a whole, or makes a job."""
    at = stamped.at
    match event:
        case ev.ConfigAccepted():
            world.put_configuration(InForce(event.digest, event.configuration, at.utc))
            _retire_or_revive(world)
        case ev.DefinitionRecorded():
            world.put_definition(event.digest, event.definition)
        case ev.DrainStarted():
            world.put_drain(Drain(since=at, by=stamped.by, reason=event.reason))
        case ev.DrainEnded():
            world.put_drain(None)
        case ev.DaemonStarted():
            world.put_seed(event.seed)
            world.put_numbers_from(event.numbers_from)
        case ev.JobSubmitted():
            world.put_job(_submitted(world, event, at))
        case _:
            assert_never(event)


def _environment_after(
    world: World, event: EnvironmentEvent | UnknownEvent, stamped: ev.Stamped
) -> Environment:
    environment = world.environment(event.environment)
    if isinstance(event, UnknownEvent):
        configured = world.configuration.environments if world.configuration else {}
        after = unknown_after(environment, event, stamped.at)
        # A directory may name an environment that was taken out since: then this is the first that
        # the world hears of it, and nothing else would ever drop it.
        return replace(after, retired=event.environment not in configured)
    return environment_after(environment, event, stamped.at, stamped.by)


def _submitted(world: World, event: ev.JobSubmitted, at: Instant) -> Job:
    steps = world.definitions[event.definition].pipeline.steps if event.prepares else ()
    return Job(
        id=event.job,
        pipeline=event.pipeline,
        environment=event.environment,
        kind=event.kind,
        definition=event.definition,
        submitter=event.submitter,
        submitted=at,
        rank=event.rank,
        phase=JobPreparing(since=at) if event.prepares else JobQueued(since=at),
        steps=tuple(Step(name=step.name) for step in steps),
        params=event.params,
        priority=event.priority,
        labels=event.labels,
        url=event.url,
        reason=event.reason,
        key=event.key,
        request=event.request,
        retry_of=event.retry_of,
        cleanup_for=event.cleanup_for,
        admin_retry=event.admin_retry,
        cancel_on_disconnect=event.cancel_on_disconnect,
        secrets=event.secrets,
        secret_digests=event.secret_digests,
        pays=event.pays,
        token=event.token,
    )


JobEvent = (
    ev.ApprovalRequested
    | ev.JobApproved
    | ev.JobReady
    | ev.JobWaitedLong
    | ev.JobAdmitted
    | ev.JobStopRequested
    | ev.JobForceRequested
    | ev.JobForced
    | ev.JobEnded
    | ev.ClientLost
    | ev.ClientReturned
)


def _evolve_job(world: World, job: Job, event: JobEvent, at: Instant) -> None:
    phase = job.phase
    match event, phase:
        case ev.ApprovalRequested(), JobPreparing() | JobQueued():  # what it was to pay is paid
            world.put_job(replace(job, phase=JobPreparing(since=phase.since, approval=at)))
        case ev.JobApproved(approval=approval), _:
            world.put_job(replace(job, approvals=(*job.approvals, approval)))
        case ev.JobReady(), JobPreparing():
            world.put_job(replace(job, phase=JobQueued(since=at)))
        case ev.JobWaitedLong(), _:
            world.put_job(replace(job, waited_long=True))
        case ev.JobAdmitted(run=run), _:
            fresh = (Step(name=name) for name in world.step_definitions(job))
            steps = job.steps or tuple(fresh)
            world.put_job(replace(job, phase=JobRunning(run=run), steps=steps))
        case ev.JobStopRequested(stop=stop), JobPreparing() | JobQueued() | JobRunning():
            stopping = JobCancelling(run=job.run, stop=stop, after_steps=event.after_steps)
            world.put_job(replace(job, phase=stopping))
        case ev.JobForceRequested(), JobCancelling():
            force = Force(at=at, by=event.by, reason=event.reason, of_handlers=event.of_handlers)
            world.put_job(replace(job, phase=replace(phase, force=force)))
        case ev.JobForced(), JobCancelling(force=force):
            fired = replace(force or Force(at=at), fired=True)
            world.put_job(replace(job, phase=replace(phase, force=fired)))
        case ev.JobEnded(), _:
            _end_job(world, job, event, at)
        case ev.ClientLost(), _:
            world.put_job(replace(job, disconnected=at))
        case ev.ClientReturned(), _:
            world.put_job(replace(job, disconnected=None))


def _end_job(world: World, job: Job, event: ev.JobEnded, at: Instant) -> None:
    phase = JobFinished(
        ended=at,
        conclusion=event.conclusion,
        run=job.run,
        stop=event.stop or job.stop,
        force=job.phase.force if isinstance(job.phase, JobCancelling) else None,
        dirty=event.dirty,
        halted_by=event.halted_by,
        reason=event.reason,
    )
    world.put_job(replace(job, phase=phase))
    environment = world.environment(job.environment)
    after = left_by(environment, job, event)
    if after != environment:
        world.put_environment(after)


def _retire_or_revive(world: World) -> None:
    configured = world.configuration.environments if world.configuration else {}
    used = {*world.environments, *(job.environment for job in world.jobs.values())}
    for name in sorted(used):
        environment = world.environment(name)
        retired = name not in configured
        if environment.retired != retired:
            world.put_environment(replace(environment, retired=retired))
            _drop_if_empty(world, name)


def _drop_if_empty(world: World, name: str) -> None:
    """A retired environment goes with its last job, debt, quarantine and unknown run."""
    environment = world.environments.get(name)
    if environment is None or not environment.retired:
        return
    at_work = world.running.get(name) or world.preparing.get(name)
    waits_or_runs = at_work or name in world.queues.environments
    kept = environment.debts or environment.quarantine or environment.unknown
    if not (kept or waits_or_runs):
        world.drop_environment(name)
