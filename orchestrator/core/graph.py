"""Which steps of a running job may begin, and which will never."""

from collections.abc import Mapping

import msgspec

from orchestrator.core.definition import StepDefinition
from orchestrator.core.model import Cause, Ending, Finished, Job, JobCancelling, Pending, Step, Stop
from orchestrator.core.words import Outcome, StepConclusion


class NextSteps(msgspec.Struct, frozen=True):
    """What can be said of the pending steps now: these may begin, those will not run."""

    ready: tuple[str, ...] = ()
    never: tuple[tuple[str, Ending, Cause | None], ...] = ()


def next_steps(job: Job, definitions: Mapping[str, StepDefinition]) -> NextSteps:
    """Look at every pending step once."""
    pending = [step for step in job.steps if isinstance(step.phase, Pending)]
    if not pending:
        return NextSteps()
    if isinstance(job.phase, JobCancelling):
        ending = not_run(_stopped_text(job.phase.stop))
        return NextSteps(never=tuple((step.name, ending, None) for step in pending))
    stopper = _stopper(job)
    if stopper is not None:
        ending, cause = not_run(_stopper_text(stopper)), _cause(stopper)
        return NextSteps(never=tuple((step.name, ending, cause) for step in pending))
    by_name = {step.name: step for step in job.steps}
    ready = tuple(
        step.name
        for step in pending
        if all(_met(by_name[need]) for need in definitions[step.name].needs)
    )
    return NextSteps(ready=ready)


def not_run(reason: str) -> Ending:
    """The ending of a step that was never reached."""
    return Ending(
        conclusion=StepConclusion.NOT_RUN, outcome=Outcome.CONTINUE, exit=None, reason=reason
    )


def _met(step: Step) -> bool:
    return isinstance(step.phase, Finished) and step.phase.ending.conclusion.meets_needs


def _stopper(job: Job) -> Step | None:
    """The first step whose end stops the job."""
    for step in job.steps:
        if isinstance(step.phase, Finished) and step.phase.ending.outcome in (
            Outcome.FAIL,
            Outcome.HALT,
        ):
            return step
    return None


def _cause(step: Step) -> Cause | None:
    if not isinstance(step.phase, Finished):
        return None
    ending = step.phase.ending
    return Cause(step=step.name, conclusion=ending.conclusion, exit=ending.exit)


def _stopper_text(step: Step) -> str:
    if not isinstance(step.phase, Finished):
        return ""
    ending = step.phase.ending
    details = []
    if ending.exit is not None:
        details.append(f"exit {ending.exit}")
    elif ending.signal is not None:
        details.append(ending.signal)
    if ending.reason:
        details.append(ending.reason)
    detail = f" ({': '.join(details)})" if details else ""
    match ending.conclusion:
        case StepConclusion.HALTED:
            return f"halted by {step.name}{detail}"
        case StepConclusion.CANCELLED:
            return f"needs {step.name}, which was cancelled{detail}"
        case StepConclusion.TIMED_OUT:
            return f"needs {step.name}, which timed out{detail}"
        case StepConclusion.LOST:
            return f"needs {step.name}, which is lost{detail}"
        case _:
            return f"needs {step.name}, which failed{detail}"


def _stopped_text(stop: Stop) -> str:
    who = f" by {stop.by.user}" if stop.by is not None else f" ({stop.cause.value})"
    return f"the job was cancelled{who}"
