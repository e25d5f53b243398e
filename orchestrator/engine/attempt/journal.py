"""What an attempt needs of the journal. The engine implements it; it is the only way out."""

from typing import Any, Protocol

from orchestrator.core.language.definition import ApprovalRule
from orchestrator.core.language.model import AskedQuestion, Record
from orchestrator.plugin import StopInfo

ACQUIRE = "acquire"
APPLY = "apply"
CANCEL = "cancel"
CLEANUP = "cleanup"
RECHECK = "recheck-"


class AttemptJournal(Protocol):
    """The journal and the live state of one attempt.

    `phase` is one of the words above or `recheck-1`, `recheck-2`, …
    """

    def record(self, phase: str, key: str) -> Record | None:
        """What is journalled of this key, None if nothing was intended."""

    def left_by_another_adapter(self, phase: str, key: str) -> tuple[str, ...]:
        """Note that this key is asked for. If it is new: the keys of the phase that were begun by
        an adapter of other files and that this one has not asked for."""

    async def intend_process(self, phase: str, key: str) -> None:
        """Journal that a process is about to be started; returns when that is committed.

        Raises plugin.StopRequested if a stop was journalled before, in `acquire` and `apply`.
        """

    async def intend_call(self, phase: str, key: str) -> None:
        """The same for a call."""

    async def record_call(self, phase: str, key: str, value: Any, *, sensitive: bool) -> None:
        """Journal what a call returned. `sensitive`: `value` is the name of the file with it."""

    async def ask(self, key: str, text: str, rule: ApprovalRule) -> AskedQuestion:
        """Journal a question, once for each key, and return it as soon as it has an answer.

        Raises plugin.StopRequested if a stop comes before that. Cancelled, it takes it back.
        """

    async def withdraw(self, key: str) -> None:
        """Journal that a question has become moot; one that is answered or unknown stays."""

    async def waiting_for(self, text: str | None) -> None:
        """Tell what the step waits for, None when it goes on."""

    def warn(self, text: str) -> None:
        """A warning beside the step."""

    def progress(self, done: int, total: int | None, text: str) -> None:
        """How far it is; not journalled."""

    def output(self, name: str, value: Any, sensitive: bool) -> None:
        """An output of the step."""

    @property
    def stop(self) -> StopInfo | None:
        """The stop that was asked for, if one was."""
