"""The store on SQLite in threads of its own: aiosqlite, bridged to trio by trio-asyncio.

A transaction is one call into the connection's thread, not one for each statement: that is one
switch of threads for a commit, and a cancellation cannot come between its statements.
"""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec, TypeVar

import aiosqlite
import trio
import trio_asyncio  # type: ignore[import-untyped]

from orchestrator.store.database import connect_reader, connect_writer
from orchestrator.store.directory import hold
from orchestrator.store.protocol import Store
from orchestrator.store.sql_store import SqlStore

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_store(state_dir: Path) -> AsyncIterator[Store]:
    """Open the state for this process alone; its lock, threads and loop end with the block.

    Raises what `hold`, `connect_writer` and `connect_reader` raise.
    """
    with hold(state_dir) as database:
        async with (
            _asyncio_loop() as loop,
            _driver(loop, partial(connect_writer, database)) as writer,
            _driver(loop, partial(connect_reader, database)) as reader,
        ):
            yield SqlStore(writer, reader)


@contextlib.asynccontextmanager
async def _asyncio_loop() -> AsyncIterator[trio_asyncio.TrioEventLoop]:
    """A loop for asyncio's futures. What the block raises comes out as it is, in no group."""
    raised: BaseException | None = None
    async with trio_asyncio.open_loop() as loop:
        try:
            yield loop
        except BaseException as error:
            raised = error
    if raised is not None:
        raise raised


class _Connection(aiosqlite.Connection):
    """An aiosqlite connection that does several statements in one visit to its thread."""

    async def visit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` in the connection's thread, its result or exception.

        The thread tells trio itself: through an asyncio future it takes seven turns of a busy loop
        instead of two until the caller goes on. aiosqlite queues what has no future as it is.
        """
        connection, visited = self._conn, _Visited[T](trio.lowlevel.current_trio_token())
        self._tx.put_nowait((None, lambda: visited.run(work, connection)))
        await visited.over.wait()
        return visited.result()


class _Visited(Generic[T]):
    """What became of a visit. `over` is set in trio's thread, after all else."""

    def __init__(self, trio_token: trio.lowlevel.TrioToken) -> None:
        self.over = trio.Event()
        self._trio = trio_token
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> None:
        """In the connection's thread."""
        try:
            self._results.append(work(connection))
        except BaseException as error:
            self._error = error
        with contextlib.suppress(trio.RunFinishedError):  # then nobody waits
            self._trio.run_sync_soon(self.over.set)

    def result(self) -> T:
        """The result, or the exception raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]


class _ThreadDriver:
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def call(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def visit(connection: sqlite3.Connection) -> T:
            return work(connection, *args, **kwargs)

        return await self._connection.visit(visit)


@contextlib.asynccontextmanager
async def _driver(
    loop: trio_asyncio.TrioEventLoop, connect: Callable[[], sqlite3.Connection]
) -> AsyncIterator[_ThreadDriver]:
    # Opened before aiosqlite has it: a connector that fails there leaves a thread behind, which
    # then talks to a loop that is closed (aiosqlite 0.22.1).
    opened = await trio.to_thread.run_sync(connect)
    connection = _Connection(lambda: opened, iter_chunk_size=64)

    async def start() -> None:
        await connection

    with trio.CancelScope(shield=True):
        await loop.run_aio_coroutine(start())
    try:
        yield _ThreadDriver(connection)
    finally:
        with trio.CancelScope(shield=True):
            await loop.run_aio_coroutine(connection.close())
