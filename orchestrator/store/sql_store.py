"""The store over two SQLite connections, whichever way those are driven."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import trio

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Drain, Job
from orchestrator.core.world.world import Changes
from orchestrator.store import reading, writing
from orchestrator.store.errors import CommitUnknown, DatabaseDamaged, ReadFailed
from orchestrator.store.protocol import JobFilter, JobPage, Loaded, MeanDuration
from orchestrator.store.rows import Batch, encode_batch

P = ParamSpec("P")
T = TypeVar("T")


class Driver(Protocol):
    """One connection, and the way to do something with it: in its thread, or at once."""

    async def call(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`work(connection, …)`, one after the other, and its result or exception."""
        ...


class SqlStore:
    """A Store (see the protocol) over one driver that writes and one that reads."""

    def __init__(self, writer: Driver, reader: Driver) -> None:
        self._writer = writer
        self._reader = reader
        self._broken: CommitUnknown | DatabaseDamaged | None = None

    async def append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        batch = encode_batch(events, changes, drain)
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):
            ids = await self._write(batch)
        return ids  # noqa: RET504 - to mypy, a cancel scope may swallow what its block raises

    async def _write(self, batch: Batch) -> range:
        if self._broken is not None:
            raise type(self._broken)(str(self._broken)) from self._broken
        try:
            return await self._writer.call(writing.write, batch)
        except (CommitUnknown, DatabaseDamaged) as error:
            # Whatever were written after this would stand on ground that nobody knows.
            self._broken = error
            raise

    async def load(self) -> Loaded:
        return await self._read(reading.load)

    async def job(self, id: int) -> Job | None:
        return await self._read(reading.job, id)

    async def jobs(self, wanted: JobFilter) -> JobPage:
        return await self._read(reading.jobs, wanted)

    async def jobs_by_keys(self, keys: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Job]:
        return await self._read(reading.jobs_by_keys, keys)

    async def last_finished(self, environment: str, limit: int) -> tuple[Job, ...]:
        return await self._read(reading.last_finished, environment, limit)

    async def mean_duration(self, pipeline: str, environment: str) -> MeanDuration | None:
        return await self._read(reading.mean_duration, pipeline, environment)

    async def definition(self, digest: str) -> JobDefinition | None:
        return await self._read(reading.definition, digest)

    async def configuration(self, digest: str) -> Configuration | None:
        return await self._read(reading.configuration, digest)

    async def events(self, after: int, limit: int) -> list[tuple[int, Stamped]]:
        return await self._read(reading.events, after, limit)

    async def first_event_id(self) -> int:
        return await self._read(reading.first_event_id)

    async def last_event_id(self) -> int:
        return await self._read(reading.last_event_id)

    async def _read(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        try:
            return await self._reader.call(work, *args, **kwargs)
        except sqlite3.Error as error:
            kind = DatabaseDamaged if writing.is_damage(error) else ReadFailed
            raise kind(f"the state could not be read: {error}") from error
