"""What people ask for: each request is answered with events, or refused with a Rejection."""

from collections.abc import Iterator, Mapping

from orchestrator.core import commands as cmd
from orchestrator.core import events as ev
from orchestrator.core.admission import is_running
from orchestrator.core.debts import cleanup_params
from orchestrator.core.definition import (
    Configuration,
    EnvironmentDefinition,
    JobDefinition,
    PipelineDefinition,
)
from orchestrator.core.digest import digest
from orchestrator.core.instant import Instant
from orchestrator.core.model import Debt, Environment, Job, JobCancelling, JobQueued, Stop
from orchestrator.core.parameters import ParameterProblem, accept
from orchestrator.core.permissions import demand, demand_force, demand_own_stop, demand_stop
from orchestrator.core.references import JobFacts, ReferenceProblem
from orchestrator.core.rejections import (
    CleanupAtWork,
    EnvironmentRetired,
    InvalidParameters,
    KeyReused,
    MissingReason,
    NotDraining,
    NothingOwed,
    NothingToRecheck,
    NotInEnvironment,
    NotQuarantined,
    RecheckAtWork,
    UnknownEnvironment,
    UnknownJob,
    UnknownPipeline,
)
from orchestrator.core.stopping import end_queued, stop_running
from orchestrator.core.words import JobConclusion, Role, StopCause
from orchestrator.core.world import World

PRIORITY_IS_WORTH = 3_600_000
"""Milliseconds of seniority that one point of priority gives. Counting priority as seniority keeps
the order of a queue fixed and lets nobody be overtaken for ever."""


def submit(world: World, request: cmd.Submit, now: Instant) -> Iterator[ev.AnyEvent]:
    """Accept a job. A repeat of a key that an open job has is answered with no event."""
    configuration = configured(world)
    environment = environment_named(world, request.environment)
    pipeline = pipeline_named(configuration, request.pipeline)
    doing = f"submitting {pipeline.name} in {environment.name}"
    demand(request.caller, Role.SUBMITTER, doing, configuration, environment, pipeline)
    if _is_repeat(world, request):
        return
    definition = job_definition(configuration, pipeline, environment)
    if request.cancel_on_disconnect:
        demand_own_stop(request.caller, world.next_job, definition, configuration)
    yield from _accept(world, request, definition, now)


def _is_repeat(world: World, request: cmd.Submit | cmd.Retry) -> bool:
    """Whether an open job has this key. Raises KeyReused if it came with another request."""
    if request.key is None:
        return False
    known = world.keys.get((request.caller.uid, request.key))
    if known is None:
        return False
    demand_same_request(world.jobs[known], request.key, request.request)
    return True


def demand_same_request(job: Job, key: str, request: str) -> None:
    """Raise KeyReused if the job that has this key was another request."""
    if job.request != request:
        raise KeyReused(key, job.id)


def _accept(
    world: World, request: cmd.Submit, definition: JobDefinition, now: Instant
) -> Iterator[ev.AnyEvent]:
    pipeline = definition.pipeline
    params = _params(definition, request.params, world.next_job, request.caller.user)
    name = digest(definition)
    yield ev.DefinitionRecorded(digest=name, definition=definition)
    yield ev.JobSubmitted(
        job=world.next_job,
        pipeline=pipeline.name,
        environment=request.environment,
        kind=pipeline.kind,
        definition=name,
        submitter=request.caller.actor,
        rank=now.utc - request.priority * PRIORITY_IS_WORTH,
        params=params,
        priority=request.priority,
        labels=request.labels,
        url=request.url,
        reason=request.reason,
        key=request.key,
        request=request.request,
        cancel_on_disconnect=request.cancel_on_disconnect,
    )


def retry(world: World, request: cmd.Retry, now: Instant) -> Iterator[ev.AnyEvent]:
    """Queue the like of a finished job. An admin's retry may act in a quarantine."""
    configuration = configured(world)
    environment = environment_named(world, request.environment)
    definition = request.definition
    if request.latest:
        pipeline = pipeline_named(configuration, request.pipeline)
        definition = job_definition(configuration, pipeline, environment)
    doing = f"retrying job {request.job}"
    state = world.environment(request.environment)
    quarantined = state.quarantine is not None
    role = Role.ADMIN if quarantined else Role.SUBMITTER
    if quarantined:
        doing += f" in {request.environment}, which is under quarantine,"
    demand(request.caller, role, doing, configuration, environment, definition.pipeline)
    if _is_repeat(world, request):
        return
    name = digest(definition)
    yield ev.DefinitionRecorded(digest=name, definition=definition)
    yield ev.JobSubmitted(
        job=world.next_job,
        pipeline=definition.pipeline.name,
        environment=request.environment,
        kind=definition.pipeline.kind,
        definition=name,
        submitter=request.caller.actor,
        rank=now.utc,
        params=_params(definition, request.params, world.next_job, request.caller.user),
        reason=request.reason,
        key=request.key,
        request=request.request,
        retry_of=request.job,
        admin_retry=quarantined,
    )


def cancel(world: World, request: cmd.Cancel, now: Instant) -> Iterator[ev.AnyEvent]:
    """Ask a job to stop, or arm the force. Asking twice changes nothing."""
    job = world.jobs.get(request.job)
    if job is None:
        raise UnknownJob(request.job)
    allow = demand_force if request.force else demand_stop
    allow(request.caller, job, world.definition(job), world.configuration)
    actor = request.caller.actor
    stop = Stop(cause=StopCause.CANCEL, at=now, by=actor, reason=request.reason)
    if isinstance(job.phase, JobQueued):
        yield from end_queued(world, job, stop)
        return
    if not isinstance(job.phase, JobCancelling):
        yield from stop_running(job, stop)
    if request.force and not _is_forced(job):
        yield ev.JobForceRequested(job=job.id, by=actor, reason=request.reason)


def _is_forced(job: Job) -> bool:
    """Whether a force waits for its cool-off, or has reached every step that is at work."""
    if not isinstance(job.phase, JobCancelling) or job.phase.force is None:
        return False
    if not job.phase.force.fired:
        return True
    return all(step.forced for step in job.steps if step.active)


def waive(world: World, request: cmd.Waive) -> Iterator[ev.AnyEvent]:
    """Let the due debts and the quarantine of an environment go."""
    environment = _known_environment(world, request.environment)
    doing = f"waiving what {environment.name} owes"
    demand(request.caller, Role.ADMIN, doing, world.configuration, *_defined(world, environment))
    if not request.reason.strip():
        raise MissingReason("waive")
    owed = [debt for debt in environment.debts if debt.conclusion is not None]
    if not owed and environment.quarantine is None:
        raise NothingOwed(environment.name)
    for running in world.running_jobs(environment.name):
        if running.run is not None and running.run.pays:
            raise CleanupAtWork(environment.name, running.id)
    for debt in owed:
        yield ev.DebtWaived(environment=environment.name, job=debt.job, reason=request.reason)
    if environment.quarantine is not None:
        yield ev.QuarantineLifted(environment=environment.name, reason=f"waived: {request.reason}")
    yield from _drop_waiting_cleanups(world, environment, owed)


def _drop_waiting_cleanups(
    world: World, environment: Environment, waived: list[Debt]
) -> Iterator[ev.AnyEvent]:
    for job in world.queue(environment.name):
        if job.cleanup_for in {debt.job for debt in waived}:
            conclusion = JobConclusion.CANCELLED
            yield ev.JobEnded(job=job.id, conclusion=conclusion, reason="its debt was waived")


def recheck(world: World, request: cmd.Recheck) -> Iterator[ev.AnyEvent]:
    """Have every finding of a quarantine looked at again."""
    environment = _known_environment(world, request.environment)
    doing = f"rechecking {environment.name}"
    demand(
        request.caller, Role.SUBMITTER, doing, world.configuration, *_defined(world, environment)
    )
    quarantine = environment.quarantine
    if quarantine is None:
        raise NotQuarantined(environment.name)
    if quarantine.rechecking:
        raise RecheckAtWork(environment.name)
    if not quarantine.findings:
        owed = next((debt.pipeline for debt in environment.debts), None)
        raise NothingToRecheck(environment.name, owed)
    yield ev.RecheckRequested(environment=environment.name, reason=request.reason)


def start_drain(world: World, request: cmd.StartDrain, now: Instant) -> Iterator[ev.AnyEvent]:
    """Admit nothing from now on; where asked, stop what runs, as far as its pipelines allow."""
    demand(request.caller, Role.ADMIN, "draining the daemon", world.configuration)
    if world.drain is None:
        yield ev.DrainStarted(reason=request.reason)
    if not request.cancel:
        return
    reason = request.reason or "the daemon is drained"
    stop = Stop(cause=StopCause.CANCEL, at=now, by=request.caller.actor, reason=reason)
    for job in list(world.jobs.values()):
        if is_running(job) and not isinstance(job.phase, JobCancelling):
            demand_stop(request.caller, job, world.definition(job), world.configuration)
            yield from stop_running(job, stop)


def end_drain(world: World, request: cmd.EndDrain) -> Iterator[ev.AnyEvent]:
    """Admit again."""
    demand(request.caller, Role.ADMIN, "resuming the daemon", world.configuration)
    if world.drain is None:
        raise NotDraining
    yield ev.DrainEnded()


def accept_configuration(world: World, request: cmd.AcceptConfiguration) -> Iterator[ev.AnyEvent]:
    """Put a configuration into force; at start (`caller` None) without asking anybody."""
    if request.caller is not None:
        doing = "reloading the configuration"
        demand(request.caller, Role.ADMIN, doing, world.configuration)
    if world.configuration != request.configuration:
        yield ev.ConfigAccepted(digest=request.digest, configuration=request.configuration)


def open_daemon(world: World, request: cmd.OpenDaemon) -> Iterator[ev.AnyEvent]:
    """A daemon is ready: clients that jobs depend on have to come back from now."""
    yield ev.DaemonStarted(version=request.version, pid=request.pid)
    for job in world.jobs.values():
        if job.cancel_on_disconnect and job.stop is None:
            yield ev.ClientLost(job=job.id)


def see_client(world: World, request: cmd.SeeClient) -> Iterator[ev.AnyEvent]:
    """Note that the client of a job came or went, if the job depends on it."""
    job = world.jobs.get(request.job)
    if job is None or not job.cancel_on_disconnect or job.stop is not None:
        return
    if request.present and job.disconnected is not None:
        yield ev.ClientReturned(job=job.id)
    if not request.present and job.disconnected is None:
        yield ev.ClientLost(job=job.id)


# --- looking things up ---------------------------------------------------------------------


def configured(world: World) -> Configuration:
    """The configuration in force."""
    if world.configuration is None:
        raise AssertionError("the daemon accepts a configuration before any request")
    return world.configuration


def pipeline_named(configuration: Configuration, name: str) -> PipelineDefinition:
    """The pipeline. Raises UnknownPipeline."""
    if name not in configuration.pipelines:
        raise UnknownPipeline(name, configuration.pipelines)
    return configuration.pipelines[name]


def environment_named(world: World, name: str) -> EnvironmentDefinition:
    """The configured environment. Raises UnknownEnvironment, EnvironmentRetired."""
    configuration = configured(world)
    if name in configuration.environments:
        return configuration.environments[name]
    if name in world.environments:
        raise EnvironmentRetired(name)
    raise UnknownEnvironment(name, configuration.environments)


def job_definition(
    configuration: Configuration,
    pipeline: PipelineDefinition,
    environment: EnvironmentDefinition,
) -> JobDefinition:
    """What a job of this pipeline keeps. Raises NotInEnvironment."""
    allowed = pipeline.environments
    if allowed is not None and environment.name not in allowed:
        raise NotInEnvironment(pipeline.name, environment.name, allowed)
    cleanup = pipeline.cleanup
    return JobDefinition(
        pipeline=pipeline,
        environment=environment,
        cleanup=configuration.pipelines[cleanup.pipeline] if cleanup is not None else None,
    )


def _params(
    definition: JobDefinition, given: Mapping[str, str], job: int, user: str
) -> dict[str, str]:
    pipeline = definition.pipeline
    facts = JobFacts(
        id=job, pipeline=pipeline.name, environment=definition.environment.name, submitter=user
    )
    try:
        params = accept(pipeline.params, given, pipeline.origin)
        cleanup_params(definition, facts, params)
    except (ParameterProblem, ReferenceProblem) as problem:
        raise InvalidParameters(str(problem)) from None
    return params


def _known_environment(world: World, name: str) -> Environment:
    if name not in world.environments:
        environment_named(world, name)
    return world.environment(name)


def _defined(world: World, environment: Environment) -> tuple[EnvironmentDefinition | None]:
    return (configured(world).environments.get(environment.name),)
