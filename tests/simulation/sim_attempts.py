"""Whether a step was allowed to begin, by what the journal said of the steps that it needs."""

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Cause, StepRef
from orchestrator.core.language.words import StepConclusion
from tests.simulation.sim_sections import is_handler
from tests.simulation.sim_seen import Seen

MEETS = (StepConclusion.SUCCESS, StepConclusion.WARNING, StepConclusion.SKIPPED)


def check_attempts(seen: Seen, ref: StepRef, event: ev.AnyEvent, at: Instant) -> None:
    """Needs are met, attempts follow each other after their wait, and skips have a rule."""
    match event:
        case ev.StepStarted():
            _check_start(seen, ref, at)
        case ev.StepRetryScheduled(seconds=seconds, ending=ending):
            policy = seen.step(ref.step).retry
            told = f"{ref} is tried again after {ending}"
            assert policy is not None and ref.attempt < policy.attempts, told
            assert seen.stop is None or is_handler(seen, ref.step), told
            assert ref.step not in seen.forced, told
            assert ref.step not in seen.gave_way, told
            seen.stops.discard(ref.step)
            seen.due[ref.step] = _later(at, seconds)
        case ev.StepFinished(ending=ending, finding=None) if ending.retriable:
            _check_end(seen, ref)
        case ev.StepNotRun(ending=ending, cause=cause):
            if ending.conclusion is StepConclusion.SKIPPED and not _uncalled(seen, ref, cause):
                assert cause is not None, f"{ref} was skipped by nothing"
                rules = seen.step(cause.step).outcomes
                assert any(ref.step in rule.skip for rule in rules), f"{ref} was skipped by {cause}"


def _check_end(seen: Seen, ref: StepRef) -> None:
    """A step that could have been tried again was not: it was stopped, or had its attempts."""
    policy = seen.step(ref.step).retry
    stopped = seen.stop is not None and not is_handler(seen, ref.step)
    excused = stopped or ref.step in seen.stops or ref.step in seen.forced
    assert excused or (policy is not None and ref.attempt >= policy.attempts), f"{ref} gave up"


def _uncalled(seen: Seen, ref: StepRef, cause: Cause | None) -> bool:
    """Whether it is a handler that the verdict does not call; that is looked at in the end."""
    return cause is None and is_handler(seen, ref.step)


def _check_start(seen: Seen, ref: StepRef, at: Instant) -> None:
    before = seen.attempts.get(ref.step, 0)
    assert ref.attempt == before + 1, f"{ref} follows attempt {before}"
    seen.attempts[ref.step] = ref.attempt
    handler = is_handler(seen, ref.step)
    for need in seen.step(ref.step).needs:
        one = seen.steps.get(need)
        assert one in MEETS or (handler and one is not None), f"{ref} began, and {need} was {one}"
    ended = {name: one for name, one in seen.steps.items() if one not in MEETS}
    if ref.attempt == 1:
        assert handler or not ended, f"{ref} began after {ended}"
        return
    due = seen.due.pop(ref.step)
    early = due.boot - at.boot if due.boot_id == at.boot_id else 0
    assert early <= 0, f"{ref} began {early} ms too early"


def _later(at: Instant, seconds: float) -> Instant:
    wait = round(seconds * 1000)
    return Instant(utc=at.utc + wait, boot=at.boot + wait, boot_id=at.boot_id)
