"""The adapter: what each phase does."""

from collections.abc import Sequence
from typing import ClassVar

from orchestrator.plugin import (
    Adapter,
    Cleanliness,
    Outcome,
    OutcomeRule,
    Problem,
    Result,
    Step,
    Traits,
)
from orchestrator_spinnaker import check, conflicts, leftovers
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.executions import Status
from orchestrator_spinnaker.follow import Follower
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.settings import SpinnakerSettings
from orchestrator_spinnaker.trigger import Trigger

GRACE = 600.0
"""Seconds in which a cancelled execution has stopped: its running tasks are let end."""
OUTCOMES = tuple(
    OutcomeRule(f"status {status.value}", Outcome.WARN)
    for status in (Status.FAILED_CONTINUE, Status.STOPPED)
)


class SpinnakerAdapter(Adapter[SpinnakerSettings]):
    """`uses = "spinnaker"`: one execution of one pipeline."""

    name = "spinnaker"
    config_type = SpinnakerSettings
    cleanup_limit: ClassVar[float] = 60.0
    """Seconds that Gate has to answer in cleanup, and what is live to stop."""

    def traits(self, config: SpinnakerSettings) -> Traits:
        """It only waits and polls: Spinnaker works elsewhere. Its acquire looks by itself, for
        there a Gate that does not answer is waited for.
        """
        return Traits(
            touches=True, takes_slot=False, grace=GRACE, outcomes=OUTCOMES, checked_first=False
        )

    async def check(self, step: Step[SpinnakerSettings]) -> Sequence[Problem]:
        """Gate, credentials, pipelines and parameters, read-only."""
        return await check.problems(step)

    async def acquire(self, step: Step[SpinnakerSettings]) -> None:
        """The same, patiently, and then nothing live that ours must not run beside."""
        await conflicts.acquire(step)

    async def apply(self, step: Step[SpinnakerSettings]) -> Result:
        """One execution, followed to its end."""
        notes = Notes(step.scratch)
        async with open_gate(step) as gate:
            execution = await Trigger(step, gate, notes).started()
            return await Follower(step, gate, notes, execution).to_the_end()

    async def cancel(self, step: Step[SpinnakerSettings]) -> None:
        """Nothing: `apply` sees the stop, and it alone knows whether there is an execution."""

    async def cleanup(self, step: Step[SpinnakerSettings]) -> Cleanliness:
        """End what this attempt started and is live, and look whether it has ended."""
        return await leftovers.find(step, self.cleanup_limit)
