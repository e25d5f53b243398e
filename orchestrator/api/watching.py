"""A job's changes as they happen, and its live state about once a second."""

import msgspec
import trio

from orchestrator.api.reading import SeenJob, see
from orchestrator.api.streaming import KEEP_ALIVE, KEEP_ALIVE_SECONDS, Write, event
from orchestrator.api.subjects import job_of
from orchestrator.core.language.model import Job, JobFinished, JobPreparing, JobQueued
from orchestrator.engine.engine import Engine

LIVE_SECONDS = 1.0
"""How often what is not journalled (progress, why a job waits) is looked at."""


class Watch:
    """One look at one job that lasts until the job has finished."""

    def __init__(self, engine: Engine, job: int) -> None:
        self._engine = engine
        self._job = job
        self._changed = trio.Event()
        self._stirred = True

    async def run(self, write: Write) -> None:
        """Write the job at once, at each change, and a last time when it has finished."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            await self._send_changes(write)
            nursery.cancel_scope.cancel()

    async def _listen(self) -> None:
        """Note what is committed. Whoever was cut off for lagging looks at the job anew."""
        while True:
            async with self._engine.feed.subscribe() as batches:
                self._note(own=True)
                async for batch in batches:
                    self._note(own=any(job_of(line.stamped.event) == self._job for line in batch))

    def _note(self, own: bool) -> None:
        self._stirred = True
        if own:
            self._changed.set()

    async def _send_changes(self, write: Write) -> None:
        sent, spoke = b"", trio.current_time()
        waits = False
        while True:
            with trio.move_on_after(LIVE_SECONDS):
                await self._changed.wait()
            if self._stirred or not waits:
                found = await self._look()
                waits = _only_waits(found.job)
                document = msgspec.json.encode(found.view(self._engine))
                if document != sent:
                    await write(event("job", document))
                    sent, spoke = document, trio.current_time()
                if isinstance(found.job.phase, JobFinished):
                    return
            if trio.current_time() - spoke >= KEEP_ALIVE_SECONDS:
                await write(KEEP_ALIVE)
                spoke = trio.current_time()

    async def _look(self) -> SeenJob:
        self._changed = trio.Event()
        self._stirred = False
        return await see(self._engine, self._job)


def _only_waits(job: Job) -> bool:
    """Whether nothing of it is at work, so that only what is committed can change it."""
    match job.phase:
        case JobQueued():
            return True
        case JobPreparing(approval=asked):
            return asked is not None
        case _:
            return False
