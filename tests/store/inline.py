"""The same store without threads: each call does its work at once, on the caller's thread.

For simulations on trio's MockClock, which does not see threads and would let time jump on while
they work.
"""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import trio

from orchestrator.store.database import connect_reader, connect_writer
from orchestrator.store.directory import hold
from orchestrator.store.protocol import Store
from orchestrator.store.sql_store import SqlStore

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.asynccontextmanager
async def open_inline_store(state_dir: Path) -> AsyncIterator[Store]:
    """Open the state for this process alone, as `open_store` does."""
    with (
        hold(state_dir) as database,
        contextlib.closing(connect_writer(database)) as writer,
        contextlib.closing(connect_reader(database)) as reader,
    ):
        yield SqlStore(_InlineDriver(writer), _InlineDriver(reader))


class _InlineDriver:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def call(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        await trio.lowlevel.checkpoint()
        return work(self._connection, *args, **kwargs)
