"""Executions that ours must not run beside, whoever started them."""

from collections.abc import Sequence

from orchestrator.plugin import Step
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.executions import Execution, PipelineConfig
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.pace import Pace
from orchestrator_spinnaker.patience import patiently
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds
from orchestrator_spinnaker.validity import split_conflict


async def acquire(step: Step[SpinnakerSettings]) -> None:
    """Return when nothing of the pipeline and of its conflicts is live."""
    async with open_gate(step) as gate:
        configs = await patiently(step, lambda: pipelines(gate, step.config))
        ids = [config.id for config in configs]
        pace = Pace(seconds(step.config.poll))
        seen: tuple[str, ...] = ()
        while found := await live_others(gate, step, ids):
            await step.waiting_for(f"execution {found[0].id} of {found[0].name}")
            await pace.pause(changed=seen != (seen := tuple(one.id for one in found)))
        await step.waiting_for(None)


async def pipelines(gate: Gate, settings: SpinnakerSettings) -> tuple[PipelineConfig, ...]:
    """The pipeline itself and then its conflicts. Raises NotThere, and what every call may."""
    named = [(settings.application, settings.pipeline), *map(split_conflict, settings.conflicts)]
    return tuple([await gate.pipeline(application, name) for application, name in named])


async def live_others(
    gate: Gate, step: Step[SpinnakerSettings], config_ids: Sequence[str], own_id: str | None = None
) -> tuple[Execution, ...]:
    """Live executions of these pipelines but our own; patiently."""
    found = await patiently(step, lambda: gate.live(config_ids))
    return tuple(one for one in found if one.id != own_id)
