"""Executions that somebody starts beside ours, which nothing in Spinnaker prevents."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import anyio

from orchestrator.plugin import Step
from orchestrator_spinnaker.errors import GateError, NotAllowed, NotThere
from orchestrator_spinnaker.executions import Execution
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.links import execution_url
from orchestrator_spinnaker.patience import patiently
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

    async def look_back(self, own: Execution) -> None:
        """Warn of those that came and went between two looks, now that ours has ended."""
        with suppress(NotThere, NotAllowed):
            for pipeline in await patiently(self._step, self._watched):
                for execution in await patiently(self._step, partial(self._gate.recent, pipeline)):
                    if ran_beside(execution, own):
                        self._warn(execution, "ran")

    async def _look(self) -> None:
        for execution in await self._gate.live(await self._watched()):
            if execution.id != self._id:
                self._warn(execution, "runs")

    async def _watched(self) -> Sequence[str]:
        if self._pipelines is None:
            it = self._step.config
            named = [(it.application, it.pipeline), *map(split_conflict, it.conflicts)]
            configs = [await self._gate.pipeline(application, name) for application, name in named]
            self._pipelines = [config.id for config in configs]
        return self._pipelines

    def _warn(self, other: Execution, runs: str) -> None:
        by = f" by {other.trigger.user}" if other.trigger.user else ""
        if other.trigger.is_a_jobs:
            where = "for another job: environments that start the same pipelines can share a lock"
        else:
            where = "in Spinnaker"
        url = execution_url(self._step.config, other.application, other.id)
        which = f"execution {other.id} of {other.application}/{other.name}"
        text = f"{which} {runs} beside this one, started{by} {where}: {url}"
        self._teller.warn_once(f"beside {other.id}", text)


def ran_beside(other: Execution, own: Execution) -> bool:
    """Whether an execution was at work while ours was, which has ended."""
    if other.id == own.id or other.start_time is None:
        return False
    if own.start_time is None or own.end_time is None:
        return False
    over_before = other.end_time is not None and other.end_time <= own.start_time
    return other.start_time < own.end_time and not over_before
