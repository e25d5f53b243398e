"""The next state of a step, given what happened to it."""

from typing import assert_never

from msgspec.structs import replace

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    AskedQuestion,
    BackingOff,
    Cancelling,
    CleaningUp,
    Ending,
    Finished,
    Force,
    Pending,
    Record,
    Step,
    StepPhase,
    Stop,
)

StepEvent = (
    ev.StepStarted
    | ev.StepApplying
    | ev.StepStopRequested
    | ev.StepForced
    | ev.StepApplied
    | ev.StepRetryScheduled
    | ev.StepRetryDue
    | ev.StepFinished
    | ev.StepNotRun
    | ev.StepWaiting
    | ev.StepWarned
    | ev.StepAsked
    | ev.StepApproved
    | ev.StepAnswered
    | ev.StepQuestionWithdrawn
    | ev.StepRecorded
)


def step_after(step: Step, event: StepEvent, at: Instant) -> Step:
    """The step after an event of its own."""
    match event:
        case ev.StepStarted():
            return _started(step, event, at)
        case ev.StepApplying():
            phase = Applying(began=_began(step.phase, at), entered=at)
            return replace(_waits_no_more(step), phase=phase)
        case ev.StepStopRequested(stop=stop):
            return replace(step, phase=_stopped(step.phase, stop, at))
        case ev.StepForced():
            force = Force(at=at, by=event.by, reason=event.reason, fired=True)
            return replace(step, phase=_forced(step.phase, force))
        case ev.StepApplied():
            return replace(
                _waits_no_more(step),
                phase=_cleaning(step.phase, event.ending, at),
                summary=event.summary,
                outputs=event.outputs,
                sensitive=event.sensitive,
            )
        case ev.StepRetryScheduled() | ev.StepRetryDue():
            return _retried(step, event, at)
        case ev.StepFinished():
            return replace(_waits_no_more(step), phase=_finished(step.phase, event, at))
        case ev.StepNotRun():
            phase_ = Finished(ended=at, ending=event.ending, cause=event.cause)
            return replace(step, phase=phase_)
        case ev.StepWaiting() | ev.StepWarned() | ev.StepRecorded():
            return _noted(step, event, at)
        case ev.StepAsked() | ev.StepApproved() | ev.StepAnswered() | ev.StepQuestionWithdrawn():
            return replace(step, questions=_asked(step.questions, event))
        case _:
            assert_never(event)


def _started(step: Step, event: ev.StepStarted, at: Instant) -> Step:
    phase = Acquiring(began=at) if event.acquires else Applying(began=at, entered=at)
    if event.ref.attempt == step.attempt:
        return replace(step, phase=phase)
    return Step(name=step.name, phase=phase, attempt=event.ref.attempt, warnings=step.warnings)


def _waits_no_more(step: Step) -> Step:
    return replace(step, waiting_for=None, waiting_since=None)


def _retried(step: Step, event: ev.StepRetryScheduled | ev.StepRetryDue, at: Instant) -> Step:
    phase = step.phase
    match event:
        case ev.StepRetryScheduled(ending=ending, seconds=seconds):
            waits = BackingOff(began=_began(phase, at), since=at, seconds=seconds, ending=ending)
            return replace(_waits_no_more(step), phase=waits)
        case ev.StepRetryDue():
            due = replace(phase, due=True) if isinstance(phase, BackingOff) else phase
            return replace(step, phase=due)
        case _:
            assert_never(event)


def _noted(
    step: Step, event: ev.StepWaiting | ev.StepWarned | ev.StepRecorded, at: Instant
) -> Step:
    match event:
        case ev.StepWaiting(text=None):
            return _waits_no_more(step)
        case ev.StepWaiting(text=text):
            since = at if step.waiting_for is None else step.waiting_since
            return replace(step, waiting_for=text, waiting_since=since)
        case ev.StepWarned(text=text):
            return replace(step, warnings=(*step.warnings, text))
        case ev.StepRecorded(record=record):
            return replace(step, records=_recorded(step.records, record))
        case _:
            assert_never(event)


def _asked(
    questions: tuple[AskedQuestion, ...],
    event: ev.StepAsked | ev.StepApproved | ev.StepAnswered | ev.StepQuestionWithdrawn,
) -> tuple[AskedQuestion, ...]:
    match event:
        case ev.StepQuestionWithdrawn(key=key):
            return tuple(question for question in questions if question.key != key)
        case ev.StepAsked(question=question):
            others = (other for other in questions if other.key != question.key)
            return (*others, question)
        case ev.StepApproved(key=key, approval=approval):
            return tuple(
                replace(asked, approvals=(*asked.approvals, approval))
                if asked.key == key
                else asked
                for asked in questions
            )
        case ev.StepAnswered(key=key, answer=answer):
            return tuple(
                replace(asked, answer=answer) if asked.key == key else asked for asked in questions
            )
        case _:
            assert_never(event)


def _began(phase: StepPhase, at: Instant) -> Instant:
    match phase:
        case Acquiring(began=began) | Applying(began=began) | Cancelling(began=began):
            return began
        case CleaningUp(began=began) | BackingOff(began=began):
            return began
        case Pending():
            return at
        case Finished(began=began_or_none):
            return began_or_none or at


def _stop_of(phase: StepPhase) -> Stop | None:
    return None if isinstance(phase, Pending | Applying) else phase.stop


def _stopped(phase: StepPhase, stop: Stop, at: Instant) -> StepPhase:
    match phase:
        case Acquiring() | CleaningUp() | BackingOff():
            return replace(phase, stop=stop)
        case Applying(began=began):
            return Cancelling(began=began, entered=at, stop=stop)
        case Pending() | Cancelling() | Finished():
            return phase


def _forced(phase: StepPhase, force: Force) -> StepPhase:
    match phase:
        case Acquiring() | Cancelling() | CleaningUp():
            return replace(phase, force=force)
        case Pending() | Applying() | BackingOff() | Finished():
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
        case Pending() | Applying() | BackingOff() | Finished():
            return False


def _recorded(records: tuple[Record, ...], new: Record) -> tuple[Record, ...]:
    """One record for each phase and key: a call's value replaces its intent."""
    others = (record for record in records if (record.phase, record.key) != (new.phase, new.key))
    return (*others, new)
