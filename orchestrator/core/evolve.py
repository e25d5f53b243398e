"""The next state, given what happened. Total: whatever was journalled must replay."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core import events as ev
from orchestrator.core.instant import Instant
from orchestrator.core.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Debt,
    Drain,
    Ending,
    Environment,
    Finished,
    Force,
    Job,
    JobCancelling,
    JobFinished,
    JobQueued,
    JobRunning,
    Pending,
    Quarantine,
    Record,
    Step,
    StepPhase,
    StepRef,
    Stop,
)
from orchestrator.core.world import World


def evolve(world: World, stamped: ev.Stamped) -> None:
    """Apply one line of the journal to the world."""
    event, at = stamped.event, stamped.at
    match event:
        case ev.ConfigAccepted():
            world.put_configuration(event.digest, event.configuration)
            _retire_or_revive(world)
        case ev.DefinitionRecorded():
            world.put_definition(event.digest, event.definition)
        case ev.DrainStarted():
            world.put_drain(Drain(since=at, by=stamped.by, reason=event.reason))
        case ev.DrainEnded():
            world.put_drain(None)
        case ev.DaemonStarted():
            pass
        case (
            ev.DebtIncurred()
            | ev.DebtPaid()
            | ev.DebtWaived()
            | ev.Quarantined()
            | ev.QuarantineLifted()
            | ev.RecheckRequested()
            | ev.Rechecked()
        ):
            environment = world.environment(event.environment)
            world.put_environment(_environment_after(environment, event, at))
            _drop_if_empty(world, event.environment)
        case ev.JobSubmitted():
            world.put_job(_submitted(event, at))
        case (
            ev.JobAdmitted()
            | ev.JobStopRequested()
            | ev.JobForceRequested()
            | ev.JobForced()
            | ev.JobEnded()
            | ev.ClientLost()
            | ev.ClientReturned()
        ):
            job = world.jobs[event.job]
            _evolve_job(world, job, stamped)
            _drop_if_empty(world, job.environment)
        case (
            ev.StepStarted()
            | ev.StepApplying()
            | ev.StepStopRequested()
            | ev.StepForced()
            | ev.StepApplied()
            | ev.StepFinished()
            | ev.StepNotRun()
            | ev.StepWaiting()
            | ev.StepWarned()
            | ev.StepRecorded()
        ):
            job = world.jobs[event.ref.job]
            step = _step_after(world.step(job, event.ref.step), event, at)
            world.put_step(job, step)
        case _:
            assert_never(event)


def _submitted(event: ev.JobSubmitted, at: Instant) -> Job:
    return Job(
        id=event.job,
        pipeline=event.pipeline,
        environment=event.environment,
        kind=event.kind,
        definition=event.definition,
        submitter=event.submitter,
        submitted=at,
        rank=event.rank,
        phase=JobQueued(since=at),
        params=event.params,
        priority=event.priority,
        labels=event.labels,
        url=event.url,
        reason=event.reason,
        key=event.key,
        request=event.request,
        retry_of=event.retry_of,
        cleanup_for=event.cleanup_for,
        admin_retry=event.admin_retry,
        cancel_on_disconnect=event.cancel_on_disconnect,
    )


JobEvent = (
    ev.JobAdmitted
    | ev.JobStopRequested
    | ev.JobForceRequested
    | ev.JobForced
    | ev.JobEnded
    | ev.ClientLost
    | ev.ClientReturned
)


def _evolve_job(world: World, job: Job, stamped: ev.Stamped) -> None:
    event, at, phase = stamped.event, stamped.at, job.phase
    match event, phase:
        case ev.JobAdmitted(run=run), _:
            steps = tuple(Step(name=name) for name in world.step_definitions(job))
            world.put_job(replace(job, phase=JobRunning(run=run), steps=steps))
        case ev.JobStopRequested(stop=stop), JobRunning(run=run):
            world.put_job(replace(job, phase=JobCancelling(run=run, stop=stop)))
        case ev.JobForceRequested(), JobCancelling():
            force = Force(at=at, by=event.by, reason=event.reason)
            world.put_job(replace(job, phase=replace(phase, force=force)))
        case ev.JobForced(), JobCancelling(force=force):
            fired = replace(force or Force(at=at), fired=True)
            world.put_job(replace(job, phase=replace(phase, force=fired)))
        case ev.JobEnded(), _:
            _end_job(world, job, event, at)
        case ev.ClientLost(), _:
            world.put_job(replace(job, disconnected=at))
        case ev.ClientReturned(), _:
            world.put_job(replace(job, disconnected=None))


def _end_job(world: World, job: Job, event: ev.JobEnded, at: Instant) -> None:
    phase = JobFinished(
        ended=at,
        conclusion=event.conclusion,
        run=job.run,
        stop=event.stop or job.stop,
        force=job.phase.force if isinstance(job.phase, JobCancelling) else None,
        dirty=event.dirty,
        halted_by=event.halted_by,
        reason=event.reason,
    )
    world.put_job(replace(job, phase=phase))
    environment = world.environment(job.environment)
    debt = environment.debt_of(job.id)
    if debt is not None:
        run = job.run
        kept = replace(debt, conclusion=event.conclusion, locks=run.locks if run else ())
        debts = tuple(kept if one is debt else one for one in environment.debts)
        world.put_environment(replace(environment, debts=debts))


StepEvent = (
    ev.StepStarted
    | ev.StepApplying
    | ev.StepStopRequested
    | ev.StepForced
    | ev.StepApplied
    | ev.StepFinished
    | ev.StepNotRun
    | ev.StepWaiting
    | ev.StepWarned
    | ev.StepRecorded
)


def _step_after(step: Step, event: StepEvent, at: Instant) -> Step:
    match event:
        case ev.StepStarted(acquires=True):
            return replace(step, phase=Acquiring(began=at))
        case ev.StepStarted():
            return replace(step, phase=Applying(began=at, entered=at))
        case ev.StepApplying():
            phase = Applying(began=_began(step.phase, at), entered=at)
            return replace(step, phase=phase, waiting_for=None)
        case ev.StepStopRequested(stop=stop):
            return replace(step, phase=_stopped(step.phase, stop, at))
        case ev.StepForced():
            force = Force(at=at, by=event.by, reason=event.reason, fired=True)
            return replace(step, phase=_forced(step.phase, force))
        case ev.StepApplied():
            return replace(
                step,
                phase=_cleaning(step.phase, event.ending, at),
                waiting_for=None,
                summary=event.summary,
                outputs=event.outputs,
                sensitive=event.sensitive,
            )
        case ev.StepFinished():
            return replace(step, phase=_finished(step.phase, event, at), waiting_for=None)
        case ev.StepNotRun():
            phase_ = Finished(ended=at, ending=event.ending, cause=event.cause)
            return replace(step, phase=phase_)
        case ev.StepWaiting(text=text):
            return replace(step, waiting_for=text)
        case ev.StepWarned(text=text):
            return replace(step, warnings=(*step.warnings, text))
        case ev.StepRecorded(record=record):
            return replace(step, records=_recorded(step.records, record))
        case _:
            assert_never(event)


def _began(phase: StepPhase, at: Instant) -> Instant:
    match phase:
        case Acquiring(began=began) | Applying(began=began) | Cancelling(began=began):
            return began
        case CleaningUp(began=began):
            return began
        case Pending():
            return at
        case Finished(began=began_or_none):
            return began_or_none or at


def _stop_of(phase: StepPhase) -> Stop | None:
    return None if isinstance(phase, Pending | Applying) else phase.stop


def _stopped(phase: StepPhase, stop: Stop, at: Instant) -> StepPhase:
    match phase:
        case Acquiring() | CleaningUp():
            return replace(phase, stop=stop)
        case Applying(began=began):
            return Cancelling(began=began, entered=at, stop=stop)
        case Pending() | Cancelling() | Finished():
            return phase


def _forced(phase: StepPhase, force: Force) -> StepPhase:
    match phase:
        case Acquiring() | Cancelling() | CleaningUp():
            return replace(phase, force=force)
        case Pending() | Applying() | Finished():
            return phase


def _cleaning(phase: StepPhase, ending: Ending, at: Instant) -> StepPhase:
    return CleaningUp(
        began=_began(phase, at),
        entered=at,
        ending=ending,
        stop=_stop_of(phase),
        after_force=_was_forced(phase),
    )


def _finished(phase: StepPhase, event: ev.StepFinished, at: Instant) -> Finished:
    return Finished(
        ended=at,
        ending=event.ending,
        began=_began(phase, at),
        finding=event.finding,
        stop=_stop_of(phase),
        forced=_was_forced(phase),
    )


def _was_forced(phase: StepPhase) -> bool:
    match phase:
        case CleaningUp(force=force, after_force=after_force):
            return after_force or force is not None
        case Acquiring(force=force) | Cancelling(force=force):
            return force is not None
        case Pending() | Applying() | Finished():
            return False


def _recorded(records: tuple[Record, ...], new: Record) -> tuple[Record, ...]:
    """One record for each phase and key: a call's value replaces its intent."""
    others = (one for one in records if (one.phase, one.key) != (new.phase, new.key))
    return (*others, new)


EnvironmentEvent = (
    ev.DebtIncurred
    | ev.DebtPaid
    | ev.DebtWaived
    | ev.Quarantined
    | ev.QuarantineLifted
    | ev.RecheckRequested
    | ev.Rechecked
)


def _environment_after(
    environment: Environment, event: EnvironmentEvent, at: Instant
) -> Environment:
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


def _retire_or_revive(world: World) -> None:
    configured = world.configuration.environments if world.configuration else {}
    used = {*world.environments, *(job.environment for job in world.jobs.values())}
    for name in sorted(used):
        environment = world.environment(name)
        retired = name not in configured
        if environment.retired != retired:
            world.put_environment(replace(environment, retired=retired))
            _drop_if_empty(world, name)


def _drop_if_empty(world: World, name: str) -> None:
    """A retired environment goes with its last job, debt and quarantine."""
    environment = world.environments.get(name)
    if environment is None or not environment.retired:
        return
    waits_or_runs = world.running.get(name) or name in world.queues.environments
    if not (environment.debts or environment.quarantine or waits_or_runs):
        world.drop_environment(name)


__all__ = ["evolve"]
