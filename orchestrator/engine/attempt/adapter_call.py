"""One call of an adapter and its end by force; of a cleanup also what then counts as its verdict.

Attempts and looks make their calls here, so that neither tells of an end before what it ran has
ended.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import trio

from orchestrator.core.language.model import Finding, StepRef
from orchestrator.core.language.words import StepConclusion
from orchestrator.engine.attempt.adapter_guard import Failed, checked, guarded, writable
from orchestrator.engine.attempt.workbench import Bench
from orchestrator.plugin import Cleanliness
from orchestrator.process.errors import TreeNotDead

T = TypeVar("T")

PATIENCE_AFTER_FORCE = 10.0
"""Seconds that an adapter may take to end after force, before it is abandoned."""


class Unverified(Exception):
    """A cleanup has no verdict that counts: `reason` is why, empty where it was made to end;
    `survivors` is what is alive although it was killed."""

    def __init__(self, reason: str = "", survivors: str = "") -> None:
        self.reason = reason
        self.survivors = survivors
        super().__init__(with_survivors(reason, survivors))


class AdapterCall:
    """One call of the adapter. `over` is when the adapter has ended it."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.over = trio.Event()
        self.forced = False

    async def made(self, bench: Bench, phase: str, call: Callable[[], Awaitable[T]]) -> T:
        """What the adapter returns. Raises Failed, also when its scope was cancelled."""
        try:
            with self.scope:
                return await guarded(bench, phase, call)
        finally:
            self.over.set()
        raise Failed(StepConclusion.CANCELLED, "")

    async def end_by_force(self, bench: Bench) -> str:
        """Cancel it and kill what it runs: what survived that. `over` is not set where the adapter
        takes no notice, PATIENCE_AFTER_FORCE seconds long."""
        self.forced = True
        self.scope.cancel()
        # First to its end, for it takes as long to see that something survives: cut short, nobody
        # would be told.
        survivors = await kill(bench)
        with trio.move_on_after(PATIENCE_AFTER_FORCE):
            await self.over.wait()
        return survivors


def did_not_end() -> str:
    """What is told of an adapter that stays after a force."""
    return f"adapter did not end within {PATIENCE_AFTER_FORCE:g} s after force"


async def clean_up(call: AdapterCall, bench: Bench, ref: StepRef) -> Finding | None:
    """What the adapter's cleanup finds, None where it is clean.

    Raises Unverified where that failed or was forced, once what it ran was killed; and where it
    was cancelled, then whoever did that asks what it runs to stop. The verdict of one that was
    forced does not count, whatever it is: what it would have seen was killed under it.
    """
    reason = ""
    try:
        made = partial(bench.adapter.cleanup, bench.step)
        verdict = checked(bench, "cleanup", await call.made(bench, "cleanup", made), Cleanliness)
        if not call.forced:
            return finding_of(ref, verdict)
    except Failed as failed:
        if not call.forced:
            if call.scope.cancel_called:
                raise Unverified from failed
            reason = failed.reason
    raise Unverified(reason, await kill(bench))


async def kill(bench: Bench) -> str:
    """Kill what a bench's step runs; says what survived, if anything did."""
    try:
        await bench.step.kill()
    except TreeNotDead as error:
        bench.log(str(error))
        return writable(str(error))
    return ""


def finding_of(ref: StepRef, verdict: Cleanliness) -> Finding | None:
    """What a cleanup found, None where it is clean."""
    return None if verdict.clean else Finding(ref, verdict.found, verdict.commands)


def with_survivors(why: str, survivors: str) -> str:
    """Why something ended, and what is alive nevertheless."""
    return f"{why}; {survivors}" if survivors else why
