"""The next state of an environment, given what happened in it."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Actor,
    Debt,
    Environment,
    Job,
    OpenRecheck,
    Quarantine,
)

EnvironmentEvent = (
    ev.DebtIncurred
    | ev.DebtPaid
    | ev.DebtWaived
    | ev.Quarantined
    | ev.QuarantineLifted
    | ev.RecheckRequested
    | ev.RecheckStarted
    | ev.RecheckStopRequested
    | ev.Rechecked
    | ev.FindingSettled
)


def environment_after(
    environment: Environment, event: EnvironmentEvent, at: Instant, by: Actor | None
) -> Environment:
    """The environment after an event of its own, of which `by` is the cause."""
    match event:
        case ev.DebtIncurred(debt=debt):
            return replace(environment, debts=(*environment.debts, debt))
        case ev.DebtPaid(job=job) | ev.DebtWaived(job=job):
            return replace(environment, debts=_without(environment.debts, job))
        case ev.Quarantined():
            return replace(environment, quarantine=_quarantined(environment, event, at))
        case ev.QuarantineLifted():
            return replace(environment, quarantine=None)
        case (
            ev.RecheckRequested() | ev.RecheckStarted() | ev.RecheckStopRequested() | ev.Rechecked()
        ):
            before = environment.quarantine
            if before is None:
                return environment
            after = _looked_at(before, event, at, by)
            number = event.number if isinstance(event, ev.RecheckRequested) else 0
            rechecks = max(environment.rechecks, number)
            return replace(environment, quarantine=after, rechecks=rechecks)
        case ev.FindingSettled(ref=ref):
            before = environment.quarantine
            if before is None:
                return environment
            left = tuple(finding for finding in before.findings if finding.ref != ref)
            return replace(environment, quarantine=replace(before, findings=left))
        case _:
            assert_never(event)


def left_by(environment: Environment, job: Job, event: ev.JobEnded) -> Environment:
    """The environment when a job has ended: what it owes, and what its steps left behind, keep its
    locks."""
    locks = job.run.locks if job.run is not None else ()
    debts = tuple(
        replace(debt, conclusion=event.conclusion, locks=locks) if debt.job == job.id else debt
        for debt in environment.debts
    )
    quarantine = environment.quarantine
    if quarantine is not None:
        findings = tuple(
            replace(finding, locks=event.left_locked) if finding.ref.job == job.id else finding
            for finding in quarantine.findings
        )
        quarantine = replace(quarantine, findings=findings)
    return replace(environment, debts=debts, quarantine=quarantine)


def _without(debts: tuple[Debt, ...], job: int) -> tuple[Debt, ...]:
    return tuple(debt for debt in debts if debt.job != job)


def _quarantined(environment: Environment, event: ev.Quarantined, at: Instant) -> Quarantine:
    new = Quarantine(since=at, job=event.job, reason=event.reason)
    before = environment.quarantine or new
    return replace(
        before,
        job=event.job,
        reason=event.reason,
        findings=(*before.findings, *event.findings),
        automatic=event.automatic,
        debts=tuple(dict.fromkeys((*before.debts, *event.debts))),
    )


def _looked_at(
    before: Quarantine,
    event: ev.RecheckRequested | ev.RecheckStarted | ev.RecheckStopRequested | ev.Rechecked,
    at: Instant,
    by: Actor | None,
) -> Quarantine:
    # Of what there is when it starts: a job that it waited for may have left more.
    refs = tuple(finding.ref for finding in before.lookable)
    match event:
        case ev.RecheckRequested():
            asked = OpenRecheck(asked=at, by=by)
            number = event.number or before.recheck + 1
            return replace(before, recheck=number, rechecking=refs, look=asked)
        case ev.RecheckStarted():
            started = replace(before.look or OpenRecheck(asked=at), started=at)
            return replace(before, rechecking=refs, look=started)
        case ev.RecheckStopRequested(stop=stop, force=force):
            if not before.is_looked_at:
                return replace(before, rechecking=(), look=None)
            stopped = replace(before.look or OpenRecheck(asked=at), stop=stop, forced=force)
            return replace(before, look=stopped)
        case ev.Rechecked(ref=ref, finding=finding):
            findings = tuple(left for left in before.findings if left.ref != ref)
            if finding is not None:
                findings = (*findings, finding)
            left = tuple(unlooked for unlooked in before.rechecking if unlooked != ref)
            over = None if not left else before.look
            return replace(before, findings=findings, rechecking=left, look=over)
        case _:
            assert_never(event)
