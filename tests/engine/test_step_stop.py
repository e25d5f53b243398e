"""Stops and kills, at each moment at which they may come. Never a second signal."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from orchestrator.engine.attempt.process_place import Launch, ProcessPlace
from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import Exit, StopRequested
from orchestrator.process.state import Void
from tests.engine.step_bench import STOP, StepBench, open_step_bench, python, read_fifo

pytestmark = pytest.mark.slow

COUNTS_SIGNALS = """
import signal, sys
got = []
signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
open(sys.argv[1], "w").close()
open(sys.argv[2]).read()
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
sys.exit(len(got))
"""
"""Says that it has begun, waits to be let go, ends with the number of signals (0 or 1) it got."""
AWAITS_SIGNAL = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
open(sys.argv[1], "w").close()
signal.sigwait([signal.SIGUSR1])
open(sys.argv[2]).read()
sys.exit(1)
"""
"""Says that it has begun, waits for one signal and to be let go, and ends with 1."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        bench.fifo("begun")
        bench.fifo("go_on")
        yield bench


class Tool:
    """A tool under test, run by a step in the background."""

    def __init__(
        self,
        bench: StepBench,
        stop_signal: int | None = signal.SIGUSR1,
        program: str = COUNTS_SIGNALS,
    ) -> None:
        self.bench = bench
        self.stop_signal = stop_signal
        self.argv = python(program, bench.state_dir / "begun", bench.state_dir / "go_on")
        self.exit: Exit | None = None
        self.over = trio.Event()

    async def run(self, step: DurableStep[Any]) -> None:
        try:
            self.exit = await step.run("go", self.argv, stop_signal=self.stop_signal)
        finally:
            self.over.set()

    async def begun(self) -> None:
        await read_fifo(self.bench.state_dir / "begun")

    async def let_go(self) -> None:
        path = self.bench.state_dir / "go_on"
        await trio.to_thread.run_sync(path.write_text, "", abandon_on_cancel=True)


async def test_stop_before_there_is_a_process(bench: StepBench) -> None:
    bench.journal.stop = STOP
    step = bench.step()
    assert await step.interrupt() is False
    with pytest.raises(StopRequested):
        await step.run("go", ["true"])
    assert list(bench.paths().processes.iterdir()) == []
    assert bench.journal.intents == []


async def test_stop_between_two_processes(bench: StepBench) -> None:
    step = bench.step()
    assert (await step.run("one", ["true"])).ok
    bench.journal.stop = STOP
    assert await step.interrupt() is False
    assert (await step.run("one", ["true"])).ok
    with pytest.raises(StopRequested):
        await step.run("two", ["true"])
    assert (await step.in_phase("cancel").run("two", ["true"])).ok
    assert (await step.in_phase("cleanup").run("two", ["true"])).ok


async def test_stop_between_intent_and_start(bench: StepBench) -> None:
    """The stop comes when the intent is committed: the process begins and is asked at once."""
    step = bench.step()
    async with trio.open_nursery() as nursery:
        bench.journal.after_intent = lambda: nursery.start_soon(step.interrupt)
        argv = python("import signal; signal.pause()")
        ended = await step.run("go", argv, stop_signal=signal.SIGTERM)
    assert ended.signal == "SIGTERM"


async def test_stop_of_a_running_process(bench: StepBench) -> None:
    step, tool = bench.step(), Tool(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tool.run, step)
        await tool.begun()
        assert await step.in_phase("cancel").interrupt()
        assert await step.interrupt()
        await tool.let_go()
    assert tool.exit is not None
    assert tool.exit.code == 1


async def test_stop_before_the_restarted_daemon_adopted(bench: StepBench) -> None:
    tool = Tool(bench)
    await bench.start_and_die("apply", tool.argv, signal.SIGUSR1)
    bench.journal.stop = STOP
    step = bench.step()
    assert await step.interrupt()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tool.run, step)
        assert await step.interrupt()
        await tool.let_go()
    assert tool.exit is not None
    assert tool.exit.code == 1


async def test_an_earlier_signal_is_not_repeated(bench: StepBench) -> None:
    """SIGUSR1 is taken by the tool before the second daemon asks: it would count two."""
    first = Tool(bench)
    first.argv = python(COUNTS_SIGNALS.replace("BLOCK, ", "UNBLOCK, "), *first.argv[-2:])
    async with trio.open_nursery() as nursery:
        step = bench.step()
        nursery.start_soon(first.run, step)
        await first.begun()
        assert await step.interrupt()
        nursery.cancel_scope.cancel()
    step, second = bench.step(), Tool(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(second.run, step)
        assert await step.interrupt()
        await second.let_go()
    assert second.exit is not None
    assert second.exit.code == 1


async def test_what_must_not_be_interrupted_is_not(bench: StepBench) -> None:
    step, tool = bench.step(), Tool(bench, stop_signal=None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tool.run, step)
        await tool.begun()
        assert await step.interrupt() is False
        await tool.let_go()
    assert tool.exit is not None
    assert tool.exit.code == 0


async def test_interrupt_leaves_other_phases_alone(bench: StepBench) -> None:
    step, tool = bench.step("cleanup"), Tool(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tool.run, step)
        await tool.begun()
        assert await step.interrupt() is False
        await tool.let_go()
    assert tool.exit is not None
    assert tool.exit.code == 0


async def test_cancelled_acquire_asks_its_process_and_waits(bench: StepBench) -> None:
    step, tool = bench.step("acquire"), Tool(bench, program=AWAITS_SIGNAL)
    async with trio.open_nursery() as nursery:
        scope = await nursery.start(_run_in_scope, tool, step)
        await tool.begun()
        scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert not tool.over.is_set()
        await tool.let_go()
        await tool.over.wait()
    assert scope.cancelled_caught
    assert tool.exit is None
    assert step.recall("acquire", "go").code == 1


async def test_a_cancelled_acquire_may_wait(bench: StepBench) -> None:
    """A cancelled acquire waits for what must not be interrupted."""
    step, tool = bench.step("acquire"), Tool(bench, stop_signal=None)
    async with trio.open_nursery() as nursery:
        scope = await nursery.start(_run_in_scope, tool, step)
        await tool.begun()
        scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert not tool.over.is_set()
        await tool.let_go()
    assert tool.exit is not None
    assert tool.exit.code == 0


async def _run_in_scope(
    tool: Tool,
    step: DurableStep[Any],
    task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
) -> None:
    with trio.CancelScope() as scope:
        task_status.started(scope)
        await tool.run(step)


async def test_end_phase_stops_what_an_earlier_daemon_left(bench: StepBench) -> None:
    await bench.start_and_die("acquire", Tool(bench).argv, signal.SIGTERM)
    step = bench.step("acquire")
    await step.end_phase()
    assert step.recall("acquire", "go").signal == "SIGTERM"
    await step.end_phase()


async def test_end_phase_keeps_anything_from_beginning(bench: StepBench) -> None:
    """A supervisor that the killed daemon asked for may come later: it finds the place taken."""
    place = ProcessPlace(bench.process("acquire", "go"))
    place.prepare(Launch(signal.SIGTERM, separate_stdout=False))
    await bench.step("acquire").end_phase()
    assert bench.host.look(place.directory) == Void()


async def test_kill_ends_everything_and_closes_the_phase(bench: StepBench) -> None:
    step, tool = bench.step(), Tool(bench, stop_signal=None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tool.run, step)
        await tool.begun()
        await step.kill()
        await tool.over.wait()
        with pytest.raises(StopRequested):
            await step.run("next", ["true"])
    assert tool.exit is not None
    assert tool.exit.signal == "SIGKILL"
    assert step.is_dead()
    assert (await step.in_phase("cleanup").run("next", ["true"])).ok


async def test_kill_reaches_an_acquire_that_waits_shielded(bench: StepBench) -> None:
    step, tool = bench.step("acquire"), Tool(bench, stop_signal=None)
    async with trio.open_nursery() as nursery:
        scope = await nursery.start(_run_in_scope, tool, step)
        await tool.begun()
        scope.cancel()
        await step.kill()
    assert step.recall("acquire", "go").signal == "SIGKILL"


async def test_kill_between_intent_and_start(bench: StepBench) -> None:
    step = bench.step()
    async with trio.open_nursery() as nursery:
        bench.journal.after_intent = lambda: nursery.start_soon(step.kill)
        with pytest.raises(StopRequested):
            ended = await step.run("go", python("import signal; signal.pause()"))
            assert ended.signal == "SIGKILL"  # it had begun already
            raise StopRequested
    assert step.is_dead()


async def test_sweep_ends_what_a_process_left(bench: StepBench) -> None:
    step = bench.step()
    said = bench.state_dir / "begun"
    left = "import signal, sys; open(sys.argv[1], 'w').close(); signal.pause()"
    code = "import subprocess, sys; subprocess.Popen(sys.argv[1:])"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_fifo, said)
        assert (await step.run("go", python(code, *python(left, said)))).ok
    assert not step.is_dead()
    await step.in_phase("cleanup").sweep()
    assert step.is_dead()
    await step.sweep()
