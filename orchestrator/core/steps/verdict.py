"""One conclusion from how the steps of a job ended, and what its handlers are told of it."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import Finished, Job, JobCancelling, JobFinished, Stop
from orchestrator.core.language.words import JobConclusion, Section, StepConclusion, StopCause

_BY_STOP = {
    StopCause.TIMEOUT: JobConclusion.TIMED_OUT,
    StopCause.REJECTION: JobConclusion.REJECTED,
    StopCause.EXPIRY: JobConclusion.EXPIRED,
}
_UNFINISHED = (
    StepConclusion.CANCELLED,
    StepConclusion.TIMED_OUT,
    StepConclusion.NOT_RUN,
    StepConclusion.FAILURE,
)
_FAILED = (StepConclusion.FAILURE, StepConclusion.TIMED_OUT, StepConclusion.LOST)


class Verdict(msgspec.Struct, frozen=True):
    """How the steps of a job ended, handlers left out. `failed_step` is the first that failed."""

    conclusion: JobConclusion
    warnings: bool = False
    failed_step: str | None = None

    def calls(self, section: Section) -> bool:
        """Whether the handlers of a section are for this verdict."""
        match section:
            case Section.ON_SUCCESS:
                return self.conclusion is JobConclusion.SUCCESS
            case Section.ON_WARNING:
                return self.conclusion is JobConclusion.SUCCESS and self.warnings
            case Section.ON_CANCEL:
                return self.conclusion is JobConclusion.CANCELLED
            case Section.ON_FAILURE:
                return self.conclusion not in (JobConclusion.SUCCESS, JobConclusion.CANCELLED)
            case Section.BEFORE | Section.STEPS | Section.FINALLY:
                return True


def conclusion_of_stop(stop: Stop) -> JobConclusion:
    """How a job ends that a stop has ended."""
    return _BY_STOP.get(stop.cause, JobConclusion.CANCELLED)


def verdict(job: Job, steps: Sequence[StepDefinition]) -> Verdict:
    """How the steps of a job ended, as far as they have. `steps` are their definitions."""
    ends = list(_ends(job, steps, handlers=False))
    conclusions = [end.ending.conclusion for _, end in ends]
    failed = (name for name, end in ends if end.ending.conclusion in _FAILED)
    return Verdict(
        conclusion=_conclusion(job, [end for _, end in ends]),
        warnings=StepConclusion.WARNING in conclusions,
        failed_step=next(failed, None),
    )


def concluded(job: Job, steps: Sequence[StepDefinition]) -> JobConclusion:
    """The conclusion of a job whose steps have all ended, handlers too.

    A handler can spoil a success, and can mend nothing.
    """
    conclusion = verdict(job, steps).conclusion
    ends = [end.ending.conclusion for _, end in _ends(job, steps, handlers=True)]
    if StepConclusion.LOST in ends:
        return JobConclusion.LOST
    if conclusion is not JobConclusion.SUCCESS:
        return conclusion
    if StepConclusion.CANCELLED in ends:
        return JobConclusion.CANCELLED
    if any(end in (StepConclusion.FAILURE, StepConclusion.TIMED_OUT) for end in ends):
        return JobConclusion.FAILURE
    return conclusion


def _ends(
    job: Job, steps: Sequence[StepDefinition], *, handlers: bool
) -> Iterator[tuple[str, Finished]]:
    for step, definition in zip(job.steps, steps, strict=False):
        if definition.section.is_handler is handlers and isinstance(step.phase, Finished):
            yield step.name, step.phase


def _conclusion(job: Job, ends: Iterable[Finished]) -> JobConclusion:
    conclusions = [end.ending.conclusion for end in ends if not _is_due_to_halt(end)]
    # LOST before the stop: nobody knows how that tool ended, and `cancelled` would say that it had
    # stopped.
    if StepConclusion.LOST in conclusions:
        return JobConclusion.LOST
    stop = _stop_before_verdict(job)
    if stop is not None and any(conclusion in _UNFINISHED for conclusion in conclusions):
        return conclusion_of_stop(stop)
    if StepConclusion.TIMED_OUT in conclusions:
        return JobConclusion.TIMED_OUT
    if any(
        conclusion in (StepConclusion.FAILURE, StepConclusion.CANCELLED)
        for conclusion in conclusions
    ):
        return JobConclusion.FAILURE
    return JobConclusion.SUCCESS


def _stop_before_verdict(job: Job) -> Stop | None:
    match job.phase:
        # Not one that came while handlers ran: a job that had failed by then would be called
        # cancelled (decision 0010).
        case JobCancelling(stop=stop, after_steps=False):
            return stop
        case JobFinished(stop=ended_by):
            return ended_by
        case _:
            return None


def _is_due_to_halt(end: Finished) -> bool:
    """Whether a step did not run, or was stopped, because another one had halted the job."""
    match end.ending.conclusion:
        case StepConclusion.NOT_RUN:
            return end.cause is not None and end.cause.conclusion is StepConclusion.HALTED
        case StepConclusion.CANCELLED:
            return end.stop is not None and end.stop.cause is StopCause.HALT
        case _:
            return False
