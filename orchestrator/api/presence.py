"""Whether the client that a job depends on is there (`--on-disconnect cancel`).

The core is told when the first connection that attends to a job comes and when the last one goes.
It is told in order, by one task, which ends with the server: a daemon that stops is no disconnect.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import trio

from orchestrator.core.language.commands import SeeClient
from orchestrator.engine.engine import Engine
from orchestrator.engine.writer import WriterClosed

log = structlog.get_logger(__name__)


class Presence:
    """Counts the connections that attend to each job."""

    def __init__(self) -> None:
        self._attending: Counter[int] = Counter()
        self._seen: list[SeeClient] = []
        self._wake = trio.Event()

    def expect(self, job: int) -> None:
        """A job was submitted that depends on its client: from now on one must come."""
        if not self._attending[job]:
            self._tell(job, present=False)

    @contextmanager
    def attend(self, job: int) -> Iterator[None]:
        """A connection that counts as the client's presence, while it lasts."""
        self._attending[job] += 1
        if self._attending[job] == 1:
            self._tell(job, present=True)
        try:
            yield
        finally:
            self._attending[job] -= 1
            if not self._attending[job]:
                del self._attending[job]
                self._tell(job, present=False)

    async def run(self, engine: Engine) -> None:
        """Tell the core, until cancelled."""
        while True:
            while self._seen:
                try:
                    await engine.execute(self._seen.pop(0))
                except WriterClosed:
                    return
                except Exception:
                    log.exception("presence was not told")
            self._wake = trio.Event()
            await self._wake.wait()

    def _tell(self, job: int, present: bool) -> None:
        self._seen.append(SeeClient(job=job, present=present))
        self._wake.set()
