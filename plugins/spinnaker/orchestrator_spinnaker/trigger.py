"""Starting the one execution of an attempt, whatever is lost on the way."""

import uuid
from collections.abc import Sequence
from functools import partial

import anyio

from orchestrator.plugin import CallLost, NotDone, Step, StopRequested
from orchestrator_spinnaker import parameters
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.errors import GateAway, GateError, NotTaken, NotThere
from orchestrator_spinnaker.executions import CORRELATION, Execution
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.links import search_at_gate
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.patience import growing_pauses, patiently, visibly
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds

SEARCH_PAUSE = 1.0


class Trigger:
    """One post for each attempt: while its outcome is not known there is no other."""

    def __init__(self, step: Step[SpinnakerSettings], gate: Gate, notes: Notes) -> None:
        self._step = step
        self._gate = gate
        self._notes = notes

    async def started(self) -> str:
        """The id of this attempt's execution, started now or before.

        Raises StopRequested, CallLost (nobody can know), and GateError where nothing was started.
        """
        self._correlation = await self._step.once("correlation", new_correlation, recover=_harmless)
        found = await self._step.once("trigger", self._post, recover=self._recover)
        await self._step.waiting_for(None)
        return found

    async def _post(self) -> str:
        pauses = growing_pauses()
        while True:
            try:
                id = await self._send()
            except NotTaken as error:
                await self._before_next_post(error, next(pauses))
            except GateAway as error:
                self._step.log(f"whether the pipeline was started is not known: {error}")
                id = await self._search()
                self._step.log(f"it was: execution {id}")
                return id
            else:
                await self._notes.note(execution=id)
                return id

    async def _send(self) -> str:
        """Post; what is certain not to have been sent or taken is written down as such."""
        it = self._step.config
        given = parameters.sent(it.parameters)
        post = partial(self._gate.trigger, it.application, it.pipeline, given, self._correlation)
        await self._notes.note(correlation=self._correlation, posted=utc())
        try:
            return await visibly(self._step, post)
        except GateError as error:
            if isinstance(error, NotTaken) or not isinstance(error, GateAway):
                await self._notes.note(posted=None)
            raise

    async def _before_next_post(self, error: NotTaken, pause: float) -> None:
        self._raise_if_stopped()
        await self._step.waiting_for(f"Gate to answer: {error}")
        await anyio.sleep(pause)
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._step.stop is not None:
            raise StopRequested("a stop came before Gate could be reached")

    async def _recover(self) -> str | NotDone:
        noted = self._notes.now
        if noted.execution is not None:
            return noted.execution
        if noted.posted is None:
            return NotDone()
        self._step.log("whether the pipeline was started is not known: the daemon ended meanwhile")
        return await self._search()

    async def _search(self) -> str:
        """The execution with our correlation id. Raises CallLost when there is none, or several."""
        it = self._step.config
        settle = seconds(it.settle)
        first: float | None = None
        while True:
            found = await patiently(self._step, self._correlated, waits_out=GateError)
            if found:
                return await self._only(found)
            now = anyio.current_time()
            first = now if first is None else first
            if now - first >= settle:
                raise CallLost(
                    f"the start of {it.application}/{it.pipeline} was not answered, and {it.settle}"
                    f" later Spinnaker knows of no such execution: {self._address}"
                )
            await self._step.waiting_for(f"what came of the start: {self._address}")
            await anyio.sleep(min(SEARCH_PAUSE, settle))

    async def _correlated(self) -> Sequence[str]:
        return ids(await started_as(self._gate, self._step.config, self._correlation))

    async def _only(self, found: Sequence[str]) -> str:
        if len(found) > 1:
            raise CallLost(f"one start made {len(found)} executions: {', '.join(found)}")
        await self._notes.note(execution=found[0])
        return found[0]

    @property
    def _address(self) -> str:
        return search_at_gate(self._step.config, self._correlation)


async def started_as(
    gate: Gate, settings: SpinnakerSettings, correlation: str
) -> Sequence[Execution]:
    """Executions with this correlation id.

    An Orca on redis can lose one from the list that it searches, where it was searched at the very
    moment at which it was stored; so where there is none the pipeline's own list counts too.
    """
    if found := await gate.correlated(settings.application, correlation):
        return found
    try:
        pipeline = await gate.pipeline(settings.application, settings.pipeline)
    except NotThere:
        return ()  # taken away meanwhile
    recent = await gate.recent(pipeline.id)
    return [execution for execution in recent if execution.trigger.correlation_id == correlation]


async def new_correlation() -> str:
    """An id that no other execution has."""
    return f"{CORRELATION}{uuid.uuid4()}"


async def _harmless() -> NotDone:
    """An id that nobody has seen may be made anew."""
    return NotDone()


def ids(found: Sequence[Execution]) -> Sequence[str]:
    """Of executions, each once."""
    return tuple(dict.fromkeys(execution.id for execution in found))
