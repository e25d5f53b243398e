"""Calls and questions that are remembered: what `Step.once`, `Step.ask` and `Step.withdraw` do."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import trio

from orchestrator.core.language.definition import ApprovalRule
from orchestrator.core.language.model import AskedQuestion as AskedQuestion
from orchestrator.core.language.model import CallRecord, ProcessRecord
from orchestrator.core.language.words import Decision
from orchestrator.core.rules.observations import STOPPABLE
from orchestrator.engine.attempt.journal import AttemptJournal
from orchestrator.engine.attempt.process_place import file_name
from orchestrator.engine.attempt.step_processes import KeyInUse
from orchestrator.engine.secrets.attempt_secrets import write_durably
from orchestrator.engine.secrets.masking import Hidden
from orchestrator.plugin import (
    AdapterError,
    Answer,
    CallLost,
    NotDone,
    Question,
    StopRequested,
    Unknown,
)
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


class AttemptQuestions:
    """What one attempt asks. Keys are remembered per phase."""

    def __init__(self, journal: AttemptJournal) -> None:
        self._journal = journal

    async def ask(self, phase: str, key: str, question: Question) -> Answer:
        """People's answer, whether it came now or before. Raises StopRequested, AdapterError."""
        if phase not in STOPPABLE:
            raise AdapterError(f"{key}: people are asked in acquire and apply only, not in {phase}")
        rule = _rule(question)
        return _answer(await self._journal.ask(_key(phase, key), question.text, rule))

    async def withdraw(self, phase: str, key: str) -> None:
        """Take a question back that has no answer yet."""
        await self._journal.withdraw(_key(phase, key))


def _key(phase: str, key: str) -> str:
    return f"{phase}:{key}"


def _rule(question: Question) -> ApprovalRule:
    """Raises TypeError or msgspec.ValidationError for what the journal could not give back."""
    fields = {
        "roles": question.roles,
        "count": question.count,
        "not_submitter": question.not_submitter,
        "expires": None if question.expires is None else float(question.expires),
    }
    return msgspec.convert(msgspec.to_builtins(fields), ApprovalRule)


def _answer(asked: AskedQuestion) -> Answer:
    """All who said yes, with what they said; or who said no."""
    answer = asked.answer
    assert answer is not None
    if answer.decision is not Decision.APPROVED:
        by = answer.by.user if answer.by is not None else None
        expired = answer.decision is Decision.EXPIRED
        return Answer(approved=False, expired=expired, by=by, comment=answer.comment)
    comments = dict.fromkeys(approval.comment for approval in asked.approvals if approval.comment)
    return Answer(
        approved=True,
        by=", ".join(approval.by.user for approval in asked.approvals),
        comment="; ".join(comments),
    )
