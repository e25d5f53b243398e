"""Who may start now, and why not. The same function decides and explains."""

from collections.abc import Iterator

from orchestrator.core.language.durations import written
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Job, JobPreparing, JobQueued, Run
from orchestrator.core.language.suggested_commands import to_answer
from orchestrator.core.language.words import BlockerType
from orchestrator.core.rules.lacks import Blocker, drained, lacks, needed, reserver, reserves
from orchestrator.core.rules.payment import debts_paid_by
from orchestrator.core.steps.approval_rules import given, open_rules, rule_text
from orchestrator.core.world.deadlines import expiry
from orchestrator.core.world.queues import queue_entry, slot_entry
from orchestrator.core.world.world import World

__all__ = [
    "Blocker",
    "admission",
    "blockers",
    "candidates",
    "has_reserve",
    "no_slot",
    "place",
    "slots_free",
]


def blockers(world: World, job: Job) -> Iterator[Blocker]:
    """All that keeps a waiting job from starting, the weightiest first.

    What a job will wait for that still prepares is not known before it is ready.
    """
    if isinstance(job.phase, JobPreparing):
        if job.cleanup_for is None and not world.in_handlers(job):
            yield from drained(world)
        yield from _approvals(world, job, job.phase.approval)
        return
    paid = debts_paid_by(world, job)
    yield from lacks(world, job, paid)
    if not paid:
        yield from _order(world, job)
        yield from _reserved(world, job)
    yield from _capacity(world, job)


def candidates(world: World, environment: str) -> list[Job]:
    """The waiting jobs of an environment that could start next, in their order.

    Of the jobs that need the same only the first can start; beside those the repairs, and the
    first that would pay a debt.
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
        locks=tuple(dict.fromkeys(needed(world, job, paid))),
        pays=tuple(debt.job for debt in paid),
        debt_conclusion=paid[0].conclusion if paid else None,
    )


def slots_free(world: World, job: Job) -> bool:
    """Whether a tool of this job may begin to work on this host."""
    reserve = has_reserve(world, job)
    taken = world.slots.taken(slot_entry(job, reserve=reserve))
    return taken < world.capacity + reserve


def has_reserve(world: World, job: Job) -> bool:
    """Whether the slot that is kept for owed cleanups is open to this job."""
    if job.cleanup_for is not None or (job.run is not None and job.run.pays):
        return True
    return job.run is None and bool(debts_paid_by(world, job))


def no_slot(world: World, step: str | None = None) -> Blocker:
    """That all slots of this host are in use, where the job (or this step of it) needs one."""
    who = "" if step is None else f"step {step} could begin, but "
    in_use = world.slots.in_use
    tools = "1 tool is" if in_use == 1 else f"{in_use} tools are"
    senior = next(world.slots.between, None) if in_use < world.capacity else None
    left = "" if senior is None else f", job {senior} is between two steps and goes on first"
    text = f"{who}{tools} at work on this host{left}; capacity is {world.capacity}"
    return Blocker(type=BlockerType.CAPACITY, id="host", text=text)


def place(world: World, job: Job) -> int:
    """The job's place in its environment's queue, from 1."""
    return world.queues.place(job)


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


def _order(world: World, job: Job) -> Iterator[Blocker]:
    excluded, mine = world.excluded_by(job.kind), queue_entry(job)
    heads = world.queues.heads(job.environment)
    seniors = sorted(entry for needs, entry in heads if needs.kind in excluded and entry < mine)
    ahead = next((world.jobs[id] for _, _, id in seniors if reserves(world, world.jobs[id])), None)
    if ahead is not None:
        yield Blocker(
            type=BlockerType.ORDER,
            id=str(ahead.id),
            text=f"order: job {ahead.id} ({ahead.pipeline}) goes first",
            since=ahead.submitted,
        )


def _reserved(world: World, job: Job) -> Iterator[Blocker]:
    """The locks that seniors keep; `_order` has told of those of its environment already."""
    excluded = world.excluded_by(job.kind)
    for lock in dict.fromkeys(world.locks_of(job)):
        senior = reserver(world, lock, queue_entry(job))
        if senior is None or (senior.environment == job.environment and senior.kind in excluded):
            continue
        yield Blocker(
            type=BlockerType.RESERVED,
            id=lock,
            text=f"lock {lock} is reserved for job {senior.id} ({senior.pipeline}, "
            f"{senior.environment}), which is senior",
            since=ready_since(senior),
            lift=f"orchestrator explain {senior.id}",
        )


def ready_since(job: Job) -> Instant | None:
    """Since when a job lacks only what others hold; None if it does not wait in the queue."""
    return job.phase.since if isinstance(job.phase, JobQueued) else None


def _capacity(world: World, job: Job) -> Iterator[Blocker]:
    if world.plan(job).begins_with_slot and not slots_free(world, job):
        yield no_slot(world)
