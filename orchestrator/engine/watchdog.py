"""Names code that blocks the daemon's loop: usually an adapter with blocking work in async code.

trio tells an instrument of every step of every task. The watchdog measures each step, so it costs
no wake-ups, and speaks when the step is over.
"""

import time

import structlog
import trio

log = structlog.get_logger(__name__)

LIMIT = 0.5
"""Seconds that one step of a task may take before it is named."""
AGAIN_AFTER = 60.0
"""Seconds until the same task is named again."""


class Watchdog(trio.abc.Instrument):
    """Give it to `trio.run(…, instruments=[…])`."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._began = 0.0
        self._named: dict[str, float] = {}

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A step begins."""
        self._began = time.monotonic()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """A step is over."""
        ended = time.monotonic()
        if ended - self._began < self._limit:
            return
        last = self._named.get(task.name)
        if last is None or ended - last >= AGAIN_AFTER:
            self._named[task.name] = ended
            log.warning(
                "the loop was blocked: blocking work belongs in a thread (anyio.to_thread)",
                task=task.name,
                seconds=round(ended - self._began, 1),
            )
