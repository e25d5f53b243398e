"""A task that blocks the loop is named; one that waits is not."""

import time
from collections.abc import Awaitable, Callable

import structlog
import trio

from orchestrator.engine.watchdog import Watchdog


def names(main: Callable[[], Awaitable[None]], limit: float) -> list[str]:
    with structlog.testing.capture_logs() as logs:
        trio.run(main, instruments=[Watchdog(limit)])
    return [entry["task"].rsplit(".", 1)[-1] for entry in logs]


async def blocks() -> None:
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass


def test_a_task_that_blocks_is_named_once() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(blocks)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(blocks)

    assert names(main, limit=0.1) == ["blocks"]


def test_a_task_that_waits_is_not() -> None:
    async def main() -> None:
        await trio.sleep(0.3)

    assert names(main, limit=0.2) == []
