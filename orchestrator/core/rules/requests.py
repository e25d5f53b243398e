"""What people ask for: each request is answered with events, or refused with a Rejection."""

from collections.abc import Iterator
from typing import assert_never

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Job,
    JobCancelling,
    JobPreparing,
    JobRunning,
    Stop,
)
from orchestrator.core.language.rejections import (
    CleanupAtWork,
    MissingReason,
    NotDraining,
    NotDueYet,
    NothingOwed,
    RecheckAtWork,
    UnknownJob,
)
from orchestrator.core.language.words import Role, StopCause
from orchestrator.core.rules import approvals, rechecks, submissions
from orchestrator.core.rules.debts import unpaying
from orchestrator.core.rules.lookups import known_environment
from orchestrator.core.rules.permissions import (
    demand,
    demand_force,
    demand_in,
    demand_stop,
    may_stop,
)
from orchestrator.core.rules.stopping import stop_job, stop_needless
from orchestrator.core.rules.unknown import found, judge, lost
from orchestrator.core.world.world import World


def answer(world: World, request: cmd.Request, now: Instant) -> Iterator[ev.AnyEvent]:
    """The events that a request means. Raises a Rejection where it can't be."""
    match request:
        case cmd.Waive():
            return waive(world, request, now)
        case cmd.Recheck():
            return rechecks.recheck(world, request)
        case cmd.StopRecheck():
            return rechecks.stop_recheck(world, request, now)
        case cmd.StartDrain():
            return start_drain(world, request, now)
        case cmd.EndDrain():
            return end_drain(world, request)
        case cmd.JudgeUnknown():
            return judge(world, request, now)
        case cmd.AcceptConfiguration():
            return accept_configuration(world, request)
        case cmd.OpenDaemon():
            return open_daemon(world, request)
        case cmd.SeeClient():
            return see_client(world, request)
        case _:
            return _answer_of_job(world, request, now)


def _answer_of_job(world: World, request: cmd.JobRequest, now: Instant) -> Iterator[ev.AnyEvent]:
    match request:
        case cmd.Submit():
            return submissions.submit(world, request, now)
        case cmd.Retry():
            return submissions.retry(world, request, now)
        case cmd.Cancel():
            return cancel(world, request, now)
        case cmd.Approve():
            return approvals.approve(world, request, now)
        case cmd.Reject():
            return approvals.reject(world, request, now)
        case _:
            assert_never(request)


def cancel(world: World, request: cmd.Cancel, now: Instant) -> Iterator[ev.AnyEvent]:
    """Ask a job to stop, or arm the force. Asking twice changes nothing."""
    job = world.jobs.get(request.job)
    if job is None:
        raise UnknownJob(request.job)
    allow = demand_force if request.force else demand_stop
    allow(request.caller, job, world.definition(job), world.configuration)
    actor = request.caller.actor
    stop = Stop(cause=StopCause.CANCEL, at=now, by=actor, reason=request.reason)
    if not isinstance(job.phase, JobCancelling):
        yield from stop_job(world, job, stop)
    if request.force and job.steps and not _is_forced(world, job):
        yield ev.JobForceRequested(
            job=job.id, by=actor, reason=request.reason, of_handlers=world.in_handlers(job)
        )


def _is_forced(world: World, job: Job) -> bool:
    """Whether a force waits for its cool-off, or has reached every step that is at work."""
    if not isinstance(job.phase, JobCancelling) or job.phase.force is None:
        return False
    if world.in_handlers(job) and not job.phase.force.of_handlers:
        return False
    if not job.phase.force.fired:
        return True
    return all(step.forced for step in job.steps if step.active)


def waive(world: World, request: cmd.Waive, now: Instant) -> Iterator[ev.AnyEvent]:
    """Let the due debts and the quarantine of an environment go."""
    environment = known_environment(world, request.environment)
    doing = f"waiving what {environment.name} owes"
    demand_in(request.caller, Role.ADMIN, doing, world.configuration, environment.name)
    if not request.reason.strip():
        raise MissingReason("waive")
    owed = [debt for debt in environment.debts if debt.conclusion is not None]
    if not owed and environment.quarantine is None:
        if environment.debts:
            raise NotDueYet(environment.name, environment.debts[0].job)
        raise NothingOwed(environment.name)
    for running in world.running_jobs(environment.name):
        if running.run is not None and running.run.pays:
            raise CleanupAtWork(environment.name, running.id)
    if environment.quarantine is not None and environment.quarantine.is_looked_at:
        # Let go now, it would work on beside whatever starts next.
        raise RecheckAtWork(
            environment.name, rechecks.id_of(environment.name, environment.quarantine)
        )
    for debt in owed:
        yield ev.DebtWaived(environment=environment.name, job=debt.job, reason=request.reason)
    if environment.quarantine is not None:
        yield ev.QuarantineLifted(environment=environment.name, reason=f"waived: {request.reason}")
    for job in unpaying(world, environment.name):
        if job.owed_by in {debt.job for debt in owed}:
            yield from stop_needless(world, job, now, "its debt was waived")


def start_drain(world: World, request: cmd.StartDrain, now: Instant) -> Iterator[ev.AnyEvent]:
    """Admit nothing from now on; where asked, stop what runs, as far as its pipelines allow.

    Owed cleanups go on: to stop one would leave its environment under quarantine.
    """
    demand(request.caller, Role.ADMIN, "draining the daemon", world.configuration)
    if world.drain is None:
        yield ev.DrainStarted(reason=request.reason)
    if not request.cancel:
        return
    reason = request.reason or "the daemon is drained"
    stop = Stop(cause=StopCause.CANCEL, at=now, by=request.caller.actor, reason=reason)
    for id in sorted(world.jobs):
        job = world.jobs[id]
        if (
            _is_at_work(world, job)
            and job.cleanup_for is None
            and may_stop(request.caller, job, world.definition(job), world.configuration)
        ):
            yield from stop_job(world, job, stop)


def _is_at_work(world: World, job: Job) -> bool:
    """Whether it runs, or works at what comes before that."""
    match job.phase:
        case JobRunning():
            return True
        case JobPreparing():
            return any(world.active_steps(job))
        case _:
            return False


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
    unknown = request.numbers_from > world.next_job
    yield ev.DaemonStarted(
        version=request.version,
        pid=request.pid,
        seed=request.seed,
        numbers_from=request.numbers_from if unknown else 1,
    )
    yield from found(world, request)
    forgotten = {ref.job for ref in request.ran}
    for id in sorted(forgotten):
        yield from lost(world, id, [ref for ref in request.ran if ref.job == id])
    for _, job in sorted(world.jobs.items()):
        if job.id not in forgotten and job.cancel_on_disconnect and job.stop is None:
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
