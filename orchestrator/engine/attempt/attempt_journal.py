"""An attempt's way into the journal: each intent is a command, committed before it is acted on."""

from collections.abc import Iterable
from typing import Any

import msgspec
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import ApprovalRule
from orchestrator.core.language.model import (
    Applying,
    AskedQuestion,
    CallRecord,
    Pending,
    ProcessRecord,
    Record,
    Step,
    StepRef,
    Stop,
)
from orchestrator.core.language.rejections import StaleObservation, StopComesFirst
from orchestrator.core.world.world import World
from orchestrator.engine.live import Live, Progress
from orchestrator.engine.secrets.masking import Hidden
from orchestrator.engine.writer import Writer
from orchestrator.plugin import AdapterError, StopInfo, StopRequested
from orchestrator.process.identity import read_boot_id


class JournalOfAttempt:
    """Implements `AttemptJournal` for an attempt of an open job."""

    def __init__(
        self,
        ref: StepRef,
        writer: Writer,
        live: Live,
        nursery: trio.Nursery,
        hidden: Hidden,
        adapter: str = "",
    ) -> None:
        self.ref = ref
        self._adapter = adapter
        self._asked: set[tuple[str, str]] = set()
        self.hidden = hidden
        self.outputs: dict[str, Any] = {}
        self.sensitive: set[str] = set()
        self._writer = writer
        self._live = live
        self._nursery = nursery
        self._news = trio.Event()

    def record(self, phase: str, key: str) -> Record | None:
        """What is journalled of this key."""
        step = step_of(self._writer.world, self.ref)
        if step is None:
            return None
        for record in step.records:
            if (record.phase, record.key) == (phase, key):
                return record
        return None

    def left_by_another_adapter(self, phase: str, key: str) -> tuple[str, ...]:
        """Note that this key is asked for. If it is new: the keys of the phase that were begun by
        an adapter of other files and that this one has not asked for."""
        self._asked.add((phase, key))
        step = step_of(self._writer.world, self.ref)
        if step is None or self.record(phase, key) is not None:
            return ()
        return tuple(
            record.key
            for record in step.records
            if record.phase == phase
            and (phase, record.key) not in self._asked
            # One of an earlier release has no digest, and unknown counts as unchanged.
            and record.adapter
            and self._adapter
            and record.adapter != self._adapter
        )

    async def intend_process(self, phase: str, key: str) -> None:
        """Commit the intent to start a process. Raises StopRequested."""
        record = ProcessRecord(phase, key, boot_id=read_boot_id(), adapter=self._adapter)
        await self._intend(cmd.IntendProcess(ref=self.ref, record=record))

    async def intend_call(self, phase: str, key: str) -> None:
        """Commit the intent to make a call. Raises StopRequested."""
        record = CallRecord(phase=phase, key=key, adapter=self._adapter)
        await self._intend(cmd.NoteCall(ref=self.ref, record=record))

    async def record_call(self, phase: str, key: str, value: Any, *, sensitive: bool) -> None:
        """Commit what a call returned."""
        record = CallRecord(
            phase=phase,
            key=key,
            done=True,
            value=None if sensitive else msgspec.to_builtins(value),
            file=str(value) if sensitive else None,
            adapter=self._adapter,
        )
        await self._writer.execute(cmd.NoteCall(ref=self.ref, record=record))

    async def ask(self, key: str, text: str, rule: ApprovalRule) -> AskedQuestion:
        """Commit a question, and wait for its answer. Raises StopRequested."""
        _demand_text(key)
        _demand_text(text)
        text = self.hidden.masks.text(text)
        try:
            await self._execute_before_stop(cmd.Ask(ref=self.ref, key=key, text=text, rule=rule))
            return await self._answered(key)
        except trio.Cancelled:
            if self.stop is None:
                await self._take_back(key)
            raise

    async def withdraw(self, key: str) -> None:
        """Commit that a question is moot."""
        step = step_of(self._writer.world, self.ref)
        if step is not None and any(question.key == key for question in step.questions):
            await self._note(cmd.WithdrawQuestion(ref=self.ref, key=key))

    def wake(self) -> None:
        """What was asked is answered, or the step is asked to stop: look again."""
        self._news.set()
        self._news = trio.Event()

    async def _answered(self, key: str) -> AskedQuestion:
        while True:
            step = step_of(self._writer.world, self.ref)
            asked = (
                [question for question in step.questions if question.key == key]
                if step is not None
                else []
            )
            if asked and asked[0].answer is not None:
                return asked[0]
            if self.stop is not None:
                raise StopRequested(f"{key}: a stop came before the answer")
            await self._news.wait()

    async def _take_back(self, key: str) -> None:
        """Withdraw a question, unless the attempt itself ends, which another daemon goes on with.

        A task of the attempt does it, and is cancelled with that before it has begun.
        """
        over = trio.Event()
        self._nursery.start_soon(self._withdraw_soon, key, over)
        with trio.CancelScope(shield=True):
            await over.wait()

    async def _withdraw_soon(self, key: str, over: trio.Event) -> None:
        try:
            # Where the attempt itself is ending, as the daemon does, this task is cancelled here,
            # before it withdraws anything: the next daemon goes on asking (decision 0012).
            await trio.lowlevel.checkpoint()
            await self._note(cmd.WithdrawQuestion(ref=self.ref, key=key))
        finally:
            over.set()

    async def waiting_for(self, text: str | None) -> None:
        """Commit what the step waits for."""
        if text is not None:
            _demand_text(text)
            text = self.hidden.masks.text(text)
        await self._writer.execute(cmd.NoteWaiting(ref=self.ref, text=text))

    def warn(self, text: str) -> None:
        """Have a warning committed."""
        _demand_text(text)
        text = self.hidden.masks.text(text)
        self._nursery.start_soon(self._note, cmd.NoteWarning(ref=self.ref, text=text))

    def progress(self, done: int, total: int | None, text: str) -> None:
        """Show how far it is."""
        text = self.hidden.masks.text(text)
        self._live.note(self.ref, Progress(done=done, total=total, text=text))

    def output(self, name: str, value: Any, sensitive: bool) -> None:
        """Keep an output until the attempt ends."""
        _demand_text(name)
        self.outputs[name] = value
        if sensitive:
            self.sensitive.add(name)
            self.hidden.add(value)

    @property
    def stop(self) -> StopInfo | None:
        """The stop that was asked for."""
        step = step_of(self._writer.world, self.ref)
        if step is None or isinstance(step.phase, Pending | Applying):
            return None
        return _info(step.phase.stop) if step.phase.stop is not None else None

    async def _intend(self, command: cmd.IntendProcess | cmd.NoteCall) -> None:
        _demand_text(command.record.key)
        await self._execute_before_stop(command)

    async def _execute_before_stop(
        self, command: cmd.IntendProcess | cmd.NoteCall | cmd.Ask
    ) -> None:
        try:
            await self._writer.execute(command)
        except StopComesFirst as refused:
            raise StopRequested(str(refused)) from None

    async def _note(self, command: cmd.Command) -> None:
        try:
            await self._writer.execute(command)
        except StaleObservation:
            return


def _info(stop: Stop) -> StopInfo:
    return StopInfo(
        cause=stop.cause.value, user=stop.by.user if stop.by else None, reason=stop.reason
    )


def _demand_text(value: Any) -> None:
    """Raise TypeError or UnicodeEncodeError for what the journal could not give back."""
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted here, not {value!r}")
    value.encode()


def step_of(world: World, ref: StepRef) -> Step | None:
    """The step whose present attempt this is, as committed; None if it is over."""
    # As committed, for nothing keeps the writer away here: from `world.jobs` an adapter might see,
    # and act on, a stop that a failing commit takes back.
    job = world.committed_job(ref.job)
    if job is None:
        return None
    for step in job.steps:
        if step.name == ref.step and step.attempt == ref.attempt:
            return step
    return None


class JournalOfRecheck:
    """Implements `AttemptJournal` for a verification of an attempt that has ended.

    Nothing is journalled: a process's directory is its record, so that a recheck that is run
    again after a crash of the daemon adopts what it started.
    """

    def __init__(self, earlier: Iterable[Record]) -> None:
        self._records = {(record.phase, record.key): record for record in earlier}

    def left_by_another_adapter(self, phase: str, key: str) -> tuple[str, ...]:
        """A look goes on with what it finds: it verifies, and its adapter may be a newer one."""
        return ()

    def record(self, phase: str, key: str) -> Record | None:
        """What the attempt did, and this recheck."""
        return self._records.get((phase, key))

    async def intend_process(self, phase: str, key: str) -> None:
        """Remember it."""
        self._records[phase, key] = ProcessRecord(phase=phase, key=key, boot_id=read_boot_id())

    async def intend_call(self, phase: str, key: str) -> None:
        """Remember it."""
        self._records[phase, key] = CallRecord(phase=phase, key=key)

    async def record_call(self, phase: str, key: str, value: Any, *, sensitive: bool) -> None:
        """Remember it."""
        self._records[phase, key] = CallRecord(
            phase=phase,
            key=key,
            done=True,
            value=None if sensitive else value,
            file=str(value) if sensitive else None,
        )

    async def ask(self, key: str, text: str, rule: ApprovalRule) -> AskedQuestion:
        """A recheck is a cleanup, and that asks nobody."""
        raise AdapterError(f"{key}: a recheck asks nobody")

    async def withdraw(self, key: str) -> None:
        """A recheck has asked nobody."""

    async def waiting_for(self, text: str | None) -> None:
        """A recheck shows no waiting."""

    def warn(self, text: str) -> None:
        """The step has ended: its log has the line."""

    def progress(self, done: int, total: int | None, text: str) -> None:
        """A recheck shows no progress."""

    def output(self, name: str, value: Any, sensitive: bool) -> None:
        """The outputs of a step that has ended do not change."""

    @property
    def stop(self) -> StopInfo | None:
        """An adapter is not told of a recheck's stop: its call is cancelled."""
        return None
