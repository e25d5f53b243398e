"""One life of a daemon: it can be killed anywhere, and then nothing of it acts any more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import trio

from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Drain, Job
from orchestrator.core.world.world import Changes
from orchestrator.process.spec import ProcessSpec
from orchestrator.process.state import ProcessExit, ProcessState
from orchestrator.store.errors import CommitFailed, CommitUnknown
from orchestrator.store.protocol import Loaded, Store
from tests.simulation.simulated_host import SimulatedHost

T = TypeVar("T")


class Crashed(BaseException):
    """This daemon was killed: what asks is a ghost."""


class Faults(Protocol):
    """What goes wrong, decided each time that it could."""

    def crashes(self) -> bool: ...

    def commit_fails(self) -> bool: ...

    def commit_is_unknown(self) -> bool: ...

    def pause(self) -> float:
        """Seconds that something takes."""
        ...

    def is_committed(self) -> bool:
        """Whether a commit whose result is unknown took place."""
        ...


class Life:
    """The time between a daemon's start and its end. `scope` is cancelled by its end."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.alive = True
        self.scope = trio.CancelScope()
        self._calls: set[trio.CancelScope] = set()

    def end(self) -> None:
        """Kill the daemon, whatever it waits for, and however shielded."""
        self.alive = False
        self.scope.cancel()
        for call in self._calls:
            call.cancel()

    async def wait_for(self, call: Awaitable[T]) -> T:
        """What the world outside answers, if the daemon lives to see it."""
        scope = trio.CancelScope()
        self._calls.add(scope)
        try:
            with scope:
                answer = await call
                self.crash_point()
                return answer
        finally:
            self._calls.discard(scope)
        raise Crashed

    def check(self) -> None:
        """Raises Crashed in a daemon that is dead."""
        if not self.alive:
            raise Crashed

    def crash_point(self) -> None:
        """A moment at which the daemon may be killed, and act no more after it."""
        self.check()
        if self.faults.crashes():
            self.end()
            raise Crashed

    def die(self, error: Exception) -> NoReturn:
        """What the daemon does when nobody can know what is on disk."""
        self.end()
        raise Crashed


class MortalHost:
    """The process host as one daemon uses it."""

    def __init__(self, host: SimulatedHost, life: Life) -> None:
        self._host = host
        self._life = life

    async def start(self, directory: Path, spec: ProcessSpec) -> None:
        self._life.crash_point()
        if self._life.faults.crashes():  # when it has asked, and before it is answered
            self._host.ask(directory, spec)
            self._life.end()
            raise Crashed
        await self._life.wait_for(self._host.start(directory, spec))

    def look(self, directory: Path) -> ProcessState:
        self._life.check()
        return self._host.look(directory)

    def owner(self, directory: Path) -> str | None:
        self._life.check()
        return self._host.owner(directory)

    def started_at(self, directory: Path) -> tuple[str, int] | None:
        self._life.check()
        return self._host.started_at(directory)

    def void(self, directory: Path) -> bool:
        self._life.check()
        return self._host.void(directory)

    async def wait(self, directory: Path) -> ProcessExit:
        self._life.crash_point()
        return await self._life.wait_for(self._host.wait(directory))

    async def signal_once(self, directory: Path, signal_id: str, signum: int) -> bool:
        self._life.crash_point()
        return await self._life.wait_for(self._host.signal_once(directory, signal_id, signum))

    async def kill_tree(self, directory: Path) -> None:
        self._life.crash_point()
        await self._life.wait_for(self._host.kill_tree(directory))

    async def sweep(self, directory: Path, grace: float = 5.0) -> None:
        self._life.crash_point()
        await self._life.wait_for(self._host.sweep(directory, grace))

    async def wait_until_dead(self, directory: Path) -> None:
        self._life.crash_point()
        await self._life.wait_for(self._host.wait_until_dead(directory))

    def is_tree_dead(self, directory: Path) -> bool:
        self._life.check()
        return self._host.is_tree_dead(directory)


class MortalStore:
    """The store as one daemon uses it; `committed` is told what is on disk from now on."""

    def __init__(
        self, store: Store, life: Life, committed: Callable[[range, Sequence[Stamped]], None]
    ) -> None:
        self._store = store
        self._life = life
        self._committed = committed

    async def append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        life, faults = self._life, self._life.faults
        life.crash_point()
        await trio.sleep(faults.pause())
        life.crash_point()
        if faults.commit_fails():
            raise CommitFailed("the disk is full")
        if faults.commit_is_unknown():
            if faults.is_committed():
                await self._append(events, changes, drain)
            raise CommitUnknown("the sync failed")
        ids = await self._append(events, changes, drain)
        life.crash_point()
        await trio.sleep(faults.pause())
        life.crash_point()
        return ids

    async def _append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        with trio.CancelScope(shield=True):
            ids = await self._store.append(events, changes, drain)
            self._committed(ids, events)
        return ids

    async def load(self) -> Loaded:
        self._life.check()
        return await self._store.load()

    async def job(self, id: int) -> Job | None:
        self._life.check()
        return await self._store.job(id)

    async def jobs_by_keys(self, keys: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Job]:
        self._life.check()
        return await self._store.jobs_by_keys(keys)

    async def definition(self, digest: str) -> JobDefinition | None:
        self._life.check()
        return await self._store.definition(digest)
