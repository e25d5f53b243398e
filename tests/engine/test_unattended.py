"""A tool works, the daemon restarts, and the step can't be entered again: it is waited for."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import PipelineDefinition, Source
from orchestrator.core.language.words import JobConclusion
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.plugin import Result, Step
from orchestrator.process.errors import TreeNotDead
from orchestrator.process.host import ProcessHost
from orchestrator.process.state import Running, look
from tests.engine.engine_bench import Bench, Nothing, Plain, open_bench, pipeline, python, step
from tests.engine.test_stop_ladder import STUBBORN, begun, gates, open_gate

pytestmark = pytest.mark.slow

ENDS_WHEN_TOLD = """
import signal, sys
root = sys.argv[1]
def stop(number, frame):
    open(f'{root}/signals', 'a').write(f'{number}\\n')
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
open(f'{root}/begun', 'w').close()
open(f'{root}/gate').read()
"""
HEARS = ENDS_WHEN_TOLD.replace("sys.exit(3)", "pass")


class Runs(Plain):
    """Runs one tool. Without `plain` among the adapters its steps can't be entered."""

    def __init__(self, *argv: str) -> None:
        self.argv = argv

    async def apply(self, step: Step[Nothing]) -> Result:
        return Result.of(await step.run("go", self.argv, stop_signal=15))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as made:
        gates(made)
        yield made


WEB = pipeline("web", (step("go", "plain"),), force_after=0)


async def left_at_work(bench: Bench, code: str, *arguments: object) -> int:
    """A daemon has started a tool of job 1 and is gone, and so is the plugin; the tool's pid."""
    bench.adapters = {**bench.adapters, "plain": Runs(*python(code, *arguments))}
    async with bench.serving(WEB):
        await bench.submit()
        await begun(bench)
    bench.adapters = {name: one for name, one in bench.adapters.items() if name != "plain"}
    return tool(bench)


def tool(bench: Bench, job: int = 1) -> int:
    [place] = (bench.attempt(job) / "processes").glob("*/")
    state = look(place)
    assert isinstance(state, Running)
    return state.pid


def is_dead(bench: Bench, job: int = 1) -> bool:
    host = ProcessHost(bench.root / "keeper")
    return all(host.is_tree_dead(place) for place in (bench.attempt(job) / "processes").glob("*/"))


def signals(bench: Bench) -> str:
    path = bench.root / "signals"
    return path.read_text() if path.exists() else ""


async def waits(bench: Bench, times: int = 1) -> str:
    """What the step says that it waits for."""
    text = (await bench.happened(ev.StepWaiting, times)).text
    assert text is not None
    return text


async def test_the_end_of_its_tool_is_awaited(bench: Bench) -> None:
    pid = await left_at_work(bench, ENDS_WHEN_TOLD, bench.root)
    async with bench.serving(WEB):
        text = await waits(bench)
        assert text.startswith("can't be entered: no installed plugin brings the adapter 'plain'")
        assert text.endswith(f"; its process {pid} is at work")
        other = await bench.submit()
        assert not bench.all(ev.StepFinished)
        await open_gate(bench)
        ended = await bench.ended(1)
        assert ended.dirty and ended.conclusion is JobConclusion.FAILURE
        assert is_dead(bench) and not signals(bench)
        assert "can't be entered again" in (await bench.happened(ev.Quarantined)).reason
        assert [event.job for event in bench.all(ev.JobAdmitted)] == [1]
        assert (await bench.job(other)).run is None


async def test_a_stop_reaches_its_tool(bench: Bench) -> None:
    await left_at_work(bench, ENDS_WHEN_TOLD, bench.root)
    async with bench.serving(WEB):
        await waits(bench)
        await bench.cancel(1)
        ended = await bench.ended(1)
        assert ended.dirty and ended.conclusion is JobConclusion.CANCELLED
        assert is_dead(bench) and signals(bench) == "15\n"


async def test_a_force_kills_its_tool(bench: Bench) -> None:
    await left_at_work(bench, STUBBORN, bench.root / "begun")
    async with bench.serving(WEB):
        await waits(bench)
        await bench.cancel(1)
        await bench.cancel(1, force=True)
        ended = await bench.ended(1)
        assert ended.dirty and ended.conclusion is JobConclusion.CANCELLED
        assert is_dead(bench)


async def test_it_waits_on_after_restarts(bench: Bench) -> None:
    """A stop before a restart is not lost by it, nor delivered twice."""
    await left_at_work(bench, HEARS, bench.root)
    async with bench.serving(WEB):
        await waits(bench)
        await bench.cancel(1)
        while not signals(bench):  # noqa: ASYNC110  the tool's own file
            await trio.sleep(0.01)
    for _ in range(2):
        async with bench.serving(WEB):
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert not bench.all(ev.StepFinished)
    async with bench.serving(WEB):
        await open_gate(bench)
        assert (await bench.ended(1)).conclusion is JobConclusion.CANCELLED
    assert signals(bench) == "15\n"


async def test_a_force_before_a_restart(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is carried out by the daemon that finds it."""
    await left_at_work(bench, STUBBORN, bench.root / "begun")

    async def nothing(self: ProcessHost, directory: Path) -> None:
        await trio.sleep_forever()

    with monkeypatch.context() as patched:
        patched.setattr(ProcessHost, "kill_tree", nothing)
        async with bench.serving(WEB):
            await waits(bench)
            await bench.cancel(1, force=True)
            await bench.happened(ev.StepForced)
    assert not is_dead(bench)
    async with bench.serving(WEB):
        await bench.ended(1)
    assert is_dead(bench)


async def test_what_survives_a_force_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await left_at_work(bench, STUBBORN, bench.root / "begun")

    async def in_vain(self: ProcessHost, directory: Path) -> None:
        raise TreeNotDead("still alive after SIGKILL: [7]")

    monkeypatch.setattr(ProcessHost, "kill_tree", in_vain)
    async with bench.serving(WEB):
        await waits(bench)
        await bench.cancel(1, force=True)
        assert (await bench.ended(1)).dirty
        assert "; still alive after SIGKILL: [7]" in (await bench.happened(ev.Quarantined)).reason


async def test_it_is_entered_when_that_works(bench: Bench) -> None:
    """The plugin is back: the tool is adopted, and nothing is said to be in its way."""
    await left_at_work(bench, ENDS_WHEN_TOLD, bench.root)
    async with bench.serving(WEB):
        await waits(bench)
    bench.adapters = {**bench.adapters, "plain": Runs("never")}
    async with bench.serving(WEB):
        await bench.until(lambda: len(bench.all(ev.StepWaiting)) == 2)
        assert bench.all(ev.StepWaiting)[-1].text is None
        await open_gate(bench)
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS


def in_place(path: Path, *run: str) -> PipelineDefinition:
    return pipeline("web", (step("go", "command", *run),), source=Source(path=str(path)))


async def test_a_gone_source_ends_no_step(bench: Bench) -> None:
    source = bench.root / "source"
    source.mkdir()
    web = in_place(source, *python(ENDS_WHEN_TOLD, bench.root))
    async with bench.serving(web):
        await bench.submit()
        await begun(bench)
    source.rmdir()
    async with bench.serving(web):
        assert f"{source} is no directory" in await waits(bench)
        await open_gate(bench)
        assert (await bench.ended(1)).dirty
        assert is_dead(bench)


async def test_our_own_error_ends_no_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool is not left alone because the daemon breaks down over its attempt."""
    pid = await left_at_work(bench, ENDS_WHEN_TOLD, bench.root)

    async def prepare(self: Workbench, *arguments: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Workbench, "prepare", prepare)
    async with bench.serving(WEB):
        text = await waits(bench)
        assert "an error of the daemon, see its log: " in text and str(pid) in text
        await open_gate(bench)
        assert (await bench.ended(1)).dirty
        assert is_dead(bench)


async def test_what_never_began_never_will(bench: Bench) -> None:
    """An intent without a process is no reason to wait, but whether it ran nobody knows."""
    pid = await left_at_work(bench, ENDS_WHEN_TOLD, bench.root)
    os.kill(pid, 9)
    [place] = (bench.attempt(1) / "processes").glob("*/")
    while not is_dead(bench):  # noqa: ASYNC110  the supervisor's own end
        await trio.sleep(0.01)
    for path in (*place.glob("*"),):
        path.unlink() if not path.is_dir() else None
    async with bench.serving(WEB):
        assert (await bench.ended(1)).dirty
    assert (place / "started").read_bytes() == b"void\n"
