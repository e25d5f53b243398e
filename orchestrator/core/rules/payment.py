"""Which runs pay which debts.

One run pays several debts only if it is the same run for each: the same definition, parameters,
secrets and locks, and nothing in it that reads which debt it pays (decision 0022). What cannot be
compared is not the same.
"""

from collections.abc import Iterator

from orchestrator.core.language.model import Debt, Job, JobPreparing
from orchestrator.core.language.suggested_commands import to_pay
from orchestrator.core.world.queues import likeness
from orchestrator.core.world.world import World


def debts_paid_by(world: World, job: Job) -> tuple[Debt, ...]:
    """The debts that a run of this job would pay now: those of jobs that have ended."""
    # Not the debt of a job that still runs: what it touches after this cleanup was admitted would
    # count as cleaned up (decision 0004).
    due = [debt for debt in world.environment(job.environment).debts if debt.conclusion is not None]
    if job.pays is not None:
        return tuple(debt for debt in due if debt.job == job.pays)
    if world.reads_debt(job.definition):
        return tuple(debt for debt in due if debt.job == job.cleanup_for)
    mine = likeness(job) if due else None
    alike = [debt for debt in due if likeness(debt) == mine]
    own = next((debt for debt in alike if debt.job == job.cleanup_for), None)
    first = own or next(iter(alike), None)
    return tuple(debt for debt in alike if first is not None and debt.locks == first.locks)


def payers(world: World, environment: str, debt: Debt) -> Iterator[Job]:
    """The jobs that wait to run and would pay a debt."""
    waiting = [job for _, _, job in world.queues.repairs(environment)]
    by_hand = world.queues.alike_by_hand(environment, debt)
    if by_hand is not None:
        waiting.append(by_hand[2])
    for id in waiting:
        if debt in debts_paid_by(world, world.jobs[id]):
            yield world.jobs[id]


def preparing_payer(world: World, environment: str, debt: Debt) -> Job | None:
    """An owed cleanup that prepares to pay a debt, or that has not ended yet after it failed to.

    A run by hand is none: approvals and a drain may keep it from ever being ready.
    """
    for job in world.preparing_jobs(environment):
        if job.cleanup_for is None:
            continue
        if job.cleanup_for == debt.job:
            return job
        if isinstance(job.phase, JobPreparing) and debt in debts_paid_by(world, job):
            return job
    return None


def is_being_paid(world: World, environment: str, debt: Debt) -> bool:
    """Whether a job runs, waits or prepares that pays a debt."""
    running = world.running_jobs(environment)
    # One that waits counts, whoever queued it. Otherwise `settle`, which repeats until nothing is
    # due, would queue the same cleanup for ever.
    return (
        any(job.run is not None and debt.job in job.run.pays for job in running)
        or preparing_payer(world, environment, debt) is not None
        or next(payers(world, environment, debt), None) is not None
    )


def how_to_pay(world: World, environment: str, debt: Debt) -> str:
    """The command that pays a debt by hand. Where today's run is another than the owed one, an
    admin has to say that it pays."""
    owed, today = world.definitions[debt.definition], world.configuration
    is_todays = (
        today is not None
        and today.pipelines.get(debt.pipeline) == owed.pipeline
        and today.environments.get(environment) == owed.environment
    )
    command = to_pay(debt, environment)
    if is_todays and not world.reads_debt(debt.definition):
        return command
    return f"{command} --pays {debt.job}"
