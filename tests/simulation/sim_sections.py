"""Sections: which steps may begin when, which handlers must run, and how the job then ends."""

from orchestrator.core.language import events as ev
from orchestrator.core.language.model import StepRef, Stop
from orchestrator.core.language.words import JobConclusion, Section, StepConclusion, StopCause
from tests.simulation.sim_seen import Seen

BY_STOP = {
    StopCause.TIMEOUT: JobConclusion.TIMED_OUT,
    StopCause.REJECTION: JobConclusion.REJECTED,
    StopCause.EXPIRY: JobConclusion.EXPIRED,
}
BAD = (StepConclusion.FAILURE, StepConclusion.TIMED_OUT, StepConclusion.LOST)


def is_handler(seen: Seen, step: str) -> bool:
    """Whether a step follows the verdict on the others."""
    return seen.step(step).section not in (Section.BEFORE, Section.STEPS)


def check_sections(seen: Seen, ref: StepRef, event: ev.AnyEvent) -> None:
    """Called before the event is noted."""
    match event:
        case ev.StepStarted():
            _check_order(seen, ref)
        case ev.StepFinished() | ev.StepRetryScheduled():
            seen.at_work.discard(ref.step)
        case ev.StepStopRequested(stop=stop) if is_handler(seen, ref.step):
            own = stop.cause is StopCause.TIMEOUT and stop.reason.startswith("timeout of the step")
            assert own or seen.handlers_forced, f"handler {ref} was asked to stop: {stop}"
        case ev.StepForced() if is_handler(seen, ref.step):
            late = "its grace" in event.reason or "cleanup_timeout" in event.reason
            assert late or seen.handlers_forced, f"handler {ref} was forced: {event.reason}"
        case ev.StepNotRun(ending=ending):
            assert ending.reason, f"{ref} did not run, and nobody knows why"
            _check_cause(seen, ref, event)


def _check_order(seen: Seen, ref: StepRef) -> None:
    definition = seen.step(ref.step)
    order = list(Section)
    for other in seen.definition.pipeline.steps:
        earlier = order.index(other.section) < order.index(definition.section)
        told = f"{ref} of {definition.section.value} began, {other.name} of {other.section.value}"
        assert not earlier or other.name in seen.steps, f"{told} had not ended"
        assert other.section is definition.section or other.name not in seen.at_work, told
    if definition.section is Section.BEFORE:
        assert seen.admitted is None, f"{ref} is of before, and began after the admission"
    if definition.section is Section.STEPS:
        assert seen.admitted is not None, f"{ref} began without an admission"
    if not is_handler(seen, ref.step):
        assert seen.stop is None, f"{ref} began after {seen.stop}"
    seen.at_work.add(ref.step)
    beside = [one for one in seen.at_work if seen.step(one).matrix_of == definition.matrix_of]
    if definition.matrix_of is not None and definition.max_parallel is not None:
        assert len(beside) <= definition.max_parallel, f"{beside} at once"


def _check_cause(seen: Seen, ref: StepRef, event: ev.StepNotRun) -> None:
    if event.cause is None:
        seen.unrun_without_cause.add(ref.step)
    if event.cause is not None:
        assert seen.steps.get(event.cause.step) is event.cause.conclusion, f"{ref}: {event}"
    elif not is_handler(seen, ref.step):
        assert seen.stop is not None, f"{ref} did not run, without a cause: {event.ending.reason}"


def see_stop(seen: Seen, event: ev.JobStopRequested | ev.JobForceRequested | ev.JobForced) -> None:
    """A job is asked to stop, or forced."""
    seen.stopped = True
    match event:
        case ev.JobStopRequested():
            _check_stop(seen, event)
        case ev.JobForceRequested(of_handlers=of_handlers):
            seen.force_is_of_handlers = of_handlers
        case ev.JobForced():
            seen.handlers_forced |= seen.force_is_of_handlers


def _check_stop(seen: Seen, event: ev.JobStopRequested) -> None:
    """A stop that comes when only handlers are left changes no verdict."""
    left = [
        step.name
        for step in seen.definition.pipeline.steps
        if step.section in (Section.BEFORE, Section.STEPS) and step.name not in seen.steps
    ]
    assert event.after_steps is (not left), f"job {event.job}: {event}, and {left} had not ended"
    assert seen.stop is None, f"job {event.job} was asked to stop twice"
    seen.stop, seen.stopped_after_steps = event.stop, event.after_steps


def verdict(seen: Seen) -> JobConclusion:
    """How a job's steps ended, handlers left out."""
    ends = {name: one for name, one in seen.steps.items() if not is_handler(seen, name)}
    stop: Stop | None = None if seen.stopped_after_steps else seen.stop
    if StepConclusion.LOST in ends.values():
        return JobConclusion.LOST
    halted = StepConclusion.HALTED in ends.values()
    unfinished = [
        name
        for name, one in ends.items()
        if one in (*BAD, StepConclusion.CANCELLED, StepConclusion.NOT_RUN)
        and not (one is StepConclusion.CANCELLED and name in seen.gave_way)
        and not (one is StepConclusion.NOT_RUN and halted and name not in seen.unrun_without_cause)
    ]
    if stop is not None and unfinished:
        return BY_STOP.get(stop.cause, JobConclusion.CANCELLED)
    bad = [ends[name] for name in unfinished if ends[name] is not StepConclusion.NOT_RUN]
    if StepConclusion.TIMED_OUT in bad:
        return JobConclusion.TIMED_OUT
    return JobConclusion.FAILURE if bad else JobConclusion.SUCCESS


def check_handlers(seen: Seen, event: ev.JobEnded) -> None:
    """At the end of a job: each handler that its verdict calls has run, and no other."""
    found = verdict(seen)
    warned = StepConclusion.WARNING in [
        one for name, one in seen.steps.items() if not is_handler(seen, name)
    ]
    called = {
        Section.ON_SUCCESS: found is JobConclusion.SUCCESS,
        Section.ON_WARNING: found is JobConclusion.SUCCESS and warned,
        Section.ON_FAILURE: found not in (JobConclusion.SUCCESS, JobConclusion.CANCELLED),
        Section.ON_CANCEL: found is JobConclusion.CANCELLED,
        Section.FINALLY: True,
    }
    begun = any(name in seen.attempts for name in seen.steps)
    for step in seen.definition.pipeline.steps:
        if not is_handler(seen, step.name):
            continue
        ran = step.name in seen.attempts
        told = f"job {event.job} ended as {found.value}; {step.name} ran: {ran}"
        assert begun or not ran, told
        assert called[step.section] or not ran, told
        untouchable = step.surely_touches and seen.admitted is None
        assert not (untouchable and ran), told
        skipped = step.name not in seen.unrun_without_cause and step.name not in seen.attempts
        excused = untouchable or seen.handlers_forced or not begun or skipped
        assert ran or excused or not called[step.section], told
    _check_conclusion(seen, event, found)


def _check_conclusion(seen: Seen, event: ev.JobEnded, found: JobConclusion) -> None:
    ends = [one for name, one in seen.steps.items() if is_handler(seen, name)]
    told = f"job {event.job} ended as {event.conclusion.value}, its steps as {seen.steps}"
    if StepConclusion.LOST in ends:
        assert event.conclusion is JobConclusion.LOST, told
    elif found is JobConclusion.SUCCESS and StepConclusion.CANCELLED in ends:
        assert event.conclusion is JobConclusion.CANCELLED and seen.handlers_forced, told
    elif found is JobConclusion.SUCCESS and any(end in BAD for end in ends):
        assert event.conclusion is JobConclusion.FAILURE, told
    else:
        assert event.conclusion is found, told
    if event.conclusion in (JobConclusion.REJECTED, JobConclusion.EXPIRED):
        assert seen.admitted is None, told
