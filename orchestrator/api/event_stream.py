"""The journal as a stream: from any line on, and further as it is written."""

import msgspec
import trio

from orchestrator.api.journal import line
from orchestrator.api.reading import may_see
from orchestrator.api.streaming import KEEP_ALIVE, KEEP_ALIVE_SECONDS, Write, event
from orchestrator.api.subjects import environment_of, job_of
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.events import AnyEvent, JobSubmitted, Stamped
from orchestrator.engine.engine import Engine

PAGE = 500
"""Lines that are read from the store at once."""
PLACES_KEPT = 10_000
"""Jobs whose environment and pipeline a stream remembers."""

Place = tuple[str | None, str | None]
"""An environment and a pipeline."""


class EventStream:
    """What a caller may see of the journal, after the line `after`."""

    def __init__(self, engine: Engine, caller: Caller, after: int) -> None:
        self._engine = engine
        self._caller = caller
        self._after = after
        self._places: dict[int, Place] = {}

    async def to_the_end(self, write: Write) -> None:
        """Write what is there now."""
        newest = await self._engine.store.last_event_id()
        while self._after < newest:
            page = await self._engine.store.events(self._after, PAGE)
            if not page:
                return
            for id, stamped in page:
                if id <= newest:
                    await self._send(write, id, stamped)

    async def follow(self, write: Write) -> None:
        """Write what is there, and what comes. Whoever lags reads on from the store."""
        while True:
            async with self._engine.feed.subscribe() as batches:
                await self.to_the_end(write)
                while True:
                    with trio.move_on_after(KEEP_ALIVE_SECONDS) as patience:
                        try:
                            batch = await batches.receive()
                        except trio.EndOfChannel:
                            break
                    if patience.cancelled_caught:
                        await write(KEEP_ALIVE)
                        continue
                    for line in batch:
                        await self._send(write, line.id, line.stamped)

    async def _send(self, write: Write, id: int, stamped: Stamped) -> None:
        if id <= self._after:
            return
        environment, pipeline = await self._place(stamped.event)
        async with self._engine.reading() as world:
            visible = may_see(world, self._caller, environment, pipeline)
        if visible:
            document = line(id, stamped, environment)
            await write(event(document["type"], msgspec.json.encode(document), id))
        self._after = id

    async def _place(self, happened: AnyEvent) -> Place:
        if isinstance(happened, JobSubmitted):
            return self._keep(happened.job, (happened.environment, happened.pipeline))
        named, job = environment_of(happened), job_of(happened)
        if named is not None or job is None:
            return named, None
        if job in self._places:
            return self._places[job]
        async with self._engine.reading() as world:
            found = world.jobs.get(job)
        found = found or await self._engine.store.job(job)
        place = (None, None) if found is None else (found.environment, found.pipeline)
        return self._keep(job, place)

    def _keep(self, job: int, place: Place) -> Place:
        if len(self._places) >= PLACES_KEPT:
            self._places.clear()
        self._places[job] = place
        return place
