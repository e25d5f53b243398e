"""A real engine with a real store behind the real API on a real unix socket."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import httpx
import msgspec
import trio

from orchestrator.api.app import create_app
from orchestrator.api.listening import listening
from orchestrator.api.server import IDLE_SECONDS, Server
from orchestrator.builtin.approval import ApprovalAdapter
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    Parameter,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.step import StepServices
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.clock import SystemClock
from orchestrator.engine.engine import Engine, Reloaded, running
from orchestrator.engine.live import Live
from orchestrator.engine.paths import Paths
from orchestrator.engine.writer import Writer
from orchestrator.plugin import Adapter, Cleanliness, Result, Step
from orchestrator.plugin.registry import LoadedPlugin, PluginProblem
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.store.restore import restore
from tests.store.inline import open_inline_store

SECRET = "hunter2hunter2"


class GateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`exit` is the code that the tool ends with when its gate is opened.

    A `deaf` one is not asked to stop; `dirt` is what its cleanup finds.
    """

    exit: int = 0
    text: str = ""
    deaf: bool = False
    dirt: str = ""


class Gate(Adapter[GateConfig]):
    """A tool that works until the test opens its gate, or until it is asked to stop."""

    name = "gate"
    config_type = GateConfig

    def __init__(self) -> None:
        self.begun: dict[tuple[int, str], trio.Event] = {}
        self.gates: dict[tuple[int, str], trio.Event] = {}
        self.steps: dict[tuple[int, str], Step[GateConfig]] = {}

    def event(
        self, events: dict[tuple[int, str], trio.Event], job: int, step: str = "apply"
    ) -> trio.Event:
        return events.setdefault((job, step), trio.Event())

    async def at_work(self, job: int, step: str = "apply") -> Step[GateConfig]:
        """Wait until the step has begun; what its adapter sees."""
        await self.event(self.begun, job, step).wait()
        return self.steps[job, step]

    def open(self, job: int, step: str = "apply") -> None:
        self.event(self.gates, job, step).set()

    async def apply(self, step: Step[GateConfig]) -> Result:
        key = (step.job.id, step.name)
        self.steps[key] = step
        self.event(self.begun, *key).set()
        step.log(f"{step.name} begins")
        await self.event(self.gates, *key).wait()
        return Result(
            exit=step.config.exit,
            summary=step.config.text,
            outputs={"url": "http://here", "token": SECRET},
            sensitive=("token",),
        )

    async def cancel(self, step: Step[GateConfig]) -> None:
        if not step.config.deaf:
            self.event(self.gates, step.job.id, step.name).set()

    async def cleanup(self, step: Step[GateConfig]) -> Cleanliness:
        return Cleanliness(step.config.dirt, ("tool unlock 4711",) if step.config.dirt else ())


def configuration(root: Path, **changes: Any) -> Configuration:
    """`web` owes `web-cleanup`; `test` excludes nothing; `prod` and `team/stage`."""
    web = PipelineDefinition(
        name="web",
        kind="deploy",
        origin="pipelines/web.toml",
        description="Deploy the site",
        params=(
            Parameter(
                name="version",
                required=True,
                pattern=r"v\d+\.\d+\.\d+",
                example="v1.2.3",
            ),
        ),
        cleanup=CleanupReference("web-cleanup", {"version": "${params.version}"}),
        steps=(
            StepDefinition("apply", "gate", {"text": "deploys ${params.version}"}),
            StepDefinition(
                "smoke", "gate", {"text": "${steps.apply.outputs.url}"}, needs=("apply",)
            ),
        ),
    )
    cleanup = PipelineDefinition(
        name="web-cleanup",
        kind="cleanup",
        origin="pipelines/web-cleanup.toml",
        params=(Parameter(name="version"),),
        steps=(StepDefinition("remove", "gate"),),
    )
    plain = PipelineDefinition(
        name="team/plain",
        kind="deploy",
        origin="pipelines/team/plain.toml",
        steps=(StepDefinition("apply", "gate", touches=False),),
    )
    settings: dict[str, Any] = {
        "state_dir": str(root),
        "socket": str(root / "api.sock"),
        "kinds": {"deploy": ("deploy", "cleanup"), "cleanup": ("deploy", "cleanup")},
        "environments": {
            name: EnvironmentDefinition(name, origin=f"environments/{name}.toml")
            for name in ("prod", "team/stage")
        },
        "pipelines": {one.name: one for one in (web, cleanup, plain, *_troublesome(plain))},
    }
    return Configuration(**(settings | changes))


def _troublesome(plain: PipelineDefinition) -> tuple[PipelineDefinition, ...]:
    """`deaf` does not stop when it is asked; `dirty` leaves something behind."""
    configs: dict[str, dict[str, Any]] = {
        "deaf": {"deaf": True},
        "dirty": {"dirt": "lock 4711 is held"},
        "failing": {"exit": 3},
    }
    return tuple(
        msgspec.structs.replace(plain, name=name, steps=(StepDefinition("apply", "gate", config),))
        for name, config in configs.items()
    )


class Home:
    """The composition root that the tests put in the daemon's place."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "config"
        self.mistakes: tuple[str, ...] = ()
        self.next_reload = Reloaded(changed=False)
        self.denied: set[str] = set()

    @property
    def plugins(self) -> tuple[LoadedPlugin, ...]:
        broken = PluginProblem("sad", "could not be loaded: ImportError: no module")
        return (
            LoadedPlugin("gates", "1.0", ("gate",)),
            LoadedPlugin("sad", problem=broken),
        )

    def authorize(self, user: str, action: str, target: str) -> bool | None:
        return False if action in self.denied else None

    async def reload(self, caller: cmd.Caller) -> Reloaded:
        return self.next_reload

    def die(self, error: Exception) -> NoReturn:
        raise AssertionError(error)


class ApiBench:
    """One daemon's worth of parts, at work."""

    def __init__(self, root: Path, engine: Engine, gate: Gate, home: Home, server: Server) -> None:
        self.root = root
        self.engine = engine
        self.gate = gate
        self.home = home
        self.server = server
        self.socket = root / "api.sock"

    def client(self) -> httpx.AsyncClient:
        """A client on the socket, to be used as a context."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.socket))
        return httpx.AsyncClient(transport=transport, base_url="http://daemon", timeout=20)

    async def configure(self, new: Configuration) -> None:
        """Put a configuration into force."""
        await self.engine.execute(cmd.AcceptConfiguration(new, digest=str(id(new))))

    async def submit(self, **body: Any) -> dict[str, Any]:
        """Queue a job by HTTP."""
        content = {"pipeline": "team/plain", "environment": "prod"} | body
        async with self.client() as client:
            answer = await client.post("/v1/jobs", json=content)
        assert answer.status_code == 201, answer.text
        job: dict[str, Any] = answer.json()
        return job

    async def get(self, path: str, status: int = 200) -> Any:
        """What a GET answers; it must have this status."""
        async with self.client() as client:
            answer = await client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """What a POST answers; it must have this status."""
        async with self.client() as client:
            answer = await client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def all_gone(self) -> None:
        """Return when no connection is left; none may wait for the server's idle limit."""
        with trio.fail_after(IDLE_SECONDS - 5):
            while self.server.connections:  # noqa: ASYNC110  a connection's end tells no event
                await trio.sleep(0.005)

    async def until(self, job: int, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The job, as soon as this holds of it."""
        async with self.client() as client, client.stream("GET", f"/v1/jobs/{job}/watch") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    seen: dict[str, Any] = msgspec.json.decode(line.removeprefix("data: "))
                    if holds(seen):
                        return seen
        raise AssertionError(f"job {job} has ended")

    async def finished(self, job: int) -> dict[str, Any]:
        """The job, as soon as it has ended."""
        async with self.client() as client, client.stream("GET", f"/v1/jobs/{job}/watch") as stream:
            lines = [line async for line in stream.aiter_lines() if line.startswith("data: ")]
        last: dict[str, Any] = msgspec.json.decode(lines[-1].removeprefix("data: "))
        assert last["phase"] == "finished"
        return last


@asynccontextmanager
async def open_bench(
    root: Path, config: Configuration | None = None, owner: int | None = None
) -> AsyncIterator[ApiBench]:
    """The API at work in a directory."""
    clock, gate, home = SystemClock(), Gate(), Home(root)
    paths = Paths(root)
    processes = ProcessHost(paths.keeper)

    def workbench(writer: Writer, live: Live) -> Workbench:
        claims = ClaimBook(root, processes, read_boot_id(), lambda: clock.now().utc)
        services = StepServices(processes=processes, claims=claims)
        adapters: dict[str, Adapter[Any]] = {"gate": gate, "approval": ApprovalAdapter()}
        return Workbench(adapters, services, paths, writer, live, os.environ)

    async with open_inline_store(root) as store:
        world = restore(await store.load(), clock.now())
        engine = Engine(world, store, clock, home, workbench)
        opening: list[cmd.Command] = [
            cmd.AcceptConfiguration(config or configuration(root), digest="first"),
            cmd.OpenDaemon(version="1", pid=os.getpid(), seed="bench"),
        ]
        async with running(engine, opening), trio.open_nursery() as nursery:
            with listening(root / "api.sock") as socket:
                server = Server(create_app(engine), os.geteuid() if owner is None else owner)
                await nursery.start(server.serve, socket)
                yield ApiBench(root, engine, gate, home, server)
                nursery.cancel_scope.cancel()
