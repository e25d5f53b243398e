"""The adapter: what each phase does."""

from orchestrator.plugin import Adapter, Result, Step, Traits
from orchestrator_spinnaker.settings import SpinnakerSettings

GRACE = 600.0
"""Seconds in which a cancelled execution has stopped: its running tasks are let end."""


class SpinnakerAdapter(Adapter[SpinnakerSettings]):
    """`uses = "spinnaker"`: one execution of one pipeline."""

    name = "spinnaker"
    config_type = SpinnakerSettings

    def traits(self, config: SpinnakerSettings) -> Traits:
        """It only waits and polls: Spinnaker works elsewhere."""
        return Traits(touches=True, takes_slot=False, grace=GRACE)

    async def apply(self, step: Step[SpinnakerSettings]) -> Result:
        """One execution, followed to its end."""
        raise NotImplementedError
