"""Showing how far a checkout is while it runs."""

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from orchestrator.plugin import Exit, Step

INTERVAL = 0.5
"""Seconds between two looks."""


async def run_followed(step: Step[Any], key: str, argv: Sequence[str], progress: Path) -> Exit:
    """Run (or adopt) it, asked to stop by SIGTERM; what it writes to `progress` is the step's."""
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_follow, step, progress)
        try:
            ended = await step.run(key, argv, stop_signal=signal.SIGTERM)
        except Exception as error:  # a group would wrap what the daemon must see as it is
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return ended


async def _follow(step: Step[Any], progress: Path) -> None:
    seen: object = None
    while True:
        found = await to_thread.run_sync(_read, progress)
        if found is not None and found != seen:
            done, total, text = seen = found
            step.progress(done, total, text)
        await anyio.sleep(INTERVAL)


def _read(progress: Path) -> tuple[int, int, str] | None:
    try:
        done, total, text = json.loads(progress.read_bytes())
    except (OSError, ValueError):
        return None
    return int(done), int(total), str(text)
