"""What runs of an attempt that can't be entered: watched, asked to stop and killed by its records.

Its adapter is gone, or can't be given its settings, but its tools have supervisors that need
neither. An attempt that ended beside them would let the next job start beside them.
"""

from collections.abc import Awaitable, Callable

import trio

from orchestrator.core.language.model import Step
from orchestrator.core.rules.observations import is_asked_to_stop
from orchestrator.engine.attempt.adapter_guard import writable
from orchestrator.engine.attempt.step_processes import AttemptProcesses
from orchestrator.process.errors import TreeNotDead


class Unattended:
    """The processes of one attempt without its adapter. `look_again` when the step has changed."""

    def __init__(
        self,
        processes: AttemptProcesses,
        step: Callable[[], Step | None],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        self._processes = processes
        self._step = step
        self._tell = tell
        self._news = trio.Event()
        self._survivors = ""

    def look_again(self) -> None:
        """Somebody has asked for a stop, or for force."""
        self._news.set()
        self._news = trio.Event()

    async def until_over(self) -> str:
        """Until nothing of it can be alive, or a force has done what it can: what survived that."""
        async with trio.open_nursery() as nursery:
            # A restart may find a stop, or a force, that was asked for before it.
            nursery.start_soon(self._heed, nursery)
            while at_work := self._processes.at_work():
                await self._tell(at_work)
                await self._processes.until_next_end()
            nursery.cancel_scope.cancel()
        return self._survivors

    async def _heed(self, nursery: trio.Nursery) -> None:
        asked = False
        while (step := self._step()) is not None:
            news = self._news
            if step.forced:
                self._survivors = await self._kill()
                nursery.cancel_scope.cancel()
            elif is_asked_to_stop(step) and not asked:
                asked = True
                # Beside this: a supervisor that doesn't answer must not keep a force away.
                nursery.start_soon(self._processes.ask_to_stop)
            await news.wait()

    async def _kill(self) -> str:
        try:
            await self._processes.kill()
        except TreeNotDead as error:
            return writable(str(error))
        return ""
