"""What befalls a daemon of the adapter suite: killed, or asked to stop, at an exact commit."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import trio

from orchestrator.core.language.commands import Caller, Cancel
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Drain
from orchestrator.core.language.rejections import Rejection
from orchestrator.core.world.transaction import Changes
from orchestrator.engine.engine import Engine
from orchestrator.store.protocol import Store
from orchestrator.store.sqlite import open_store


class Fate(msgspec.Struct, frozen=True):
    """Counted are the commits about jobs, from 1, in the life of one daemon.

    `die_after`: killed when the commit is on disk and nothing has acted on it. `die_before`:
    killed when what it tells has happened and is not on disk. `cancel_later`: the first job is
    cancelled at its own first commit, the second at its second, and so on, before anything acts
    on the commit.
    """

    die_after: int | None = None
    die_before: int | None = None
    cancel_later: bool = False


NO_FATE = Fate()


class FatefulStore:
    """A store that carries out a fate; all else it leaves to the store that it wraps."""

    def __init__(self, store: Store, fate: Fate, engine: Callable[[], Engine]) -> None:
        self._store = store
        self._fate = fate
        self._engine = engine
        self._count = 0
        self._commits: dict[int, int] = {}
        """Of each job, in the order of their first ones."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        """As `Store.append`, if the daemon lives to see it."""
        job = next(filter(None, map(_job_of, events)), None)
        self._count += job is not None
        if job is not None and self._count == self._fate.die_before:
            _die()
        ids = await self._store.append(events, changes, drain)
        if job is not None and self._count == self._fate.die_after:
            _die()
        if job is not None and self._fate.cancel_later and self._is_its_turn(job):
            await self._have_cancelled(job)
        return ids

    def _is_its_turn(self, job: int) -> bool:
        """Whether the job now has as many commits as there were jobs up to it."""
        self._commits[job] = self._commits.get(job, 0) + 1
        return self._commits[job] == list(self._commits).index(job) + 1

    async def _have_cancelled(self, job: int) -> None:
        """Return when the writer has the request: it comes before all that this commit causes."""
        asked = trio.Event()
        owner = Caller(uid=os.geteuid(), user="suite", is_owner=True)

        async def ask() -> None:
            asked.set()
            try:
                await self._engine().writer.execute(Cancel(owner, job, "at this very moment"))
            except Rejection:
                return  # it has ended

        trio.lowlevel.spawn_system_task(ask)
        await asked.wait()


def opener(
    fate: Fate, engine: Callable[[], Engine]
) -> Callable[[Path], AbstractAsyncContextManager[Store]]:
    """`open_store` with a fate."""

    @asynccontextmanager
    async def open_fateful(state_dir: Path) -> AsyncIterator[Store]:
        async with open_store(state_dir) as store:
            yield cast(Store, FatefulStore(store, fate, engine))

    return open_fateful


def _job_of(stamped: Stamped) -> int | None:
    ref = getattr(stamped.event, "ref", None)
    found = ref.job if ref is not None else getattr(stamped.event, "job", None)
    return cast("int | None", found)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
