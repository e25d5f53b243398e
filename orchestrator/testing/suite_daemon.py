"""The daemon that the adapter suite kills, with the adapter under test as its only plugin.

    python -m orchestrator.testing.suite_daemon --config DIRECTORY ORDERS [ANSWERS]

ORDERS is JSON. `serve` is the real daemon, with a fate. `verify` runs the cleanup of a finished
step again, `check` the adapter's check of a queued one; both while no daemon runs, and both write
what the adapter answered to the file ANSWERS, as JSON.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import trio

from orchestrator import config, log_output
from orchestrator.core.language.model import StepRef
from orchestrator.daemon import Daemon, Settings
from orchestrator.engine.engine import Engine
from orchestrator.plugin import Adapter, Cleanliness, Problem, hookimpl, registry
from orchestrator.store.sqlite import open_store
from orchestrator.testing.suite_fate import Fate, opener

STEP = "step"
"""The name of the only step of every pipeline of the suite."""


class Origin(msgspec.Struct, frozen=True):
    """Where an adapter's class is found: by its module, else in its file."""

    module: str
    name: str
    file: str

    @classmethod
    def of(cls, adapter: type[Adapter[Any]]) -> "Origin":
        """Where this class comes from."""
        file = sys.modules[adapter.__module__].__file__ or ""
        return cls(adapter.__module__, adapter.__qualname__, file)

    def load(self) -> type[Adapter[Any]]:
        """The class."""
        found: Any = self._module()
        for name in self.name.split("."):
            found = getattr(found, name)
        loaded: type[Adapter[Any]] = found
        return loaded

    def _module(self) -> ModuleType:
        try:
            return importlib.import_module(self.module)
        except ImportError:
            spec = importlib.util.spec_from_file_location(self.module, self.file)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.module] = module
            spec.loader.exec_module(module)
            return module


class Serve(msgspec.Struct, frozen=True, tag="serve"):
    """Be the daemon."""

    fate: Fate = Fate()


class Verify(msgspec.Struct, frozen=True, tag="verify"):
    """Run the cleanup of this job's step again, so often."""

    job: int
    times: int


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Run the adapter's check of this queued job's step, so often."""

    job: int
    times: int


class Orders(msgspec.Struct, frozen=True):
    """What this process is to do, and with which adapter."""

    adapter: Origin
    task: Serve | Verify | Check


class Verdicts(msgspec.Struct, frozen=True):
    """What the adapter answered, each time."""

    cleanups: tuple[Cleanliness, ...] = ()
    problems: tuple[tuple[Problem, ...], ...] = ()


def plugins_of(adapter: type[Adapter[Any]]) -> registry.Registry:
    """A registry with this adapter alone."""
    plugin = ModuleType("adapter-under-test")

    def orchestrator_adapters() -> Sequence[Adapter[Any]]:
        return [adapter()]

    plugin.orchestrator_adapters = hookimpl(orchestrator_adapters)  # type: ignore[attr-defined]
    return registry.load([plugin], installed=())


async def serve(directory: Path, plugins: registry.Registry, fate: Fate) -> None:
    """The real daemon on a store that carries out the fate."""

    def engine() -> Engine:
        assert daemon.at_work is not None
        return daemon.at_work

    settings = Settings(directory=directory, strict=True)
    daemon = Daemon(settings, plugins, opener(fate, engine))
    await daemon.serve()


async def ask(directory: Path, plugins: registry.Registry, task: Verify | Check) -> Verdicts:
    """Call the adapter as the daemon would, while there is none."""
    daemon = Daemon(Settings(directory=directory, strict=True), plugins)
    state_dir = config.state_directory(directory)
    async with open_store(state_dir) as store, trio.open_nursery() as nursery:
        engine = daemon.engine(store, await store.load(), state_dir)
        ref = StepRef(job=task.job, step=STEP)
        match task:
            case Verify():
                return Verdicts(
                    cleanups=tuple([await _clean(engine, ref, n) for n in _rounds(task)])
                )
            case Check():
                bench = await engine.workbench.prepare(ref, nursery)
                found = [tuple(await bench.adapter.check(bench.step)) for _ in _rounds(task)]
                return Verdicts(problems=tuple(found))


def _rounds(task: Verify | Check) -> range:
    return range(1, task.times + 1)


async def _clean(engine: Engine, ref: StepRef, round: int) -> Cleanliness:
    job = await engine.job(ref.job)
    definition = await engine.definition(job)
    bench = await engine.workbench.prepare_recheck(job, definition, ref, round)
    return await bench.adapter.cleanup(bench.step)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was ordered."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("orders")
    parser.add_argument("answers", type=Path, nargs="?")
    given = parser.parse_args(arguments)
    orders = msgspec.json.decode(given.orders, type=Orders)
    log_output.configure()
    plugins = plugins_of(orders.adapter.load())
    match orders.task:
        case Serve(fate=fate):
            trio.run(serve, given.config, plugins, fate)
        case task:
            verdicts = trio.run(ask, given.config, plugins, task)
            given.answers.write_bytes(msgspec.json.encode(verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
