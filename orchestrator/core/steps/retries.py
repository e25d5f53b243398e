"""Which ends of a step are tried again, and when."""

from orchestrator.core.language.definition import (
    LONGEST_BACKOFF,
    OutcomeRule,
    RetryPolicy,
    StepDefinition,
)
from orchestrator.core.language.model import (
    Acquiring,
    Cancelling,
    CleaningUp,
    Ending,
    Job,
    JobCancelling,
    Step,
    StepPhase,
    Stop,
)
from orchestrator.core.language.words import Outcome, StepConclusion, StopCause
from orchestrator.core.steps.causes import conclusion_of, stop_text
from orchestrator.core.steps.outcomes import judge, most_specific

_FINAL = (StepConclusion.CANCELLED, StepConclusion.LOST)
_BY_NAME_ONLY = (StepConclusion.TIMED_OUT,)


def is_retriable(
    policy: RetryPolicy | None,
    outcome: Outcome,
    conclusion: StepConclusion,
    exit: int | None = None,
    signal: str | None = None,
    statuses: tuple[str, ...] = (),
) -> bool:
    """Whether an end is of those that the step's policy tries again.

    `conclusion` is the class and `outcome` what the outcome rules made of it. Without `on` every
    failure is; a time limit only where `on` names it; a stop, and what is lost, never.
    """
    if policy is None or conclusion in _FINAL:
        return False
    if policy.on:
        rules = tuple(OutcomeRule(match, Outcome.FAIL) for match in policy.on)
        return most_specific(rules, conclusion, exit, signal, statuses) is not None
    return outcome in (Outcome.FAIL, Outcome.WARN) and conclusion not in _BY_NAME_ONLY


def backoff_before_next(
    definition: StepDefinition, job: Job, step: Step, ending: Ending
) -> float | None:
    """Seconds until the next attempt of a step whose attempt has ended, clean; None: there is none.

    After a stop, which means nothing to a handler, and after a force nothing is tried again.
    """
    policy = definition.retry
    if policy is None or not ending.retriable or step.attempt >= policy.attempts:
        return None
    stopped = isinstance(job.phase, JobCancelling) and not definition.section.is_handler
    if stopped or _was_stopped(step.phase):
        return None
    return backoff(policy, step.attempt)


def backoff(policy: RetryPolicy, attempt: int) -> float:
    """Seconds between the end of an attempt and the next one."""
    longest = LONGEST_BACKOFF if policy.max is None else policy.max
    return min(longest, policy.backoff * policy.factor ** (attempt - 1))


def given_up(definition: StepDefinition, stop: Stop, attempt: int) -> Ending:
    """The end of a step that was asked to stop while it waited for its next attempt."""
    conclusion = conclusion_of(stop)
    attempts = definition.retry.attempts if definition.retry is not None else attempt + 1
    reason = f"{stop_text(stop)}, before attempt {attempt + 1} of {attempts}"
    return judge(
        definition.outcomes, conclusion, reason=reason, defaults=definition.default_outcomes
    )


def _was_stopped(phase: StepPhase) -> bool:
    """Whether anything but the step's own time limit asked it to stop, or it was forced."""
    match phase:
        case CleaningUp(after_force=True):
            return True
        case Acquiring(stop=stop, force=force) | CleaningUp(stop=stop, force=force):
            pass
        case Cancelling(stop=stop, force=force):
            pass
        case _:
            return False
    return force is not None or (stop is not None and stop.cause is not StopCause.TIMEOUT)
