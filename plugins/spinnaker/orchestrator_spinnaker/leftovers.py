"""What an attempt may leave behind in Spinnaker, and ending it."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import anyio

from orchestrator.plugin import CLEAN, Cleanliness, Step
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.errors import GateError, NotThere
from orchestrator_spinnaker.executions import Execution
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.links import execution_at_gate, execution_url, search_at_gate
from orchestrator_spinnaker.notes import Noted, Notes
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds
from orchestrator_spinnaker.trigger import started_as

PAUSE = 1.0
ASK_AGAIN = 10.0
IN_FLIGHT = 600.0
"""Seconds after which a post that was not answered can't be on its way any more."""


async def find(step: Step[SpinnakerSettings], limit: float) -> Cleanliness:
    """End what this attempt started and is still live; say what could not be ended or found.

    `limit` is how many seconds Gate has to answer, and what is live to stop.
    """
    noted = Notes(step.scratch).now
    if noted.posted is None and noted.execution is None:
        return CLEAN
    leftovers = Leftovers(step, noted)
    with anyio.move_on_after(limit):
        return await leftovers.settled()
    return leftovers.unsettled(limit)


class Leftovers:
    """The executions of one attempt. `seen` is what was live when Gate answered last."""

    def __init__(self, step: Step[SpinnakerSettings], noted: Noted) -> None:
        self._step = step
        self._noted = noted
        self._seen: Sequence[Execution] = ()
        self._trouble = ""
        self._asked: dict[str, float] = {}

    async def settled(self) -> Cleanliness:
        """The verdict, as soon as there is one."""
        while True:
            try:
                async with open_gate(self._step) as gate:
                    return await self._settle(gate)
            except GateError as error:
                self._trouble = str(error)
            await anyio.sleep(PAUSE)

    async def _settle(self, gate: Gate) -> Cleanliness:
        while True:
            try:
                found = await self._ours(gate)
                self._seen = [execution for execution in found if not execution.status.complete]
                if not self._seen and (found or not self._may_still_come()):
                    return await self._verdict(found)
                await self._end(gate)
                self._trouble = ""
            except GateError as error:
                self._trouble = str(error)
                await self._step.waiting_for(f"Gate to answer: {error.cause}")
            else:
                await self._step.waiting_for(self._waits_for())
            await anyio.sleep(PAUSE)

    async def _ours(self, gate: Gate) -> Sequence[Execution]:
        """All that was started by this attempt, by its id and by its correlation id."""
        by_us = await started_as(gate, self._step.config, self._noted.correlation)
        found = {execution.id: execution for execution in by_us}
        if self._noted.execution is not None:
            with suppress(NotThere):
                found[self._noted.execution] = await gate.execution(self._noted.execution)
        return tuple(found.values())

    def _may_still_come(self) -> bool:
        """Whether it is too early to say that there is none."""
        noted = self._noted
        if noted.execution is not None or noted.posted is None:
            return False
        return 0 <= utc() - noted.posted < seconds(self._step.config.settle)

    async def _end(self, gate: Gate) -> None:
        now = anyio.current_time()
        for execution in self._seen:
            asked = self._asked.get(execution.id)
            if asked is not None and (execution.canceled or now - asked < ASK_AGAIN):
                continue
            await gate.cancel(execution.id, f"cleanup of job {self._step.job.id}")
            self._step.log(
                f"execution {execution.id} is {execution.status.value}: asked Spinnaker to stop it"
            )
            self._asked[execution.id] = now

    def _waits_for(self) -> str:
        if not self._seen:
            return f"what came of the start: {self._search}"
        return f"Spinnaker to stop {' and '.join(self._url(seen.id) for seen in self._seen)}"

    # --- verdicts ----------------------------------------------------------------------------

    async def _verdict(self, found: Sequence[Execution]) -> Cleanliness:
        """Nothing of ours is live."""
        await self._step.waiting_for(None)
        for ended in found:
            self._step.log(f"execution {ended.id} is {ended.status.value}")
        if len(found) > 1:
            text = f"one start made {len(found)} executions, which have all ended: "
            return Cleanliness(
                text + ", ".join(self._url(execution.id) for execution in found),
                tuple(self._look_at(execution.id) for execution in found),
            )
        return CLEAN if found else await self._none()

    async def _none(self) -> Cleanliness:
        """Spinnaker knows of none, though there was one, or may have been."""
        since = self._noted.posted or 0.0
        what = "the start was not answered, and Spinnaker knows of no such execution"
        address = self._search
        if (id := self._noted.execution) is not None:
            since = await self._missing_since()
            what = f"Spinnaker knows of execution {id} no more"
            address = self._at_gate(id)
        end = since + IN_FLIGHT
        if utc() >= end:
            self._step.log(f"{what}, for {IN_FLIGHT:g} s now")
            return CLEAN
        when = datetime.fromtimestamp(end, UTC).strftime("%H:%M:%S UTC")
        return Cleanliness(
            f"{what} ({address}); if there is none after {when}, `{self._recheck}` finds it clean",
            (f"curl {shlex.quote(address)}",),
        )

    async def _missing_since(self) -> float:
        if self._noted.missing is None:
            missing = utc()
            await Notes(self._step.scratch).note(missing=missing)
            return missing
        return self._noted.missing

    def unsettled(self, limit: float) -> Cleanliness:
        """The verdict when so many seconds have passed without one."""
        if self._seen:
            urls = " and ".join(self._url(execution.id) for execution in self._seen)
            return Cleanliness(
                f"still live {limit:g} s after its cancel: {urls}{self._because}",
                tuple(self._cancel(execution.id) for execution in self._seen),
            )
        if self._noted.execution is not None:
            id = self._noted.execution
            text = f"whether {self._url(id)} is live could not be found out{self._because}"
            return Cleanliness(text, (self._look_at(id), self._cancel(id)))
        text = f"whether an execution was started could not be found out{self._because}"
        return Cleanliness(f"{text} ({self._search})", (f"curl {shlex.quote(self._search)}",))

    @property
    def _because(self) -> str:
        return f": {self._trouble}" if self._trouble else ""

    @property
    def _recheck(self) -> str:
        return f"orchestrator recheck {shlex.quote(self._step.environment)}"

    @property
    def _search(self) -> str:
        return search_at_gate(self._step.config, self._noted.correlation)

    def _url(self, id: str) -> str:
        return execution_url(self._step.config, self._step.config.application, id)

    def _look_at(self, id: str) -> str:
        return f"curl {shlex.quote(self._at_gate(id))}"

    def _cancel(self, id: str) -> str:
        return f"curl -X PUT {shlex.quote(self._at_gate(id) + '/cancel?reason=by+hand')}"

    def _at_gate(self, id: str) -> str:
        return execution_at_gate(self._step.config, id)
