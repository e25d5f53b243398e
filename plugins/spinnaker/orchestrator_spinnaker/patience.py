"""Calls that go on until Gate answers, visibly."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import anyio

from orchestrator.plugin import AdapterError, Step
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.errors import GateAway, GateError
from orchestrator_spinnaker.settings import SpinnakerSettings
from orchestrator_spinnaker.times import duration

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
SLOW = 3.0
"""Seconds after which people are told that a call has no answer yet."""


def growing_pauses() -> Iterator[float]:
    """Seconds between tries: each twice the last, up to the longest."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


async def patiently(
    step: Step[SpinnakerSettings],
    call: Callable[[], Awaitable[Answer]],
    *,
    waits_out: type[GateError] = GateAway,
) -> Answer:
    """Repeat a call that changes nothing when it is repeated, until Gate answers it.

    Meanwhile the step says what it waits for; its log says why, once for each reason, and for how
    long it was. Raises what is an answer: every GateError that is not to be waited out.
    """
    began = None
    told = None
    pauses = growing_pauses()
    while True:
        try:
            answer = await visibly(step, call)
        except waits_out as error:
            if began is None:
                began = utc()
            if told != (told := error.cause):
                step.log(f"waiting for Gate: {error}")
            since = clock_time(began, utc())
            await step.waiting_for(f"Gate at {step.config.gate} since {since}: {error.cause}")
            await anyio.sleep(next(pauses))
        else:
            if began is not None:
                step.log(f"Gate answers again, after {duration(utc() - began)}")
                await step.waiting_for(None)
            return answer


async def visibly(step: Step[SpinnakerSettings], call: Callable[[], Awaitable[Answer]]) -> Answer:
    """One call. While it has no answer for long, the step says that it waits for it."""
    told = False
    failed: AdapterError | None = None

    async def tell() -> None:
        nonlocal told
        await anyio.sleep(SLOW)
        told = True
        await step.waiting_for(f"Gate at {step.config.gate} to answer")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tell)
        try:
            answer = await call()
        except AdapterError as error:
            failed = error  # a task group would wrap it
        tasks.cancel_scope.cancel()
    if failed is not None:
        raise failed
    if told:
        await step.waiting_for(None)
    return answer


def clock_time(at: float, now: float) -> str:
    """Such as `12:04 UTC`, with the date where that is another day. Seconds since 1970."""
    then, today = (datetime.fromtimestamp(moment, UTC) for moment in (at, now))
    return then.strftime("%H:%M UTC" if then.date() == today.date() else "%Y-%m-%d %H:%M UTC")
