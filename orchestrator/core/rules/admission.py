"""Who may start now, and why not. The same function decides and explains."""

from collections.abc import Iterator

import msgspec

from orchestrator.core.language.durations import written
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Debt,
    Environment,
    Job,
    JobCancelling,
    JobPreparing,
    Quarantine,
    Run,
)
from orchestrator.core.language.suggested_commands import recheck_id, to_answer
from orchestrator.core.language.words import BlockerType
from orchestrator.core.rules.payment import (
    debts_paid_by,
    how_to_pay,
    payers,
    preparing_payer,
)
from orchestrator.core.steps.approval_rules import given, open_rules, rule_text
from orchestrator.core.world.deadlines import expiry
from orchestrator.core.world.queues import LAST, Holder, queue_entry
from orchestrator.core.world.world import World


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
    """All that keeps a waiting job from starting, the weightiest first.

    What a job will wait for that still prepares is not known before it is ready.
    """
    if isinstance(job.phase, JobPreparing):
        if job.cleanup_for is None and not world.in_handlers(job):
            yield from _drain(world)
        yield from _approvals(world, job, job.phase.approval)
        return
    environment = world.environment(job.environment)
    paid = debts_paid_by(world, job)
    yield from unknown_blockers(environment)
    yield from _quarantine(world, job, paid)
    if not paid:
        yield from _drain(world)
        yield from _debts(world, environment, job)
    yield from _recheck(environment)
    yield from _running(world, job, paid)
    yield from _locks(world, job, paid)
    if not paid:
        yield from _order(world, job)
    yield from _capacity(world, job)


def candidates(world: World, environment: str) -> list[Job]:
    """The waiting jobs of an environment that could start next, in their order.

    Jobs of one kind and pipeline in one environment wait for the same things, so only the first
    of each can start; beside those the repairs, and the first that would pay a debt.
    """
    found = {entry for _, entry in world.queues.heads(environment)}
    found.update(world.queues.repairs(environment))
    for debt in world.environment(environment).debts:
        payer = world.queues.alike_by_hand(environment, debt)
        if payer is not None:
            found.add(payer)
    return [world.jobs[job] for _, _, job in sorted(found)]


def admission(world: World, job: Job, now: Instant) -> Run:
    """What a job takes when it starts now.

    A run that pays has the locks of its debts and no others: it would wait for what its debt does
    not hold, and two environments could wait for each other's debts for ever (decision 0022).
    """
    paid = debts_paid_by(world, job)
    excludes = world.excluded_by(job.kind).union(*(debt.excludes for debt in paid))
    return Run(
        started=now,
        excludes=tuple(sorted(excludes)),
        locks=tuple(dict.fromkeys(_needed(world, job, paid))),
        pays=tuple(debt.job for debt in paid),
    )


def _needed(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[str]:
    if paid:
        return (lock for debt in paid for lock in debt.locks)
    return iter(locks_of(world, job))


def locks_of(world: World, job: Job) -> tuple[str, ...]:
    """The locks of the job's environment, as configured now, else as it was submitted."""
    configuration = world.configuration
    if configuration is not None and job.environment in configuration.environments:
        return configuration.environments[job.environment].locks
    return world.definition(job).environment.locks


def exclude_each_other(world: World, kind: str, running: Job) -> bool:
    """Whether a job of `kind` may not run beside this one, by the relation then or now."""
    then = running.run.excludes if running.run is not None else ()
    # Then and now: by today's relation alone, a reload would let in beside a running job what that
    # one excluded when it started.
    return kind in then or running.kind in world.excluded_by(kind)


def slots_free(world: World, job: Job) -> bool:
    """Whether a tool of this job may begin to work on this host."""
    reserve = 1 if has_reserve(world, job) else 0
    return world.slots.in_use < world.capacity + reserve


def has_reserve(world: World, job: Job) -> bool:
    """Whether the slot that is kept for owed cleanups is open to this job."""
    if job.cleanup_for is not None or (job.run is not None and job.run.pays):
        return True
    return job.run is None and bool(debts_paid_by(world, job))


def no_slot(world: World, step: str | None = None) -> Blocker:
    """That all slots of this host are in use, where the job (or this step of it) needs one."""
    who = "" if step is None else f"step {step} could begin, but "
    tools = "1 tool is" if world.slots.in_use == 1 else f"{world.slots.in_use} tools are"
    text = f"{who}{tools} at work on this host; capacity is {world.capacity}"
    return Blocker(type=BlockerType.CAPACITY, id="host", text=text)


def place(world: World, job: Job) -> int:
    """The job's place in its environment's queue, from 1."""
    return world.queues.place(job)


def unknown_blockers(environment: Environment) -> Iterator[Blocker]:
    """The runs that the journal does not know, and that may be at work in an environment."""
    # The owed cleanup waits too, unlike in a quarantine: it would work beside a tool that lives.
    for run in environment.unknown:
        dead = f"orchestrator unknown {run.job} --dead --reason …"
        lift = f"look: orchestrator unknown; then an admin: {dead}, or --wait"
        text = f"job {run.job}, which the journal does not know, may be at work here"
        if run.verdict is not None and run.verdict.wait:
            text, lift = f"{text}: the daemon waits until nothing of it lives", f"an admin: {dead}"
        yield Blocker(
            type=BlockerType.UNKNOWN, id=str(run.job), text=text, since=run.since, lift=lift
        )


def _quarantine(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    environment = world.environment(job.environment)
    quarantine = environment.quarantine
    if quarantine is None or job.admin_retry:
        return
    # In a quarantine a cleanup that queued itself may run only while none has failed (`automatic`).
    # Otherwise the next debt's would follow the one that failed before anybody has looked (decision
    # 0003).
    if paid and (job.cleanup_for is None or quarantine.automatic):
        return
    name = environment.name
    yield Blocker(
        type=BlockerType.QUARANTINE,
        id=name,
        text=f"{name} is under quarantine since job {quarantine.job}: {quarantine.reason}",
        since=quarantine.since,
        lift=f"look: orchestrator environment {name}; then: "
        f"{_repair(world, environment, quarantine)}, "
        f"or an admin: orchestrator waive {name} --reason …",
    )


def _repair(world: World, environment: Environment, quarantine: Quarantine) -> str:
    """What to type first: look again at what was found, or run the cleanup that failed."""
    if quarantine.lookable or not environment.debts:
        return f"orchestrator recheck {environment.name}"
    return how_to_pay(world, environment.name, environment.debts[0])


def _approvals(world: World, job: Job, asked: Instant | None) -> Iterator[Blocker]:
    if asked is None:
        return
    rules = open_rules(job, world.definition(job))
    seconds = expiry(rules.values())
    until = "" if seconds is None else f", within {written(seconds)}"
    for name, rule in rules.items():
        yield Blocker(
            type=BlockerType.APPROVAL,
            id=name,
            text=f"{rule_text(rule, given(name, job.approvals))} (asked for by its {name}{until})",
            since=asked,
            lift=to_answer(job.id),
        )


def _drain(world: World) -> Iterator[Blocker]:
    drain = world.drain
    if drain is None:
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
        if job.kind in world.excluded_by(debt.kind) or job.kind in debt.excludes:
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
    payer = next(payers(world, environment.name, debt), None)
    if payer is not None:
        return f"{debt.pipeline} waits as job {payer.id}"
    preparing = preparing_payer(world, environment.name, debt)
    if preparing is not None:
        return f"{debt.pipeline} prepares as job {preparing.id}"
    return f"{debt.pipeline} must be run: {how_to_pay(world, environment.name, debt)}"


def running_blocker(running: Job, why: str) -> Blocker:
    """That a job runs, or is being cancelled, beside which another may not start."""
    does = "is being cancelled" if isinstance(running.phase, JobCancelling) else "runs"
    return Blocker(
        type=BlockerType.JOB,
        id=str(running.id),
        text=f"job {running.id} ({running.pipeline}) {does}, and {why}",
        since=running.run.started if running.run is not None else None,
    )


def _recheck(environment: Environment) -> Iterator[Blocker]:
    quarantine = environment.quarantine
    if quarantine is None or not quarantine.is_looked_at or quarantine.look is None:
        return
    id = recheck_id(environment.name, quarantine.recheck)
    yield Blocker(
        type=BlockerType.RECHECK,
        id=id,
        text=f"what was found in {environment.name} is being looked at again",
        since=quarantine.look.started,
        lift=f"wait for it, or: orchestrator cancel {id}",
    )


def _running(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    owed = {debt.job for debt in paid}
    for running in world.running_jobs(job.environment):
        # A kind of cleanup need not exclude itself, and a debt is paid once.
        twice = owed.intersection(running.run.pays if running.run is not None else ())
        if twice:
            yield running_blocker(running, f"pays what job {min(twice)} owes")
            continue
        if exclude_each_other(world, job.kind, running):
            yield running_blocker(running, f"{running.kind} excludes {job.kind}")


def _locks(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    # What this job pays hands it its locks: counted as a holder, the debt would keep out for ever
    # the cleanup that is to pay it. It needs no others: see `admission`.
    mine = {Holder(job=debt.job, debt=True, environment=job.environment) for debt in paid}
    quarantine = world.environment(job.environment).quarantine
    for finding in quarantine.findings if quarantine is not None else ():
        # What the quarantine lets past is there to repair what was found, whose locks these are.
        mine.add(Holder(job=finding.ref.job, debt=True, environment=job.environment))
    for lock in dict.fromkeys(_needed(world, job, paid)):
        for holder in sorted(world.locks.holders(lock) - mine):
            yield Blocker(
                type=BlockerType.LOCK,
                id=lock,
                text=f"lock {lock} is held by {_in_words(world, holder)} in {holder.environment}",
                since=_held_since(world, holder),
            )


def _in_words(world: World, holder: Holder) -> str:
    if not holder.debt:
        return f"job {holder.job}"
    if world.environment(holder.environment).debt_of(holder.job) is not None:
        return f"the cleanup owed by job {holder.job}"
    return f"what job {holder.job} left behind"


def _held_since(world: World, holder: Holder) -> Instant | None:
    if holder.debt:
        environment = world.environment(holder.environment)
        left = environment.debt_of(holder.job) or environment.quarantine
        return left.since if left is not None else None
    run = world.jobs[holder.job].run
    return run.started if run is not None else None


def _order(world: World, job: Job) -> Iterator[Blocker]:
    excluded = world.excluded_by(job.kind)
    heads = world.queues.heads(job.environment)
    first = min((entry for kind, entry in heads if kind in excluded), default=LAST)
    if first < queue_entry(job):
        ahead = world.jobs[first[2]]
        yield Blocker(
            type=BlockerType.ORDER,
            id=str(ahead.id),
            text=f"order: job {ahead.id} ({ahead.pipeline}) goes first",
            since=ahead.submitted,
        )


def _capacity(world: World, job: Job) -> Iterator[Blocker]:
    if world.plan(job).begins_with_slot and not slots_free(world, job):
        yield no_slot(world)
