"""Calls that are remembered: what `Step.once` does."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import trio

from orchestrator.core.language.model import CallRecord, ProcessRecord
from orchestrator.core.rules.observations import STOPPABLE
from orchestrator.engine.hidden import Hidden
from orchestrator.engine.journal import AttemptJournal
from orchestrator.engine.private_file import write_durably
from orchestrator.engine.process_place import file_name
from orchestrator.engine.step_processes import KeyInUse
from orchestrator.plugin import CallLost, NotDone, StopRequested, Unknown
from orchestrator.process.threads import in_thread


class AttemptCalls:
    """The calls of one attempt. `values` holds one file for each sensitive value; one that holds a
    secret is sensitive, whatever the adapter says."""

    def __init__(self, values: Path, journal: AttemptJournal, hidden: Hidden) -> None:
        self._values = values
        self._journal = journal
        self._hidden = hidden

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
            if sensitive or self._hidden.masks.value(plain) != plain:
                name = f"{file_name(phase, key)}.json"
                await in_thread(write_durably, self._values / name, content)
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
