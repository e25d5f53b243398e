"""Following one execution to its end, and asking Spinnaker to stop it."""

from typing import Any

import anyio

from orchestrator.plugin import CallLost, Result, Step
from orchestrator_spinnaker import results
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.errors import GateAway, GateError, NotThere
from orchestrator_spinnaker.executions import Execution, Status
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.judgments import JUDGMENT, Judgments, is_open, judged
from orchestrator_spinnaker.links import execution_url
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.others import Others
from orchestrator_spinnaker.pace import Pace
from orchestrator_spinnaker.patience import patiently
from orchestrator_spinnaker.settings import OnManualJudgment, SpinnakerSettings, seconds
from orchestrator_spinnaker.stages import Teller
from orchestrator_spinnaker.times import duration

LOOK_PAUSE = 1.0
ASK_AGAIN = 10.0
"""Seconds after which a cancel that had no effect is asked for again."""


class Follower:
    """One execution, from the outside."""

    def __init__(
        self, step: Step[SpinnakerSettings], gate: Gate, notes: Notes, execution: str
    ) -> None:
        self._step = step
        self._gate = gate
        self._notes = notes
        self._id = execution
        self._teller = Teller(step, notes)
        self._url = execution_url(step.config, step.config.application, execution)
        self._asked: float | None = None

    async def to_the_end(self) -> Result:
        """The result, when the execution is complete. Raises CallLost when it has vanished."""
        self._teller.once("execution", f"execution {self._id}: {self._url}")
        self._step.output("execution", self._id)
        self._step.output("url", self._url)
        others = Others(self._step, self._gate, self._teller, self._id)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(others.watch)
            execution = await self._until_complete(
                Judgments(self._step, self._gate, self._teller, self._id, self._url, tasks)
            )
            tasks.cancel_scope.cancel()
        await others.look_back(execution)
        await self._step.waiting_for(None)
        return self._result(execution)

    async def _until_complete(self, judgments: Judgments) -> Execution:
        pace = Pace(seconds(self._step.config.poll), hurried=lambda: self._step.stop is not None)
        before: Status | None = None
        while True:
            execution = await self._look()
            changed = self._teller.tell(execution) or execution.status is not before
            before = execution.status
            await judgments.look(execution)
            if execution.status.complete:
                return execution
            trouble = await self._end_if_wanted(execution, judgments)
            waits = trouble or waits_for(execution) or judgments.waits_for(execution)
            await self._step.waiting_for(waits)
            await pace.pause(changed=changed, near_end=is_near_end(execution))

    async def _look(self) -> Execution:
        """The execution as it is now, however long Gate takes to say."""
        first: float | None = None
        while (found := await patiently(self._step, self._seen, waits_out=GateError)) is None:
            now = anyio.current_time()
            if first is None:
                first = now
                await self._notes.note(missing=utc())
            if now - first >= seconds(self._step.config.settle):
                raise CallLost(f"Spinnaker knows of execution {self._id} no more: {self._url}")
            await self._step.waiting_for(f"execution {self._id}, of which Spinnaker does not know")
            await anyio.sleep(LOOK_PAUSE)
        if first is not None:
            await self._notes.note(missing=None)
        return found

    async def _seen(self) -> Execution | None:
        try:
            return await self._gate.execution(self._id)
        except NotThere:
            return None

    # --- ending it ---------------------------------------------------------------------------

    async def _end_if_wanted(self, execution: Execution, judgments: Judgments) -> str | None:
        """Ask for its end where that is wanted; what is in the way, if anything is."""
        why = await self._why_end(execution)
        if why is None:
            return None
        on_its_way = judgments.end()
        if execution.canceled:
            self._teller.once("canceled", "Spinnaker was asked to stop it")
            return None
        if on_its_way is not None:
            return on_its_way
        now = anyio.current_time()
        if self._asked is not None and now - self._asked < ASK_AGAIN:
            return None
        try:
            await self._gate.cancel(self._id, why)
        except GateAway as error:
            return f"Gate to cancel the execution: {error}"
        except GateError as error:
            self._teller.warn_once(f"not cancelled: {error}", f"it can't be cancelled: {error}")
            return None
        self._asked = now
        self._teller.once("canceled", "Spinnaker was asked to stop it")
        return None

    async def _why_end(self, execution: Execution) -> str | None:
        """Why it is to end, in words for Spinnaker; None while it may go on."""
        if (stop := self._step.stop) is not None:
            by = f"asked by {stop.user}, " if stop.user else ""
            return f"{stop.reason or stop.cause} ({by}{self._mark}"
        why = (
            self._notes.now.ended_for or self._too_long(execution) or self._not_to_judge(execution)
        )
        if why is None:
            return None
        if self._teller.once("ended for", why):
            await self._notes.note(ended_for=why)
        return f"{why} ({self._mark}"

    @property
    def _mark(self) -> str:
        """How every reason that we give to Spinnaker ends."""
        return f"job {self._step.job.id})"

    def _too_long(self, execution: Execution) -> str | None:
        timeout = self._step.config.timeout
        if timeout is None or execution.start_time is None:
            return None
        if utc() - execution.start_time / 1000 < seconds(timeout):
            return None
        return f"it ran longer than its timeout of {duration(seconds(timeout))}"

    def _not_to_judge(self, execution: Execution) -> str | None:
        if self._step.config.on_manual_judgment is not OnManualJudgment.FAIL:
            return None
        names = [f'"{stage.name}"' for stage in judged(execution) if is_open(stage)]
        if not names:
            return None
        return f"stage {names[0]} asks for a manual judgment, which is not to be waited for here"

    # --- its end -----------------------------------------------------------------------------

    def _result(self, execution: Execution) -> Result:
        found, missing = results.stage_outputs(execution, self._step.config.outputs)
        if execution.status is Status.SUCCEEDED:
            for name, source in missing.items():
                text = f'output {name}: stage "{source.stage}" has no output "{source.key}"'
                self._teller.warn_once(f"no output {name}", text)
        outputs: dict[str, Any] = {
            "execution": self._id,
            "url": self._url,
            "status": execution.status.value,
            **found,
        }
        self._teller.once("end", f"execution {execution.status.value}{_took(execution)}")
        return results.result(
            execution,
            outputs,
            asked=self._mark,
            why=self._notes.now.ended_for,
        )


def waits_for(execution: Execution) -> str | None:
    """What keeps it from going on, None where nothing does."""
    if execution.canceled:
        return "Spinnaker to stop the execution"
    if execution.status is Status.PAUSED:
        by = execution.paused.paused_by if execution.paused is not None else None
        return f"its resumption: paused by {by or 'somebody'} in Spinnaker"
    if execution.status in (Status.NOT_STARTED, Status.BUFFERED):
        return "Spinnaker to begin the execution"
    return None


def is_near_end(execution: Execution) -> bool:
    """Whether it was asked to stop, or all that is left of it runs, and waits for nobody."""
    if execution.canceled:
        return True
    left = [stage for stage in execution.stages if not stage.status.complete]
    return all(stage.status is Status.RUNNING and stage.type != JUDGMENT for stage in left)


def _took(execution: Execution) -> str:
    if execution.start_time is None or execution.end_time is None:
        return ""
    return f" after {duration((execution.end_time - execution.start_time) / 1000)}"
