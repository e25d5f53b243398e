"""Jobs that people submit and retry: accepted with a definition of their own, or refused."""

from collections.abc import Iterator

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    JobDefinition,
    PipelineDefinition,
)
from orchestrator.core.language.digest import digest
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Job
from orchestrator.core.language.rejections import (
    InvalidParameters,
    KeyReused,
    NotInEnvironment,
    NotOwed,
)
from orchestrator.core.language.words import Role
from orchestrator.core.rules.debts import cleanup_params, prepares, record_definition
from orchestrator.core.rules.lookups import configured, environment_named, pipeline_named
from orchestrator.core.rules.permissions import demand, demand_own_stop
from orchestrator.core.rules.seniority import rank
from orchestrator.core.rules.tokens import token
from orchestrator.core.values.parameters import ParameterProblem, ParametersWrong, accept
from orchestrator.core.values.references import JobFacts, ReferenceProblem
from orchestrator.core.values.secret_parameters import demand_secret, given_openly, hidden
from orchestrator.core.world.queues import likeness
from orchestrator.core.world.world import World


def submit(world: World, request: cmd.Submit, now: Instant) -> Iterator[ev.AnyEvent]:
    """Accept a job. A repeat of a key that an open job has is answered with no event."""
    configuration = configured(world)
    environment = environment_named(world, request.environment)
    pipeline = pipeline_named(configuration, request.pipeline)
    doing = f"submitting {pipeline.name} in {environment.name}"
    demand(request.caller, Role.SUBMITTER, doing, configuration, environment, pipeline)
    if _is_repeat(world, request):
        return
    name, definition = todays_definition(world, pipeline, environment)
    if request.cancel_on_disconnect:
        demand_own_stop(request.caller, definition, configuration)
    params = _params(definition, request, world.next_job)
    if request.pays is not None:
        _demand_debt(world, request, request.pays, pipeline, environment)
    yield from record_definition(world, name, definition)
    yield ev.JobSubmitted(
        job=world.next_job,
        pipeline=pipeline.name,
        environment=request.environment,
        kind=pipeline.kind,
        definition=name,
        submitter=request.caller.actor,
        rank=rank(world, now, request.priority),
        params=params,
        secrets=request.secrets,
        secret_digests=request.secret_digests,
        pays=request.pays,
        token=token(world, now),
        priority=request.priority,
        labels=request.labels,
        url=request.url,
        reason=request.reason,
        key=request.key,
        request=request.request,
        cancel_on_disconnect=request.cancel_on_disconnect,
        prepares=prepares(definition),
    )


def retry(world: World, request: cmd.Retry, now: Instant) -> Iterator[ev.AnyEvent]:
    """Queue the like of a finished job. An admin's retry may act in a quarantine."""
    configuration = configured(world)
    environment = environment_named(world, request.environment)
    name, definition = digest(request.definition), request.definition
    if request.latest:
        pipeline = pipeline_named(configuration, request.pipeline)
        name, definition = todays_definition(world, pipeline, environment)
    doing = f"retrying job {request.job}"
    quarantined = world.environment(request.environment).quarantine is not None
    role = Role.ADMIN if quarantined else Role.SUBMITTER
    if quarantined:
        doing += f" in {request.environment}, which is under quarantine,"
    demand(request.caller, role, doing, configuration, environment, definition.pipeline)
    if _is_repeat(world, request):
        return
    params = _params(definition, request, world.next_job)
    yield from record_definition(world, name, definition)
    submitted = ev.JobSubmitted(
        job=world.next_job,
        pipeline=definition.pipeline.name,
        environment=request.environment,
        kind=definition.pipeline.kind,
        definition=name,
        submitter=request.caller.actor,
        rank=rank(world, now, request.priority),
        params=params,
        secrets=request.secrets,
        secret_digests=request.secret_digests,
        pays=request.pays if quarantined else None,
        token=token(world, now),
        priority=request.priority,
        labels=request.labels,
        url=request.url,
        reason=request.reason,
        key=request.key,
        request=request.request,
        retry_of=request.job,
        admin_retry=quarantined,
        prepares=prepares(definition),
    )
    yield _same_debt(world, request.environment, submitted)


def _demand_debt(
    world: World,
    request: cmd.Submit,
    job: int,
    pipeline: PipelineDefinition,
    environment: EnvironmentDefinition,
) -> None:
    """Raise unless an admin names a debt that a run of this pipeline can pay."""
    doing = f"saying that a run pays what job {job} owes"
    demand(request.caller, Role.ADMIN, doing, world.configuration, environment, pipeline)
    debt = world.environment(environment.name).debt_of(job)
    if debt is None:
        raise NotOwed(f"job {job} owes nothing in {environment.name}")
    if debt.conclusion is None:
        raise NotOwed(f"job {job} has not ended: what it owes can't be paid yet")
    if debt.pipeline != pipeline.name:
        raise NotOwed(f"job {job} owes {debt.pipeline}, which {pipeline.name} does not pay")


def _same_debt(world: World, environment: str, seen: ev.JobSubmitted) -> ev.JobSubmitted:
    """An admin's retry pays the debt that the first run was to pay. Where it is the owed run, it
    pays every debt that is the same, as that one did."""
    debt = world.environment(environment).debt_of(seen.pays) if seen.pays is not None else None
    if debt is None or (likeness(debt) == likeness(seen) and not world.reads_debt(debt.definition)):
        return replace(seen, pays=None)
    return seen


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


def todays_definition(
    world: World, pipeline: PipelineDefinition, environment: EnvironmentDefinition
) -> tuple[str, JobDefinition]:
    """What a job of this pipeline keeps, and its digest. Raises NotInEnvironment."""
    definition = job_definition(configured(world), pipeline, environment)
    return world.digested(("today", pipeline.name, environment.name), definition)


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


def _params(definition: JobDefinition, request: cmd.Submit | cmd.Retry, job: int) -> dict[str, str]:
    """The parameters as the job keeps them. Raises InvalidParameters."""
    pipeline = definition.pipeline
    facts = JobFacts(
        id=job,
        pipeline=pipeline.name,
        environment=definition.environment.name,
        submitter=request.caller.user,
    )
    try:
        demand_secret(pipeline.params, request.secrets, pipeline.origin)
        openly = given_openly(pipeline.params, request.params, request.secrets, pipeline.origin)
        params = accept(pipeline.params, request.params, pipeline.origin, found=openly)
        cleanup_params(definition, facts, params)
    except ParametersWrong as wrong:
        raise InvalidParameters(str(wrong), wrong.problems) from None
    except (ParameterProblem, ReferenceProblem) as problem:
        raise InvalidParameters(str(problem)) from None
    return hidden(pipeline.params, params)
