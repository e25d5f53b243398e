"""Calls that are remembered: what `Step.once` does."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import trio

from orchestrator.core.model import CallRecord, ProcessRecord
from orchestrator.core.observations import STOPPABLE
from orchestrator.engine.journal import AttemptJournal
from orchestrator.engine.process_place import file_name
from orchestrator.engine.step_processes import KeyInUse
from orchestrator.plugin import CallLost, NotDone, StopRequested, Unknown
from orchestrator.process.threads import in_thread


class AttemptCalls:
    """The calls of one attempt. `values` holds one file for each sensitive value."""

    def __init__(self, values: Path, journal: AttemptJournal) -> None:
        self._values = values
        self._journal = journal

    async def once(
        self,
        phase: str,
        key: str,
        fn: Callable[[], Awaitable[Any]],
        recover: Callable[[], Awaitable[Any]] | None,
        sensitive: bool,
    ) -> Any:
        """The call's value as JSON gives it back, whether it was called now or remembered.

        Raises CallLost, StopRequested, KeyInUse, TypeError (the value cannot be JSON).
        """
        match self._journal.record(phase, key):
            case ProcessRecord():
                raise KeyInUse(f"{phase}: {key!r} is the key of a process already")
            case CallRecord(done=True) as done:
                return self._value(done)
            case CallRecord():
                answer = await self._recover(key, recover)
                if not isinstance(answer, NotDone):
                    return await self._record(phase, key, answer, sensitive)
                if self._journal.stop is not None and phase in STOPPABLE:
                    raise StopRequested(f"{key}: a stop came before this call")
            case None:
                await self._journal.intend_call(phase, key)
        return await self._record(phase, key, await fn(), sensitive)

    def recall(self, record: CallRecord) -> Any:
        """The recorded value, None if the call's end is not recorded."""
        return self._value(record) if record.done else None

    async def _recover(self, key: str, recover: Callable[[], Awaitable[Any]] | None) -> Any:
        if recover is None:
            raise CallLost(
                f"{key}: the daemon ended during this call; whether it was done is unknown"
            )
        answer = await recover()
        if isinstance(answer, Unknown):
            raise CallLost(f"{key}: the daemon ended during this call; it could not be found out")
        return answer

    async def _record(self, phase: str, key: str, value: Any, sensitive: bool) -> Any:
        content = msgspec.json.encode(value)
        plain = msgspec.json.decode(content)
        with trio.CancelScope(shield=True):  # it was done: that must not be forgotten
            if sensitive:
                name = f"{file_name(phase, key)}.json"
                await in_thread(_write_durably, self._values / name, content)
                await self._journal.record_call(phase, key, name, sensitive=True)
            else:
                await self._journal.record_call(phase, key, plain, sensitive=False)
        return plain

    def _value(self, record: CallRecord) -> Any:
        if record.file is None:
            return record.value
        try:
            return msgspec.json.decode((self._values / record.file).read_bytes())
        except FileNotFoundError as error:
            raise CallLost(
                f"{record.key}: its value was sensitive, and the file that held it is gone"
            ) from error


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file (0600) that is complete on disk once it has its name."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
