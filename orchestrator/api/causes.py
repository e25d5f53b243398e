"""Why a step did not run, as the wire shows it."""

from orchestrator.api import wire
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import Cause, Finished, Job, Step
from orchestrator.core.language.words import StepConclusion


def cause(job: Job, step: Step, definition: StepDefinition) -> wire.Cause | None:
    """What decided that a step did not run; a step that halted the job is its own cause."""
    end = step.phase
    if not isinstance(end, Finished):
        return None
    conclusion = end.ending.conclusion
    if end.cause is not None:
        return _of_step(end.cause)
    if conclusion is StepConclusion.HALTED:
        return _of_step(Cause(step=step.name, conclusion=conclusion, exit=end.ending.exit))
    if conclusion.ran:
        return None
    if conclusion is StepConclusion.NOT_RUN:
        return unreached(job)
    # A handler that is not called is skipped before its own condition is asked.
    own = definition.when is not None and end.ending.reason.startswith("when ")
    return wire.Cause(type="when" if own else "job")


def unreached(job: Job) -> wire.Cause:
    """The cause of a step that a job did not come to, though no step was in the way."""
    if job.stop is None:
        return wire.Cause(type="job")
    return wire.Cause(type="stop", conclusion=job.stop.cause.value)


def _of_step(found: Cause) -> wire.Cause:
    return wire.Cause(
        type="step", step=found.step, conclusion=found.conclusion.value, exit=found.exit
    )
