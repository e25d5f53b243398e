"""Who may start now, and why not. The same function decides and explains."""

from collections.abc import Iterator
from itertools import islice

import msgspec

from orchestrator.core.instant import Instant
from orchestrator.core.model import Debt, Environment, Job, JobCancelling, JobRunning, Run
from orchestrator.core.words import BlockerType
from orchestrator.core.world import Holder, World, queue_entry


class Blocker(msgspec.Struct, frozen=True):
    """One thing that keeps a job from starting.

    `id` names the cause (a job's number, a lock's name, the environment), `text` says it in words,
    `lift` says who can change it and what to type, where anybody can.
    """

    type: BlockerType
    id: str
    text: str
    since: Instant | None = None
    lift: str | None = None


def blockers(world: World, job: Job) -> Iterator[Blocker]:
    """All that keeps a waiting job from starting, the weightiest first."""
    environment = world.environment(job.environment)
    paid = debts_paid_by(environment, job)
    yield from _quarantine(environment, job, paid)
    yield from _drain(world, job)
    if not paid:
        yield from _debts(world, environment, job)
    yield from _running(world, job)
    yield from _locks(world, job, paid)
    if not paid:
        yield from _order(world, job)
    yield from _capacity(world, job)


def debts_paid_by(environment: Environment, job: Job) -> tuple[Debt, ...]:
    """The debts that a run of this job would pay: those of jobs that have ended, with its
    pipeline and parameters."""
    return tuple(
        debt
        for debt in environment.debts
        if debt.conclusion is not None
        and debt.pipeline == job.pipeline
        and debt.params == job.params
    )


def candidates(world: World, environment: str) -> list[Job]:
    """The waiting jobs of an environment that could start next, in their order.

    Jobs of one kind and pipeline in one environment wait for the same things, so only the first
    of each can start, and any that pays a debt.
    """
    found: dict[int, Job] = {}
    queues = world.queues.get(environment, {})
    for queue in queues.values():
        if queue:
            found[queue[0][2]] = world.jobs[queue[0][2]]
    state = world.environments.get(environment)
    if state is not None:
        for debt in state.debts:
            for entry in queues.get((debt.kind, debt.pipeline), ()):
                if world.jobs[entry[2]].params == debt.params:
                    found[entry[2]] = world.jobs[entry[2]]
                    break
    return sorted(found.values(), key=queue_entry)


def admission(world: World, job: Job, now: Instant) -> Run:
    """What a job takes when it starts now."""
    paid = debts_paid_by(world.environment(job.environment), job)
    locks = (*locks_of(world, job), *(lock for debt in paid for lock in debt.locks))
    return Run(
        started=now,
        excludes=tuple(sorted(world.excluded_by(job.kind))),
        locks=tuple(dict.fromkeys(locks)),
        pays=tuple(debt.job for debt in paid),
    )


def locks_of(world: World, job: Job) -> tuple[str, ...]:
    """The locks of the job's environment, as configured now, else as it was submitted."""
    configuration = world.configuration
    if configuration is not None and job.environment in configuration.environments:
        return configuration.environments[job.environment].locks
    return world.definition(job).environment.locks


def exclude_each_other(world: World, kind: str, running: Job) -> bool:
    """Whether a job of `kind` may not run beside this one, by the relation then or now."""
    then = running.run.excludes if running.run is not None else ()
    return kind in then or running.kind in world.excluded_by(kind)


def slots_free(world: World, job: Job) -> bool:
    """Whether a tool of this job may begin to work on this host. An owed cleanup has one slot in
    reserve."""
    capacity = world.configuration.capacity if world.configuration is not None else 1
    reserve = 1 if job.cleanup_for is not None else 0
    return world.slots_in_use < capacity + reserve


def place(world: World, job: Job) -> int:
    """The job's place in its environment's queue, from 1."""
    mine = queue_entry(job)
    ahead = sum(queue.bisect_left(mine) for queue in world.queues.get(job.environment, {}).values())
    return 1 + int(ahead)


def _quarantine(environment: Environment, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    quarantine = environment.quarantine
    if quarantine is None or job.admin_retry:
        return
    if paid and (job.cleanup_for is None or quarantine.automatic):
        return
    name = environment.name
    yield Blocker(
        type=BlockerType.QUARANTINE,
        id=name,
        text=f"{name} is under quarantine since job {quarantine.job}: {quarantine.reason}",
        since=quarantine.since,
        lift=f"look: orchestrator environment {name}; then: orchestrator recheck {name}, "
        f"or an admin: orchestrator waive {name} --reason …",
    )


def _drain(world: World, job: Job) -> Iterator[Blocker]:
    drain = world.drain
    if drain is None or job.cleanup_for is not None:
        return
    who = f" by {drain.by.user}" if drain.by else ""
    why = f', "{drain.reason}"' if drain.reason else ""
    yield Blocker(
        type=BlockerType.DRAIN,
        id="daemon",
        text=f"the daemon is drained{who}{why}: it starts no new jobs",
        since=drain.since,
        lift="an admin: orchestrator resume",
    )


def _debts(world: World, environment: Environment, job: Job) -> Iterator[Blocker]:
    for debt in environment.debts:
        if job.kind in world.excluded_by(debt.kind):
            yield Blocker(
                type=BlockerType.CLEANUP_DEBT,
                id=str(debt.job),
                text=f"cleanup owed by job {debt.job}: {_paying(world, environment, debt)}",
                since=debt.since,
                lift=f"an admin: orchestrator waive {environment.name} --reason …"
                if debt.conclusion is not None
                else None,
            )


def _paying(world: World, environment: Environment, debt: Debt) -> str:
    if debt.conclusion is None:
        return f"{debt.pipeline} follows when job {debt.job} has ended"
    for running in world.running_jobs(environment.name):
        if running.run is not None and debt.job in running.run.pays:
            return f"{debt.pipeline} runs as job {running.id}"
    for entry in world.queues.get(environment.name, {}).get((debt.kind, debt.pipeline), ()):
        if world.jobs[entry[2]].params == debt.params:
            return f"{debt.pipeline} waits as job {entry[2]}"
    return f"{debt.pipeline} must be run: orchestrator submit {debt.pipeline} {environment.name}"


def _running(world: World, job: Job) -> Iterator[Blocker]:
    for running in world.running_jobs(job.environment):
        if exclude_each_other(world, job.kind, running):
            stopping = isinstance(running.phase, JobCancelling)
            yield Blocker(
                type=BlockerType.JOB,
                id=str(running.id),
                text=f"job {running.id} ({running.pipeline}) "
                f"{'is being cancelled' if stopping else 'runs'}, and {running.kind} excludes "
                f"{job.kind}",
                since=running.run.started if running.run else None,
            )


def _locks(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    mine = {Holder(job=debt.job, debt=True) for debt in paid}
    for lock in locks_of(world, job):
        for holder in sorted(world.lock_holders.get(lock, set()) - mine, key=lambda one: one.job):
            what = f"the cleanup owed by job {holder.job}" if holder.debt else f"job {holder.job}"
            running = world.jobs.get(holder.job)
            where = f" in {running.environment}" if running is not None else ""
            yield Blocker(
                type=BlockerType.LOCK,
                id=lock,
                text=f"lock {lock} is held by {what}{where}",
                since=running.run.started if running is not None and running.run else None,
            )


def _order(world: World, job: Job) -> Iterator[Blocker]:
    mine = queue_entry(job)
    excluded = world.excluded_by(job.kind)
    ahead = [
        queue[0]
        for (kind, _), queue in world.queues.get(job.environment, {}).items()
        if queue and queue[0] < mine and kind in excluded
    ]
    for entry in islice(sorted(ahead), 1):
        first = world.jobs[entry[2]]
        yield Blocker(
            type=BlockerType.ORDER,
            id=str(first.id),
            text=f"order: job {first.id} ({first.pipeline}) goes first",
            since=first.submitted,
        )


def _capacity(world: World, job: Job) -> Iterator[Blocker]:
    first = next(iter(world.step_definitions(job).values()), None)
    if first is None or not first.takes_slot or slots_free(world, job):
        return
    capacity = world.configuration.capacity if world.configuration is not None else 1
    yield Blocker(
        type=BlockerType.CAPACITY,
        id="host",
        text=f"{world.slots_in_use} tools are at work on this host, and capacity is {capacity}",
    )


def is_running(job: Job) -> bool:
    """Whether the job has been admitted and has not ended."""
    return isinstance(job.phase, JobRunning | JobCancelling)
