"""How a job ends, from how its steps ended, and what follows for its environment."""

from collections.abc import Iterator

from orchestrator.core.language import events as ev
from orchestrator.core.language.model import Debt, Environment, Finished, Job, Quarantine, Step
from orchestrator.core.language.words import JobConclusion, StepConclusion, StopCause
from orchestrator.core.rules.payment import debts_paid_by
from orchestrator.core.steps.causes import stop_text, stopped_by_step
from orchestrator.core.steps.graph import ending_of
from orchestrator.core.steps.verdict import concluded
from orchestrator.core.world.world import World

_SAY_WHY = (StopCause.REJECTION, StopCause.EXPIRY, StopCause.NEEDLESS)


def job_end(world: World, job: Job) -> Iterator[ev.AnyEvent]:
    """The end of a job whose steps have all ended: the job's own, debts paid, quarantine."""
    ends = [step.phase for step in job.steps if isinstance(step.phase, Finished)]
    dirty = any(end.finding is not None for end in ends)
    conclusion = concluded(job, world.plan(job).steps)
    halted = next((step for step in job.steps if _ended(step, StepConclusion.HALTED)), None)
    if conclusion is not JobConclusion.SUCCESS:
        halted = None  # what failed beside it says more
    yield ev.JobEnded(
        job=job.id,
        conclusion=conclusion,
        dirty=dirty,
        halted_by=None if halted is None else halted.name,
        reason=_reason(job, halted),
        left_locked=job.run.locks if dirty and job.run is not None else (),
    )
    succeeded = conclusion is JobConclusion.SUCCESS and not dirty
    yield from after_end(world, job, succeeded, conclusion)


def after_end(
    world: World, job: Job, succeeded: bool, conclusion: JobConclusion
) -> Iterator[ev.AnyEvent]:
    """What a job's end means for the debts and the quarantine of its environment."""
    environment = world.environment(job.environment)
    # As fixed at admission, not what it would pay now: a debt that fell due meanwhile is for
    # something touched since, which this run has not cleaned up (decision 0004).
    paid = job.run.pays if job.run is not None else _would_pay(world, job, succeeded)
    standing = [debt for debt in environment.debts if debt.job in paid]
    if succeeded:
        for debt in standing:
            yield ev.DebtPaid(environment=environment.name, job=debt.job, paid_by=job.id)
        if environment.quarantine is not None and (standing or job.admin_retry):
            yield from _after_repair(environment, environment.quarantine, job, standing)
    elif standing:
        yield ev.Quarantined(
            environment=environment.name,
            job=job.id,
            reason=f"the owed cleanup {job.pipeline} (job {job.id}) ended as {conclusion.value}",
            debts=tuple(debt.job for debt in standing),
        )


def _after_repair(
    environment: Environment, quarantine: Quarantine, job: Job, paid: list[Debt]
) -> Iterator[ev.AnyEvent]:
    """What the success of a run means that the quarantine let past. It has cleaned up what it knows
    of: whether what a step left behind is gone, only a look can tell, and one is made. What nobody
    can look at is settled by the cleanup that its own job owed."""
    done = {debt.job for debt in paid}
    settled = [
        finding
        for finding in quarantine.findings
        if finding.settled_by_cleanup and done.intersection((finding.ref.job, *finding.pays))
    ]
    for finding in settled:
        yield ev.FindingSettled(environment.name, finding.ref, by_job=job.id)
    left = len(quarantine.findings) > len(settled)
    if quarantine.lookable and not quarantine.rechecking:
        reason, number = f"job {job.id} has succeeded", environment.next_recheck
        yield ev.RecheckRequested(environment.name, reason=reason, number=number)
    elif not left and _repaired(environment, quarantine, job, paid):
        yield ev.QuarantineLifted(
            environment.name, reason=f"repaired by job {job.id}", by_job=job.id
        )


def _would_pay(world: World, job: Job, succeeded: bool) -> tuple[int, ...]:
    """An owed cleanup that ended before it ran leaves its debts unpaid, which must be seen; one
    whose `before` found nothing to do has looked for the job that it was queued for only."""
    if job.cleanup_for is None:
        return ()
    if succeeded or (job.stop is not None and job.stop.cause is StopCause.NEEDLESS):
        return (job.cleanup_for,)
    return tuple(debt.job for debt in debts_paid_by(world, job))


def _repaired(environment: Environment, quarantine: Quarantine, job: Job, paid: list[Debt]) -> bool:
    if job.admin_retry and job.retry_of == quarantine.job:
        return True
    left = {debt.job for debt in environment.debts} - {debt.job for debt in paid}
    if quarantine.debts:
        return bool(paid) and left.isdisjoint(quarantine.debts)
    return bool(paid) and (not left or any(debt.job == quarantine.job for debt in paid))


def _ended(step: Step, conclusion: StepConclusion) -> bool:
    return isinstance(step.phase, Finished) and step.phase.ending.conclusion is conclusion


def _reason(job: Job, halted: Step | None) -> str:
    if halted is not None:
        return stopped_by_step(halted.name, ending_of(halted))
    if job.stop is not None and job.stop.cause in _SAY_WHY:
        return stop_text(job.stop)
    for step in job.steps:
        if isinstance(step.phase, Finished) and step.phase.ending.conclusion in (
            StepConclusion.FAILURE,
            StepConclusion.TIMED_OUT,
            StepConclusion.LOST,
        ):
            reason = step.phase.ending.reason
            return f"{step.name}: {reason}" if reason else f"{step.name} failed"
    return ""
