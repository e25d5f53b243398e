"""Executions that somebody starts beside ours, which nothing in Spinnaker prevents."""

from collections.abc import Sequence
from contextlib import suppress

import anyio

from orchestrator.plugin import Step
from orchestrator_spinnaker.errors import GateError
from orchestrator_spinnaker.executions import Execution
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.links import execution_url
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds
from orchestrator_spinnaker.stages import Teller
from orchestrator_spinnaker.validity import split_conflict

POLLS = 3
"""How many pauses of the execution's own lie between two looks."""


class Others:
    """The pipeline's other executions, and those of its conflicts."""

    def __init__(
        self, step: Step[SpinnakerSettings], gate: Gate, teller: Teller, execution: str
    ) -> None:
        self._step = step
        self._gate = gate
        self._teller = teller
        self._id = execution
        self._pipelines: Sequence[str] | None = None

    async def watch(self) -> None:
        """Warn once of each that is live, until cancelled.

        What Gate does not answer here is asked again with the next look: that it is away is said
        by who follows our own.
        """
        while True:
            with suppress(GateError):
                await self._look()
            await anyio.sleep(POLLS * seconds(self._step.config.poll))

    async def _look(self) -> None:
        if self._pipelines is None:
            self._pipelines = await self._configured()
        for one in await self._gate.live(self._pipelines):
            if one.id != self._id:
                self._teller.warn_once(f"beside {one.id}", self._described(one))

    async def _configured(self) -> Sequence[str]:
        it = self._step.config
        named = [(it.application, it.pipeline), *map(split_conflict, it.conflicts)]
        return [(await self._gate.pipeline(application, name)).id for application, name in named]

    def _described(self, other: Execution) -> str:
        by = f" by {other.trigger.user}" if other.trigger.user else ""
        url = execution_url(self._step.config, other.application, other.id)
        which = f"execution {other.id} of {other.application}/{other.name}"
        return f"{which} runs beside this one, started{by} in Spinnaker: {url}"
