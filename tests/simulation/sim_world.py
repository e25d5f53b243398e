"""Everything outside the daemon: tools, disk, clocks, people; and the daemons, one at a time."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.digest import digest
from orchestrator.engine import survey
from orchestrator.engine.attempt import attempt_journal, step_processes, workbench
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.step import StepServices
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.engine import Engine, Reloaded, running
from orchestrator.engine.live import Live
from orchestrator.engine.paths import Paths
from orchestrator.engine.writer import Writer, WriterClosed
from orchestrator.plugin.registry import LoadedPlugin
from orchestrator.process.host import ProcessHost
from orchestrator.process.spec import ProcessSpec
from orchestrator.store.errors import CommitFailed
from orchestrator.store.protocol import Store
from orchestrator.store.restore import restore
from tests.simulation.fake_adapter import FakeAdapter, FakeService
from tests.simulation.fake_tool import FakeTool
from tests.simulation.sim_mortal import Crashed, Life, MortalHost, MortalStore
from tests.simulation.sim_scenario import Rates, random_configurations, random_rates, random_tool
from tests.simulation.sim_witness import Witness
from tests.simulation.simulated_claims import SimulatedClaims
from tests.simulation.simulated_clock import SimulatedClock
from tests.simulation.simulated_host import SimulatedHost
from tests.store.inline import open_inline_store


class RandomFaults:
    """Faults at the seed's rates, until `stop`."""

    def __init__(self, rng: random.Random, rates: Rates) -> None:
        self._rng = rng
        self.rates = rates

    def stop(self) -> None:
        """From now on all goes well, but for the tools that are at work."""
        self.rates = Rates(slow_commit=self.rates.slow_commit)

    def happens(self, rate: float) -> bool:
        return rate > 0 and self._rng.random() < rate

    def crashes(self) -> bool:
        return self.happens(self.rates.crash)

    def commit_fails(self) -> bool:
        return self.happens(self.rates.commit_fails)

    def commit_is_unknown(self) -> bool:
        return self.happens(self.rates.commit_unknown)

    def is_committed(self) -> bool:
        return self._rng.random() < 0.5

    def pause(self) -> float:
        return self._rng.choice((0.001, 0.01, 0.5)) if self.happens(self.rates.slow_commit) else 0.0


class World:
    """What outlives a daemon. `up` is the engine that people can reach now, if one runs."""

    def __init__(self, seed: int, state_dir: Path, nursery: trio.Nursery) -> None:
        self.rng = random.Random(seed)
        self.state_dir = state_dir
        self.rates = random_rates(self.rng)
        self.faults = RandomFaults(self.rng, self.rates)
        self.configurations = random_configurations(self.rng)
        self.configuration = self.configurations[0]
        self.clock = SimulatedClock()
        self.witness = Witness()
        self.host = SimulatedHost(
            nursery, self._choose_tool, lambda: self.clock.boot_id, self.witness.executed
        )
        self.witness.host = self.host
        self.claims = SimulatedClaims(self.host, lambda: self.clock.now().utc)
        self.calls: list[str] = []
        self.lives = 0
        self.life: Life | None = None
        self.engine: Engine | None = None
        self._risen = trio.Event()

    def _choose_tool(self, directory: Path, spec: ProcessSpec) -> FakeTool:
        return random_tool(self.rng, self.faults.rates)

    # --- daemons ---------------------------------------------------------------------------

    async def keep_a_daemon_running(self) -> None:
        """One daemon after another, as a service manager does."""
        while True:
            await self._live()
            if self.faults.happens(self.faults.rates.reboot):
                self.host.lose_power()
                self.clock.reboot()
            await trio.sleep(self.rng.choice((0.0, 0.1, 5.0, 30.0)))

    async def _live(self) -> None:
        life = self.life = Life(self.faults)
        self.lives += 1
        try:
            with life.scope:
                async with open_inline_store(self.state_dir) as store:
                    await self._run_engine(store, life)
        except BaseExceptionGroup as group:
            self._judge(group, life)
        except Crashed:
            pass
        finally:
            life.alive = False
            self.engine = None

    async def _run_engine(self, real: Store, life: Life) -> None:
        store = cast(Store, MortalStore(real, life, self.witness.committed))
        engine = Engine(
            restore(await real.load(), self.clock.now()),
            store,
            self.clock,
            Surroundings(life),
            lambda writer, live: self._workbench(writer, live, life),
        )
        opening: list[cmd.Command] = [
            self.acceptance(None),
            cmd.OpenDaemon(version="0", pid=self.lives, seed=f"life {self.lives}"),
        ]
        async with running(engine, opening):
            self.engine = engine
            self._risen.set()
            self._risen = trio.Event()
            await trio.sleep_forever()

    def _judge(self, group: BaseExceptionGroup[BaseException], life: Life) -> None:
        """A daemon that was killed leaves what it was doing; one that falls over is a fault."""
        expected = (Crashed, WriterClosed, CommitFailed, trio.Cancelled)
        rest = group.split(expected)[1]
        if rest is not None or (life.alive and group.split((Crashed, CommitFailed))[0] is None):
            raise group

    def _workbench(self, writer: Writer, live: Live, life: Life) -> Workbench:
        services = StepServices(
            processes=cast(ProcessHost, MortalHost(self.host, life)),
            claims=cast(ClaimBook, self.claims),
        )
        adapter = FakeAdapter(MortalService(self.calls, life))
        return Workbench({"fake": adapter}, services, Paths(self.state_dir), writer, live, {})

    def acceptance(self, caller: cmd.Caller | None) -> cmd.AcceptConfiguration:
        """What the configuration directory says now."""
        return cmd.AcceptConfiguration(self.configuration, digest(self.configuration), caller)

    async def reached(self) -> Engine:
        """The engine, as soon as one runs."""
        while self.engine is None or self.life is None or not self.life.alive:
            await self._risen.wait()
        return self.engine


class Surroundings:
    """What the engine is run in, as one daemon is."""

    directory = Path("/configuration")
    mistakes: tuple[str, ...] = ()
    plugins: tuple[LoadedPlugin, ...] = ()

    def __init__(self, life: Life) -> None:
        self._life = life

    def authorize(self, user: str, action: str, target: str) -> bool | None:
        return None

    async def reload(self, caller: cmd.Caller) -> Reloaded:
        raise NotImplementedError

    def die(self, error: Exception) -> NoReturn:
        self._life.die(error)


class MortalService(FakeService):
    """The outside service as one daemon reaches it."""

    def __init__(self, calls: list[str], life: Life) -> None:
        super().__init__()
        self.calls = calls
        self._life = life

    async def call(self, name: str) -> int:
        self._life.crash_point()
        await trio.sleep(self._life.faults.pause())
        self._life.check()
        number = await super().call(name)
        self._life.crash_point()
        return number


@contextmanager
def simulated_boot(world: World) -> Iterator[None]:
    """The engine reads the boot id where it runs: here it is the simulated one."""
    modules: tuple[Any, ...] = (attempt_journal, step_processes, workbench, survey)
    before = [module.read_boot_id for module in modules]
    for module in modules:
        module.read_boot_id = lambda: world.clock.boot_id
    try:
        yield
    finally:
        for module, one in zip(modules, before, strict=True):
            module.read_boot_id = one
