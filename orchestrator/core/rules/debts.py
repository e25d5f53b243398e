"""Which cleanup a job owes, and when it must be queued."""

from collections.abc import Iterator, Mapping

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Debt, Job, JobPreparing, JobQueued
from orchestrator.core.language.words import Section
from orchestrator.core.rules.payment import debts_paid_by, is_being_paid
from orchestrator.core.rules.seniority import rank
from orchestrator.core.rules.stopping import stop_needless
from orchestrator.core.rules.tokens import token
from orchestrator.core.steps.approval_rules import declared_rules
from orchestrator.core.values.parameter_values import as_their_types, typed
from orchestrator.core.values.parameters import accept
from orchestrator.core.values.references import JobFacts, Scope, resolve
from orchestrator.core.values.secret_parameters import hidden, of_cleanup
from orchestrator.core.world.world import World


def cleanup_params(
    definition: JobDefinition, facts: JobFacts, params: Mapping[str, str]
) -> dict[str, str]:
    """The parameters of the cleanup that a job would owe. Raises as `accept` and `resolve` do.

    They keep their types; single values become text where the cleanup takes text.
    """
    reference, cleanup = definition.pipeline.cleanup, definition.cleanup
    if reference is None or cleanup is None:
        return {}
    scope = Scope(
        job=facts,
        params=typed(definition.pipeline.params, params),
        vars=definition.environment.vars,
    )
    given = {name: resolve(value, scope) for name, value in reference.params.items()}
    texts = accept(cleanup.params, as_their_types(cleanup.params, given), cleanup.origin)
    return hidden(cleanup.params, texts)


def facts_of(job: Job) -> JobFacts:
    """What references may read of a job that has not ended."""
    return JobFacts(
        id=job.id,
        pipeline=job.pipeline,
        environment=job.environment,
        submitter=job.submitter.user,
    )


def prepares(definition: JobDefinition, *, cleanup: bool = False) -> bool:
    """Whether a job of this definition has anything to do before it queues. An owed cleanup needs
    no approval."""
    if any(step.section is Section.BEFORE for step in definition.pipeline.steps):
        return True
    return not cleanup and bool(declared_rules(definition))


def incur(world: World, job: Job, since: Instant) -> Iterator[ev.AnyEvent]:
    """The debt of a job that may touch its environment from now on, unless it has one or owes
    nothing. What was never admitted holds no environment, so it touches none."""
    definition = world.definition(job)
    cleanup = definition.cleanup
    if cleanup is None or job.run is None:
        return
    if world.environment(job.environment).debt_of(job.id) is not None:
        return
    owed = JobDefinition(pipeline=cleanup, environment=definition.environment)
    name, owed = world.digested(("owed", job.definition), owed)
    yield from record_definition(world, name, owed)
    debt = Debt(
        job=job.id,
        pipeline=cleanup.name,
        kind=cleanup.kind,
        params=cleanup_params(definition, facts_of(job), job.params),
        secrets=of_cleanup(definition.pipeline.cleanup, job.secrets),
        secret_digests=of_cleanup(definition.pipeline.cleanup, job.secret_digests),
        definition=name,
        submitter=job.submitter,
        since=since,
        excludes=tuple(sorted(world.excluded_by(cleanup.kind))),
    )
    yield ev.DebtIncurred(environment=job.environment, debt=debt)


def record_definition(world: World, name: str, definition: JobDefinition) -> Iterator[ev.AnyEvent]:
    """Journal a definition that jobs are going to refer to, unless it is known."""
    if name not in world.definitions:
        yield ev.DefinitionRecorded(digest=name, definition=definition)


def due_cleanup(world: World, environment: str, now: Instant) -> ev.JobSubmitted | None:
    """The owed cleanup that must be queued now: one that no open job is going to pay."""
    state = world.environment(environment)
    # After a step that was left dirty the owed cleanup starts by itself (decision 0003). After a
    # cleanup that failed none does: it would fail again and again, where somebody has to look.
    if state.quarantine is not None and not state.quarantine.automatic:
        return None
    for debt in state.debts:
        if debt.conclusion is not None and not is_being_paid(world, environment, debt):
            return _submission(world, environment, debt, now)
    return None


def needless_cleanup(world: World, environment: str, now: Instant) -> list[ev.AnyEvent]:
    """The end of an owed cleanup that waits or prepares although what it was for is paid."""
    for job in unpaying(world, environment):
        if not debts_paid_by(world, job):
            reason = f"what job {job.owed_by} owed is paid"
            return list(stop_needless(world, job, now, reason))
    return []


def unpaying(world: World, environment: str) -> Iterator[Job]:
    """The jobs of an environment that wait or prepare, and are there to pay a debt only: owed
    cleanups, and those of which an admin said so."""
    waiting = (world.jobs[id] for _, _, id in world.queues.repairs(environment))
    for job in (*waiting, *world.preparing_jobs(environment)):
        ready = isinstance(job.phase, JobPreparing | JobQueued) and not world.in_handlers(job)
        if job.owed_by is not None and ready:
            yield job


def _submission(world: World, environment: str, debt: Debt, now: Instant) -> ev.JobSubmitted:
    return ev.JobSubmitted(
        job=world.next_job,
        pipeline=debt.pipeline,
        environment=environment,
        kind=debt.kind,
        definition=debt.definition,
        submitter=debt.submitter,
        rank=rank(world, now),
        params=debt.params,
        secrets=debt.secrets,
        secret_digests=debt.secret_digests,
        reason=f"owed by job {debt.job}",
        cleanup_for=debt.job,
        token=token(world, now),
        prepares=prepares(world.definitions[debt.definition], cleanup=True),
    )
