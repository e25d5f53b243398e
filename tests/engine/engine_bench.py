"""A real engine over a real store and real processes, and adapters that tests make up."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import trio

from orchestrator.builtin.command import CommandAdapter
from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.digest import digest
from orchestrator.core.language.model import Finished, Job, JobFinished, StepRef
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.step import StepServices
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.clock import SystemClock
from orchestrator.engine.engine import Engine, Reloaded, running
from orchestrator.engine.paths import Paths
from orchestrator.plugin import CLEAN, Adapter, Cleanliness, Result, Step
from orchestrator.plugin.registry import LoadedPlugin
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.store.protocol import Store
from orchestrator.store.restore import restore
from orchestrator.store.sqlite import open_store
from tests.process.process_bench import kill, pids_below

E = TypeVar("E", bound=ev.Event)
ROOT = Caller(uid=0, user="root", is_owner=True)
KINDS: dict[str, tuple[str, ...]] = {
    "deploy": ("deploy", "cleanup"),
    "cleanup": ("deploy", "cleanup"),
}


class Nothing(msgspec.Struct, frozen=True):
    """An adapter without settings."""


class Plain(Adapter[Nothing]):
    """An adapter of a test: override what it is about."""

    name = "plain"
    config_type = Nothing

    async def apply(self, step: Step[Nothing]) -> Result:
        return Result(exit=0)

    async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
        return CLEAN


class Surroundings:
    """What the engine is run in; `deaths` are the errors of which it would have died."""

    directory = Path("/configuration")
    mistakes: tuple[str, ...] = ()
    plugins: tuple[LoadedPlugin, ...] = ()

    def __init__(self) -> None:
        self.deaths: list[Exception] = []
        self.died = trio.Event()

    def authorize(self, user: str, action: str, target: str) -> bool | None:
        return None

    async def reload(self, caller: Caller) -> Reloaded:
        raise NotImplementedError

    def die(self, error: Exception) -> NoReturn:
        self.deaths.append(error)
        self.died.set()
        raise SystemExit(9)


def step(name: str = "go", uses: str = "command", *run: str, **fields: Any) -> StepDefinition:
    """A step with every phase. `run` is the command of a `command` step."""
    config = {"run": list(run)} if run else {}
    return StepDefinition(**({"name": name, "uses": uses, "config": config} | fields))


def pipeline(
    name: str, steps: Iterable[StepDefinition], cleanup: str | None = None, **fields: Any
) -> PipelineDefinition:
    """A pipeline; `cleanup` names the one that it owes."""
    kind = "cleanup" if name.startswith("clean") else "deploy"
    owed = None if cleanup is None else CleanupReference(cleanup)
    given = {"name": name, "kind": kind, "steps": tuple(steps), "cleanup": owed}
    return PipelineDefinition(**(given | fields))


def python(code: str, *arguments: object) -> list[str]:
    """A one-liner as the tool."""
    return [sys.executable, "-S", "-c", code, *map(str, arguments)]


class Bench:
    """One state directory. `events` is all that was committed while an engine ran."""

    def __init__(self, root: Path, adapters: Iterable[Adapter[Any]] = ()) -> None:
        self.root = root
        self.state_dir = root / "state"
        self.adapters: Mapping[str, Adapter[Any]] = {
            one.name: one for one in (CommandAdapter(), *adapters)
        }
        self.surroundings = Surroundings()
        self.events: list[ev.Stamped] = []
        self.engine: Engine
        self._news = trio.Event()

    @asynccontextmanager
    async def serving(
        self, *pipelines: PipelineDefinition, store: Store | None = None, **fields: Any
    ) -> AsyncIterator[Engine]:
        """An engine at work, with these pipelines in the environments `one` and `two`."""
        if store is None:
            async with (
                open_store(self.state_dir) as opened,
                self.serving(*pipelines, store=opened, **fields) as engine,
            ):
                yield engine
            return
        environments = {name: EnvironmentDefinition(name=name) for name in ("one", "two")}
        configuration = Configuration(
            state_dir=str(self.state_dir),
            socket="",
            pipelines={one.name: one for one in pipelines},
            kinds=KINDS,
            environments=environments,
        )
        configuration = msgspec.structs.replace(configuration, **fields)
        opening: list[cmd.Command] = [
            cmd.AcceptConfiguration(configuration, digest(configuration)),
            OPEN,
        ]
        engine = self.engine = await self._engine(store)
        async with trio.open_nursery() as nursery:
            await nursery.start(self._collect, engine)
            async with running(engine, opening):
                yield engine
            nursery.cancel_scope.cancel()

    async def _engine(self, store: Store) -> Engine:
        clock, host = SystemClock(), ProcessHost(self.root / "keeper")
        claims = ClaimBook(self.state_dir, host, read_boot_id(), lambda: clock.now().utc)
        services = StepServices(processes=host, claims=claims)
        own = {"PATH": os.environ["PATH"]}
        return Engine(
            restore(await store.load(), clock.now()),
            store,
            clock,
            self.surroundings,
            lambda writer, live: Workbench(
                self.adapters, services, Paths(self.state_dir), writer, live, own
            ),
        )

    async def _collect(
        self, engine: Engine, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        async with engine.feed.subscribe() as feed:
            task_status.started()
            async for batch in feed:
                self.events.extend(recorded.stamped for recorded in batch)
                self._news.set()
                self._news = trio.Event()

    # --- asking ----------------------------------------------------------------------------

    async def submit(self, pipeline: str = "web", environment: str = "one", **fields: Any) -> int:
        """Submit as root; the job."""
        request = cmd.Submit(caller=ROOT, pipeline=pipeline, environment=environment, **fields)
        return (await self.engine.submit(request)).job

    async def cancel(self, job: int, *, force: bool = False) -> None:
        """Cancel as root."""
        await self.engine.cancel(cmd.Cancel(caller=ROOT, job=job, reason="no", force=force))

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when the condition holds after some commit; fail when it does not in 20 s."""
        with trio.fail_after(60):
            while not condition():
                await self._news.wait()

    def all(self, kind: type[E]) -> list[E]:
        """The committed events of a kind."""
        return [event.event for event in self.events if isinstance(event.event, kind)]

    async def happened(self, kind: type[E], times: int = 1) -> E:
        """The first (or a later) event of a kind, as soon as it is committed."""
        await self.until(lambda: len(self.all(kind)) >= times)
        return self.all(kind)[times - 1]

    async def ended(self, job: int) -> JobFinished:
        """How a job ended, as soon as it has."""
        await self.until(lambda: any(one.job == job for one in self.all(ev.JobEnded)))
        phase = (await self.engine.job(job)).phase
        assert isinstance(phase, JobFinished)
        return phase

    async def job(self, job: int) -> Job:
        return await self.engine.job(job)

    async def finished_step(self, job: int, name: str = "go") -> Finished:
        """How a step ended."""
        phase = (await self.engine.job(job)).step(name).phase
        assert isinstance(phase, Finished)
        return phase

    def attempt(self, job: int, name: str = "go") -> Path:
        return Paths(self.state_dir).attempt(StepRef(job, name))

    def work(self, job: int) -> Path:
        return Paths(self.state_dir).work(job)

    def log(self, job: int, name: str = "go") -> str:
        return (self.attempt(job, name) / "log").read_text()


OPEN = cmd.OpenDaemon(version="0", pid=1, seed="bench")


@asynccontextmanager
async def open_bench(root: Path, *adapters: Adapter[Any]) -> AsyncIterator[Bench]:
    """A bench; whatever it leaves running is killed after it."""
    try:
        yield Bench(root, adapters)
    finally:
        while pids := pids_below(root):
            for pid in pids:
                kill(pid)
