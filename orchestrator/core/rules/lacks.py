"""What a waiting job lacks although it were the most senior of all, and what it keeps meanwhile."""

from collections.abc import Iterator

import msgspec

from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Debt, Environment, Job, JobCancelling, Quarantine
from orchestrator.core.language.suggested_commands import recheck_id
from orchestrator.core.language.words import BlockerType
from orchestrator.core.rules.payment import (
    debts_paid_by,
    how_to_pay,
    payers,
    preparing_payer,
)
from orchestrator.core.world.queues import LAST, Entry, Holder
from orchestrator.core.world.world import World


class Blocker(msgspec.Struct, frozen=True):
    """One thing that keeps a job from starting.

    `id` names the cause (a job's number, a lock's name, the environment), `text` says it in words,
    `lift` says who can change it and what to type, where anybody can. `passes`: jobs that run, of
    which none awaits a person, end it by themselves.
    """

    type: BlockerType
    id: str
    text: str
    since: Instant | None = None
    lift: str | None = None
    passes: bool = False


def lacks(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    """What keeps a waiting job from starting although it is the most senior of all."""
    yield from unknown_blockers(world.environment(job.environment))
    yield from _quarantine(world, job, paid)
    if not paid:
        yield from drained(world)
        yield from _debts(world, world.environment(job.environment), job)
    yield from _recheck(world.environment(job.environment))
    yield from _running(world, job, paid)
    yield from _locks(world, job, paid)


def reserves(world: World, job: Job) -> bool:
    """Whether a waiting job keeps what it needs from its juniors: whether jobs that run, of which
    none awaits a person, hold all that it lacks.

    What it lacks of slots is no matter: tools give them back. What a senior of its own keeps from
    it is none either, for that one waits for such jobs too; so all who wait for each other stand
    in one order, and whoever is first in it waits for jobs that run.
    """
    return _reserves(world, job, debts_paid_by(world, job))


def _reserves(world: World, job: Job, paid: tuple[Debt, ...]) -> bool:
    return all(lack.passes for lack in lacks(world, job, paid))


def reserver(world: World, lock: str, before: Entry = LAST) -> Job | None:
    """The most senior waiter that keeps a lock from those who stand behind it."""
    if not _passes(world, lock):
        return None
    for _, _, id in world.queues.line(lock, before):
        job = world.jobs[id]
        # A run that pays needs the locks of its debts, which hold them, and not those it would need
        # otherwise: it would keep from others for ever what it never takes.
        if not debts_paid_by(world, job) and _reserves(world, job, paid=()):
            return job
    return None


def is_stuck(world: World, lock: str) -> bool:
    """Whether a lock is held, and its holder does not end by itself."""
    return bool(world.locks.holders(lock)) and not _passes(world, lock)


def _passes(world: World, lock: str) -> bool:
    holders = world.locks.holders(lock)
    # Of a debt and a job, the job is the run that pays: its end frees both.
    jobs = [holder.job for holder in holders if not holder.debt]
    return not holders or (bool(jobs) and not any(job in world.asking for job in jobs))


def needed(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[str]:
    """The locks that a job takes: a run that pays those of its debts, and no others."""
    if paid:
        return (lock for debt in paid for lock in debt.locks)
    return iter(world.locks_of(job))


def exclude_each_other(world: World, kind: str, running: Job) -> bool:
    """Whether a job of `kind` may not run beside this one, by the relation then or now."""
    then = running.run.excludes if running.run is not None else ()
    # Then and now: by today's relation alone, a reload would let in beside a running job what that
    # one excluded when it started.
    return kind in then or running.kind in world.excluded_by(kind)


def unknown_blockers(environment: Environment) -> Iterator[Blocker]:
    """The runs that the journal does not know, and that may be at work in an environment."""
    # The owed cleanup waits too, unlike in a quarantine: it would work beside a tool that lives.
    for run in environment.unknown:
        dead = f"orchestrator unknown {run.job} --dead --reason …"
        wait = f"orchestrator unknown {run.job} --wait --reason …"
        lift = f"look: orchestrator unknown; then an admin: {wait}, or --dead"
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
        lift=lift_quarantine(world, environment, quarantine),
    )


def lift_quarantine(world: World, environment: Environment, quarantine: Quarantine) -> str:
    """What to type: look again at what was found, or run the cleanup that failed, where either is
    taken; else only an admin's word helps."""
    name = environment.name
    due = next((debt for debt in environment.debts if debt.conclusion is not None), None)
    first = ""
    if quarantine.lookable:
        first = f"orchestrator recheck {name}, or "
    elif due is not None and not environment.retired:
        first = f"{how_to_pay(world, name, due)}, or "
    return (
        f"look: orchestrator environment {name}; then: {first}"
        f"an admin: orchestrator waive {name} --reason …"
    )


def drained(world: World) -> Iterator[Blocker]:
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
                passes=_is_being_paid(world, environment, debt),
            )


def _is_being_paid(world: World, environment: Environment, debt: Debt) -> bool:
    """Whether a job that runs is going to end this debt, or to begin its cleanup, by itself."""
    running = _payer_at_work(world, environment, debt)
    if debt.conclusion is None:
        return debt.job not in world.asking
    return running is not None and running.id not in world.asking


def _payer_at_work(world: World, environment: Environment, debt: Debt) -> Job | None:
    for running in world.running_jobs(environment.name):
        if running.run is not None and debt.job in running.run.pays:
            return running
    return None


def _paying(world: World, environment: Environment, debt: Debt) -> str:
    if debt.conclusion is None:
        return f"{debt.pipeline} follows when job {debt.job} has ended"
    running = _payer_at_work(world, environment, debt)
    if running is not None:
        return f"{debt.pipeline} runs as job {running.id}"
    payer = next(payers(world, environment.name, debt), None)
    if payer is not None:
        return f"{debt.pipeline} waits as job {payer.id}"
    preparing = preparing_payer(world, environment.name, debt)
    if preparing is not None:
        return f"{debt.pipeline} prepares as job {preparing.id}"
    return f"{debt.pipeline} must be run: {how_to_pay(world, environment.name, debt)}"


def running_blocker(world: World, running: Job, why: str) -> Blocker:
    """That a job runs, or is being cancelled, beside which another may not start."""
    does = "is being cancelled" if isinstance(running.phase, JobCancelling) else "runs"
    return Blocker(
        type=BlockerType.JOB,
        id=str(running.id),
        text=f"job {running.id} ({running.pipeline}) {does}, and {why}",
        since=running.run.started if running.run is not None else None,
        passes=running.id not in world.asking,
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
        passes=True,
    )


def _running(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    owed = {debt.job for debt in paid}
    for running in world.running_jobs(job.environment):
        # A kind of cleanup need not exclude itself, and a debt is paid once.
        twice = owed.intersection(running.run.pays if running.run is not None else ())
        if twice:
            yield running_blocker(world, running, f"pays what job {min(twice)} owes")
            continue
        if exclude_each_other(world, job.kind, running):
            yield running_blocker(world, running, f"{running.kind} excludes {job.kind}")


def _locks(world: World, job: Job, paid: tuple[Debt, ...]) -> Iterator[Blocker]:
    # What this job pays hands it its locks: counted as a holder, the debt would keep out for ever
    # the cleanup that is to pay it. It needs no others: see `admission`.
    mine = {Holder(job=debt.job, debt=True, environment=job.environment) for debt in paid}
    quarantine = world.environment(job.environment).quarantine
    for finding in quarantine.findings if quarantine is not None else ():
        # What the quarantine lets past is there to repair what was found, whose locks these are.
        mine.add(Holder(job=finding.ref.job, debt=True, environment=job.environment))
    for lock in dict.fromkeys(needed(world, job, paid)):
        passes = _passes(world, lock)
        for holder in sorted(world.locks.holders(lock) - mine):
            yield Blocker(
                type=BlockerType.LOCK,
                id=lock,
                text=f"lock {lock} is held by {_in_words(world, holder)} in {holder.environment}",
                since=_held_since(world, holder),
                lift=_lift_holder(world, holder),
                passes=passes,
            )


def _in_words(world: World, holder: Holder) -> str:
    if not holder.debt:
        return f"job {holder.job}"
    if world.environment(holder.environment).debt_of(holder.job) is not None:
        return f"the cleanup owed by job {holder.job}"
    return f"what job {holder.job} left behind"


def _lift_holder(world: World, holder: Holder) -> str | None:
    """What to type where what holds a lock does not end by itself."""
    environment = world.environment(holder.environment)
    quarantine = environment.quarantine
    if not holder.debt or quarantine is None:
        return None
    return lift_quarantine(world, environment, quarantine)


def _held_since(world: World, holder: Holder) -> Instant | None:
    if holder.debt:
        environment = world.environment(holder.environment)
        left = environment.debt_of(holder.job) or environment.quarantine
        return left.since if left is not None else None
    run = world.jobs[holder.job].run
    return run.started if run is not None else None
