"""Why a step did not run or was stopped, in the words of every view, event and log."""

from orchestrator.core.language.model import Cause, Ending, Finished, Step, Stop
from orchestrator.core.language.printable import printable
from orchestrator.core.language.words import StepConclusion, StopCause

_SENTENCES = {
    StepConclusion.HALTED: "halted by {}",
    StepConclusion.CANCELLED: "{} was cancelled",
    StepConclusion.TIMED_OUT: "{} timed out",
    StepConclusion.LOST: "{} is lost",
}


def stopped_by_step(step: str, ending: Ending) -> str:
    """`halted by plan (exit 0: no changes)`, `build failed (exit 1)`."""
    return _SENTENCES.get(ending.conclusion, "{} failed").format(step) + _detail(ending)


def skipped_by_step(step: str, ending: Ending) -> str:
    """`skipped by canary (exit 3)`."""
    return f"skipped by {step}{_detail(ending)}"


def stopped_by_request(stop: Stop) -> str:
    """`the job was cancelled by ada`, `the job was rejected by ada`, `the job has expired: …`,
    `the job timed out: …`."""
    if stop.cause is StopCause.TIMEOUT:
        return f"the job timed out: {stop.reason}"
    if stop.cause is StopCause.EXPIRY:
        return f"the job has expired: {stop.reason}"
    if stop.cause is StopCause.NEEDLESS:
        return f"the job was needless: {stop.reason}"
    word = "rejected" if stop.cause is StopCause.REJECTION else "cancelled"
    who = f" by {stop.by.user}" if stop.by is not None else f" ({stop.cause.value})"
    return f"the job was {word}{who}"


def stop_text(stop: Stop) -> str:
    """`stopped by ada: wrong version`, `rejected by ada`, `it waited longer than max_wait: 5s`."""
    if stop.cause in (StopCause.EXPIRY, StopCause.NEEDLESS):
        return stop.reason
    word = "rejected" if stop.cause is StopCause.REJECTION else "stopped"
    who = f"{word} by {stop.by.user}" if stop.by is not None else word
    return f"{who}: {stop.reason}" if stop.reason else who


def conclusion_of(stop: Stop) -> StepConclusion:
    """How a step ends that a stop has ended."""
    if stop.cause is StopCause.TIMEOUT:
        return StepConclusion.TIMED_OUT
    return StepConclusion.CANCELLED


def cause_of(step: Step) -> Cause | None:
    """The end of a step, as the cause of something; None while it has not ended."""
    if not isinstance(step.phase, Finished):
        return None
    ending = step.phase.ending
    return Cause(step=step.name, conclusion=ending.conclusion, exit=ending.exit)


def _detail(ending: Ending) -> str:
    details = []
    if ending.exit is not None:
        details.append(f"exit {ending.exit}")
    elif ending.signal is not None:
        details.append(ending.signal)
    if ending.reason:
        details.append(printable(ending.reason))
    return f" ({': '.join(details)})" if details else ""
