"""Between the engine and adapters: whatever one raises or returns harms its own step only."""

import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import trio

from orchestrator.core.language.words import StepConclusion
from orchestrator.engine.attempt.workbench import Bench
from orchestrator.plugin import (
    AdapterError,
    CallLost,
    Cleanliness,
    ProcessLost,
    Result,
    StopRequested,
)

T = TypeVar("T")
Value = TypeVar("Value", Result, Cleanliness)


class Failed(Exception):
    """A phase of the adapter did not return: how that is to be read, and why."""

    def __init__(self, conclusion: StepConclusion, reason: str) -> None:
        self.conclusion = conclusion
        self.reason = writable(reason)
        super().__init__(self.reason)


async def guarded(bench: Bench, phase: str, call: Callable[[], Awaitable[T]]) -> T:
    """What the adapter returns. Raises Failed for whatever it raises, but for a cancellation.

    The traceback of a mistake goes to the step's log. What it raised in a group, alone or beside
    cancellations, counts as raised by itself.
    """
    try:
        return await call()
    except (trio.Cancelled, Failed):
        raise
    except BaseException as error:
        raised = _without_cancellations(error)
        if raised is None:
            raise
        raise _failure(bench, phase, raised) from error


def _without_cancellations(error: BaseException) -> BaseException | None:
    """What was raised beside cancellations, None if nothing was."""
    while isinstance(error, BaseExceptionGroup):
        rest = error.split(trio.Cancelled)[1]
        if rest is None or len(rest.exceptions) > 1:
            return rest
        error = rest.exceptions[0]
    return error


def _failure(bench: Bench, phase: str, error: BaseException) -> Failed:
    match error:
        case StopRequested():
            return Failed(StepConclusion.CANCELLED, "stopped before it began")
        case ProcessLost() | CallLost():
            return Failed(StepConclusion.LOST, str(error))
        case AdapterError():
            return Failed(StepConclusion.FAILURE, str(error))
    bench.log("".join(traceback.format_exception(error)))
    text = f"plugin error: {phase} of {bench.adapter.name} raised {type(error).__name__}: {error}"
    return Failed(StepConclusion.FAILURE, text)


def checked(bench: Bench, phase: str, value: Any, wanted: type[Value]) -> Value:
    """What the adapter returned, as the journal will give it back. Raises Failed where it can't."""
    where = f"plugin error: {phase} of {bench.adapter.name} returned"
    if not isinstance(value, wanted):
        text = f"{where} {type(value).__name__}, not a {wanted.__name__}"
        raise Failed(StepConclusion.FAILURE, text)
    try:
        return msgspec.json.decode(msgspec.json.encode(value), type=wanted)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        text = f"{where} a {wanted.__name__} that can't be journalled: {error}"
        raise Failed(StepConclusion.FAILURE, text) from error


def writable(text: str) -> str:
    """The text with `?` for what UTF-8 has no bytes for (file names that are not UTF-8)."""
    return text.encode(errors="replace").decode()
