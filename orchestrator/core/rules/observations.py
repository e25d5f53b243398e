"""What the shell saw: the life of a step, one observation at a time.

    pending ─► acquiring ─► applying ─► cleaning_up ─► finished
                   │            │            │
                   └── stop ────┴─► cancelling ─► cleaning_up

An observation of a phase that is over raises StaleObservation and changes nothing.
"""

from collections.abc import Iterator
from typing import NoReturn

from msgspec.structs import replace

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Cancelling,
    Cause,
    CleaningUp,
    Ending,
    Finding,
    Job,
    Pending,
    Step,
    StepPhase,
    StepRef,
    Stop,
)
from orchestrator.core.language.rejections import StaleObservation, StopComesFirst
from orchestrator.core.language.words import Outcome, StepConclusion
from orchestrator.core.rules.debts import incur
from orchestrator.core.steps.causes import conclusion_of, skipped_by_step, stop_text
from orchestrator.core.steps.graph import skipped
from orchestrator.core.steps.outcomes import judge
from orchestrator.core.steps.retries import backoff_before_next, is_retriable
from orchestrator.core.world.world import World

STOPPABLE = ("acquire", "apply")
"""The phases of an adapter's life in which nothing new begins after a stop."""
FORCED_CLEANUP = "its cleanup was ended by force, so nobody verified what is left"


def acquire_done(world: World, seen: cmd.AcquireDone, now: Instant) -> Iterator[ev.AnyEvent]:
    """The tool can run: its apply begins, and what it may touch is owed for from here on."""
    job, step = attempt(world, seen.ref)
    if not isinstance(step.phase, Acquiring):
        stale(seen.ref, step.phase)
    if step.phase.stop is not None:
        ending = _stopped(job, step, step.phase.stop, world, "")
        yield from _to_cleanup(world, job, step, ev.StepApplied(ref=seen.ref, ending=ending))
        return
    if world.step_definition(job, step.name).touches:
        yield from incur(world, job, now)
    yield ev.StepApplying(ref=seen.ref)


def attempt_failed(world: World, seen: cmd.AttemptFailed) -> Iterator[ev.AnyEvent]:
    """The adapter raised, or was ended: what is left is its cleanup."""
    job, step = attempt(world, seen.ref)
    match step.phase:
        case Acquiring(stop=stop) | Cancelling(stop=stop):
            pass
        case Applying():
            stop = None
        case _:
            stale(seen.ref, step.phase)
    if stop is not None and seen.conclusion is not StepConclusion.LOST:
        ending = _stopped(job, step, stop, world, seen.reason)
    else:
        ending = _judged(world, job, step, seen.conclusion, reason=seen.reason)
    yield from _to_cleanup(world, job, step, ev.StepApplied(ref=seen.ref, ending=ending))


def apply_done(world: World, seen: cmd.ApplyDone) -> Iterator[ev.AnyEvent]:
    """The tool has ended; a stop that took effect counts for more than its exit code."""
    job, step = attempt(world, seen.ref)
    match step.phase:
        case Applying():
            stop = None
        case Cancelling(stop=asked):
            stop = asked if seen.stopped is not False else None
        case _:
            stale(seen.ref, step.phase)
    if stop is not None:
        conclusion = conclusion_of(stop)
    else:
        conclusion = StepConclusion.SUCCESS if seen.succeeded else StepConclusion.FAILURE
    ending = _judged(
        world,
        job,
        step,
        conclusion,
        exit=seen.exit,
        signal=seen.signal,
        statuses=seen.statuses,
        reason=seen.reason or (stop_text(stop) if stop is not None else ""),
    )
    applied = ev.StepApplied(
        ref=seen.ref,
        ending=ending,
        summary=seen.summary,
        outputs=seen.outputs,
        sensitive=seen.sensitive,
    )
    yield from _to_cleanup(world, job, step, applied)


def _judged(
    world: World,
    job: Job,
    step: Step,
    conclusion: StepConclusion,
    exit: int | None = None,
    signal: str | None = None,
    statuses: tuple[str, ...] = (),
    reason: str = "",
) -> Ending:
    """What an end of this class means by the rules of the step."""
    definition = world.step_definition(job, step.name)
    rules, defaults = definition.outcomes, definition.default_outcomes
    ending = judge(rules, conclusion, exit, signal, statuses, reason, defaults)
    if definition.section.is_handler and ending.outcome is Outcome.HALT:
        ending = replace(ending, outcome=Outcome.CONTINUE, conclusion=StepConclusion.SUCCESS)
    again = is_retriable(definition.retry, ending.outcome, conclusion, exit, signal, statuses)
    return replace(ending, retriable=again)


def _to_cleanup(
    world: World, job: Job, step: Step, applied: ev.StepApplied
) -> Iterator[ev.AnyEvent]:
    """A step whose adapter has nothing to clean ends in the same breath."""
    yield applied
    if not world.step_definition(job, step.name).has_cleanup:
        yield from _conclude(world, job, step, applied.ending, None)


def cleanup_done(world: World, seen: cmd.CleanupDone) -> Iterator[ev.AnyEvent]:
    """The adapter has looked. What it found dirty fails the step and closes the environment; so
    does a cleanup that was forced, whatever it says."""
    job, step = attempt(world, seen.ref)
    if not isinstance(step.phase, CleaningUp):
        stale(seen.ref, step.phase)
    finding = seen.finding
    if finding is None and step.phase.force is not None:
        finding = Finding(ref=seen.ref, found=FORCED_CLEANUP)
    yield from _conclude(world, job, step, step.phase.ending, finding)


def _conclude(
    world: World, job: Job, step: Step, ending: Ending, found: Finding | None
) -> Iterator[ev.AnyEvent]:
    """The end of an attempt, given what it left behind, as far as anybody could look."""
    finding = found or _unseen(world, job, step, ending)
    if finding is None:
        yield from _end(world, job, step, ending)
        return
    finding = _of_job(world, job, finding)
    yield ev.StepFinished(ref=finding.ref, ending=_dirty(ending, finding), finding=finding)
    yield _quarantine(world, job, finding)


def _unseen(world: World, job: Job, step: Step, ending: Ending) -> Finding | None:
    """What a step left whose end nobody saw, where its adapter has nothing to look at.

    Nobody knows what it did: by a clean end whoever comes next would build on it. What ended by an
    exit or a signal is as clean as its author says.
    """
    definition = world.step_definition(job, step.name)
    if ending.conclusion is not StepConclusion.LOST or definition.verifies:
        return None
    if not (definition.touches and step.records):
        return None
    ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
    return Finding(ref, f"nobody knows what it did: {ending.reason}", settled_by_cleanup=True)


def _end(world: World, job: Job, step: Step, ending: Ending) -> Iterator[ev.AnyEvent]:
    """The end of an attempt that left nothing: of the step too, unless it is tried again."""
    ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
    definition = world.step_definition(job, step.name)
    seconds = backoff_before_next(definition, job, step, ending)
    if seconds is not None:
        yield ev.StepRetryScheduled(ref=ref, ending=ending, seconds=seconds)
        return
    yield ev.StepFinished(ref=ref, ending=ending)
    yield from _skips(world, job, step, ending)


def _skips(world: World, job: Job, step: Step, ending: Ending) -> Iterator[ev.AnyEvent]:
    """The steps that need not run because this one ended so."""
    reason = skipped_by_step(step.name, ending)
    cause = Cause(step=step.name, conclusion=ending.conclusion, exit=ending.exit)
    for name in ending.skip:
        if isinstance(world.step(job, name).phase, Pending):
            ref = StepRef(job=job.id, step=name)
            yield ev.StepNotRun(ref=ref, ending=skipped(reason), cause=cause)


def attempt_abandoned(world: World, seen: cmd.AttemptAbandoned) -> Iterator[ev.AnyEvent]:
    """The adapter did not end after force; nobody knows what it still does."""
    job, step = attempt(world, seen.ref)
    if not step.active:
        stale(seen.ref, step.phase)
    finding = _of_job(world, job, seen.finding)
    match step.phase:
        case CleaningUp(ending=ended):
            ending = _dirty(ended, finding)
        case Acquiring(stop=Stop() as stop) | Cancelling(stop=stop):
            ending = _abandoned(conclusion_of(stop), finding)
        case _:
            ending = _abandoned(StepConclusion.FAILURE, finding)
    yield ev.StepFinished(ref=seen.ref, ending=ending, finding=finding)
    closed = _quarantine(world, job, finding)
    yield replace(closed, automatic=False)  # nothing may start beside what may still be alive


def _abandoned(conclusion: StepConclusion, finding: Finding) -> Ending:
    return Ending(conclusion=conclusion, outcome=Outcome.FAIL, reason=finding.found)


def _of_job(world: World, job: Job, finding: Finding) -> Finding:
    """A finding with what it must keep of its job: when somebody looks, that is gone."""
    limit = world.step_definition(job, finding.ref.step).cleanup_timeout
    pays = job.run.pays if job.run is not None else ()
    return replace(finding, cleanup_timeout=limit, pays=pays)


def _dirty(ending: Ending, finding: Finding) -> Ending:
    fine = ending.outcome in (Outcome.CONTINUE, Outcome.HALT, Outcome.WARN)
    return Ending(
        conclusion=StepConclusion.FAILURE if fine else ending.conclusion,
        outcome=Outcome.FAIL,
        exit=ending.exit,
        signal=ending.signal,
        reason=f"left dirty: {finding.found}",
    )


def _quarantine(world: World, job: Job, finding: Finding) -> ev.Quarantined:
    """After a dirty step the owed cleanup may still start by itself; never again where one has
    failed, or something may be alive, until the quarantine is lifted."""
    before = world.environment(job.environment).quarantine
    may_owe = world.definition(job).cleanup is not None
    pays = job.run is not None and bool(job.run.pays)
    automatic = may_owe if before is None else before.automatic and (may_owe or not pays)
    return ev.Quarantined(
        environment=job.environment,
        job=job.id,
        reason=f"step {finding.ref.step} of job {job.id} left it dirty: {finding.found}",
        findings=(finding,),
        automatic=automatic,
    )


def note_waiting(world: World, seen: cmd.NoteWaiting) -> Iterator[ev.AnyEvent]:
    """The adapter waits for something, or goes on."""
    _, step = attempt(world, seen.ref)
    if not step.active:
        stale(seen.ref, step.phase)
    if step.waiting_for != seen.text:
        yield ev.StepWaiting(ref=seen.ref, text=seen.text)


def note_warning(world: World, seen: cmd.NoteWarning) -> Iterator[ev.AnyEvent]:
    """The adapter warns; the same warning again is not repeated."""
    _, step = attempt(world, seen.ref)
    if not step.active:
        stale(seen.ref, step.phase)
    if seen.text not in step.warnings:
        yield ev.StepWarned(ref=seen.ref, text=seen.text)


def is_asked_to_stop(step: Step) -> bool:
    """Whether a step whose adapter is at work was asked to stop before its tool ended."""
    acquiring = isinstance(step.phase, Acquiring) and step.phase.stop is not None
    return acquiring or isinstance(step.phase, Cancelling)


def intend(
    world: World, seen: cmd.IntendProcess | cmd.NoteCall, now: Instant
) -> Iterator[ev.AnyEvent]:
    """A process or a call is about to begin. After a stop nothing new begins in acquire and apply;
    what asks for the stop, and what cleans up, does."""
    job, step = attempt(world, seen.ref)
    stoppable = seen.record.phase in STOPPABLE
    if not step.active or (stoppable and isinstance(step.phase, CleaningUp)):
        stale(seen.ref, step.phase)
    finishes_call = isinstance(seen, cmd.NoteCall) and seen.record.done
    if is_asked_to_stop(step) and stoppable and not finishes_call:
        raise StopComesFirst(f"a stop of step {step.name} was asked for")
    if isinstance(step.phase, Acquiring) and world.step_definition(job, step.name).touches:
        yield from incur(world, job, now)
    if seen.record not in step.records:
        yield ev.StepRecorded(ref=seen.ref, record=seen.record)


def attempt(world: World, ref: StepRef) -> tuple[Job, Step]:
    """The open job and its step, if this attempt is its present one. Raises StaleObservation."""
    job = world.jobs.get(ref.job)
    if job is None:
        raise StaleObservation(f"job {ref.job} has ended")
    place = world.plan(job).places.get(ref.step, len(job.steps))
    step = job.steps[place] if place < len(job.steps) else None
    if step is None or step.attempt != ref.attempt:
        raise StaleObservation(f"attempt {ref.attempt} of step {ref.step} is over")
    return job, step


def stale(ref: StepRef, phase: StepPhase) -> NoReturn:
    """Raise StaleObservation, naming the phase that the step is in."""
    raise StaleObservation(f"step {ref.step} of job {ref.job} is in {type(phase).__name__} now")


def _stopped(job: Job, step: Step, stop: Stop, world: World, reason: str) -> Ending:
    return _judged(world, job, step, conclusion_of(stop), reason=reason or stop_text(stop))
