"""Looking, read-only, whether a step could run."""

from orchestrator.plugin import Problem, Step
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.conflicts import pipelines
from orchestrator_spinnaker.errors import GateError
from orchestrator_spinnaker.settings import SpinnakerSettings


async def problems(step: Step[SpinnakerSettings]) -> tuple[Problem, ...]:
    """Whether Gate answers, lets us in, and knows the pipelines."""
    try:
        async with open_gate(step) as gate:
            await pipelines(gate, step.config)
    except GateError as error:
        return (Problem("gate", str(error)),)
    return ()
