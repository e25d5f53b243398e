"""What was committed, handed to whoever watches; and an open job as a reader sees it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import trio

from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Job, JobPreparing, JobQueued
from orchestrator.core.rules.admission import Blocker, blockers, no_slot
from orchestrator.core.rules.progress import starved_step
from orchestrator.core.world.world import World

DEPTH = 1000
"""Batches that a reader may be behind before its channel is closed."""


class Recorded(msgspec.Struct, frozen=True):
    """One committed line of the journal and its id."""

    id: int
    stamped: Stamped


Batch = tuple[Recorded, ...]


class Feed:
    """Publishes committed events. A reader that lags too far is cut off and reads the store."""

    def __init__(self) -> None:
        self._readers: set[trio.MemorySendChannel[Batch]] = set()

    def publish(self, batch: Batch) -> None:
        """Hand a batch to every reader; never waits."""
        for reader in list(self._readers):
            try:
                reader.send_nowait(batch)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self._readers.discard(reader)
                reader.close()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[trio.MemoryReceiveChannel[Batch]]:
        """A channel of the batches committed from now on. It ends when the reader lags."""
        send, receive = trio.open_memory_channel[Batch](DEPTH)
        self._readers.add(send)
        try:
            yield receive
        finally:
            self._readers.discard(send)
            send.close()
            receive.close()


class OpenJob(msgspec.Struct, frozen=True):
    """A job, what it keeps of its configuration, and what keeps it, or a step of it, from
    starting."""

    job: Job
    definition: JobDefinition
    blockers: tuple[Blocker, ...] = ()


def open_job(world: World, job: Job) -> OpenJob:
    """The job as the world has it now."""
    return OpenJob(
        job=job, definition=world.definition(job), blockers=tuple(_in_the_way(world, job))
    )


def _in_the_way(world: World, job: Job) -> Iterator[Blocker]:
    if isinstance(job.phase, JobPreparing | JobQueued):
        yield from blockers(world, job)
    starved = starved_step(world, job)
    if starved is not None:
        yield no_slot(world, starved)
