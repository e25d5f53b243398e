"""The next state of an environment, given what happened to it."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core import events as ev
from orchestrator.core.instant import Instant
from orchestrator.core.model import Debt, Environment, Quarantine, StepRef

EnvironmentEvent = (
    ev.DebtIncurred
    | ev.DebtPaid
    | ev.DebtWaived
    | ev.Quarantined
    | ev.QuarantineLifted
    | ev.RecheckRequested
    | ev.Rechecked
)


def environment_after(
    environment: Environment, event: EnvironmentEvent, at: Instant
) -> Environment:
    """The environment after an event of its own."""
    match event:
        case ev.DebtIncurred(debt=debt):
            return replace(environment, debts=(*environment.debts, debt))
        case ev.DebtPaid(job=job) | ev.DebtWaived(job=job):
            return replace(environment, debts=_without(environment.debts, job))
        case ev.Quarantined():
            return replace(environment, quarantine=_quarantined(environment, event, at))
        case ev.QuarantineLifted():
            return replace(environment, quarantine=None)
        case ev.RecheckRequested():
            return replace(environment, quarantine=_rechecking(environment.quarantine))
        case ev.Rechecked(ref=ref, finding=finding):
            quarantine = environment.quarantine
            if quarantine is None:
                return environment
            findings = tuple(one for one in quarantine.findings if one.ref != ref)
            left = tuple(one for one in quarantine.rechecking if one != ref)
            if finding is not None:
                findings = (*findings, finding)
            return replace(
                environment,
                quarantine=replace(quarantine, findings=findings, rechecking=left),
            )
        case _:
            assert_never(event)


def _without(debts: tuple[Debt, ...], job: int) -> tuple[Debt, ...]:
    return tuple(debt for debt in debts if debt.job != job)


def _quarantined(environment: Environment, event: ev.Quarantined, at: Instant) -> Quarantine:
    before = environment.quarantine
    return Quarantine(
        since=before.since if before else at,
        job=event.job,
        reason=event.reason,
        findings=(*(before.findings if before else ()), *event.findings),
        automatic=event.automatic,
        recheck=before.recheck if before else 0,
        rechecking=before.rechecking if before else (),
    )


def _rechecking(quarantine: Quarantine | None) -> Quarantine | None:
    if quarantine is None:
        return None
    refs: tuple[StepRef, ...] = tuple(finding.ref for finding in quarantine.findings)
    return replace(quarantine, recheck=quarantine.recheck + 1, rechecking=refs)
