"""Calls that go on until Gate answers, visibly."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from orchestrator.plugin import Step
from orchestrator_spinnaker.errors import GateAway, GateError
from orchestrator_spinnaker.settings import SpinnakerSettings

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


async def patiently(
    step: Step[SpinnakerSettings],
    call: Callable[[], Awaitable[Answer]],
    *,
    waits_out: type[GateError] = GateAway,
) -> Answer:
    """Repeat a call that changes nothing when it is repeated, until Gate answers it.

    Meanwhile the step says what it waits for. Raises what is an answer: every GateError that is
    not to be waited out.
    """
    pause = FIRST_PAUSE
    waited = False
    while True:
        try:
            answer = await call()
        except waits_out as error:
            await step.waiting_for(f"Gate to answer: {error}")
            waited = True
            await anyio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if waited:
                await step.waiting_for(None)
            return answer
