"""`run` entered again after the daemon was killed, at each moment at which it may have been."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.core.language.model import ProcessRecord
from orchestrator.plugin import AdapterError, ProcessLost, StopRequested
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import ProcStat, read_boot_id, read_file, read_stat
from orchestrator.process.records import SupervisorClaim
from orchestrator.process.state import Running, Void
from tests.engine.step_bench import STOP, StepBench, open_step_bench, python, read_fifo

RAN = python("print('ran')")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


class DaemonDied(Exception):
    """The daemon ends here."""


def die() -> None:
    raise DaemonDied


async def die_after_intent(bench: StepBench, argv: list[str] = RAN) -> None:
    bench.journal.after_intent = die
    with pytest.raises(DaemonDied):
        await bench.step().run("go", argv)
    bench.journal.after_intent = lambda: None


async def test_died_between_intent_and_start(bench: StepBench) -> None:
    await die_after_intent(bench)
    assert (await bench.step().run("go", RAN)).ok
    assert (await bench.step().run("go", RAN)).ok
    assert bench.log() == "ran\n"
    assert bench.host.look(bench.process("apply", "go")) == Void()
    assert bench.journal.intents == [("apply", "go")]


async def test_died_between_intent_and_start_then_stopped(bench: StepBench) -> None:
    await die_after_intent(bench)
    bench.journal.stop = STOP
    for _ in range(2):
        with pytest.raises(StopRequested):
            await bench.step().run("go", RAN)
    assert not bench.paths().log.exists()


async def test_cleanup_begins_again_after_a_stop(bench: StepBench) -> None:
    bench.journal.stop = STOP
    bench.journal.after_intent = die
    with pytest.raises(DaemonDied):
        await bench.step("cleanup").run("go", RAN)
    bench.journal.after_intent = lambda: None
    assert (await bench.step("cleanup").run("go", RAN)).ok


async def test_host_went_down_about_the_start(bench: StepBench) -> None:
    bench.journal.records["apply", "go"] = ProcessRecord("apply", "go", "another-boot")
    with pytest.raises(ProcessLost, match="host went down"):
        await bench.step().run("go", RAN)
    assert not bench.paths().log.exists()


async def test_supervisor_died_before_it_released_the_tool(bench: StepBench) -> None:
    await die_after_intent(bench)
    directory = bench.process("apply", "go")
    directory.mkdir(parents=True)
    (directory / "started").write_bytes(dead_supervisor().encode())
    assert (await bench.step().run("go", RAN)).ok
    assert bench.log() == "ran\n"


def dead_supervisor() -> SupervisorClaim:
    """A claim by a process that has ended."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        stat = ProcStat(process.pid, read_file(f"/proc/{process.pid}/stat"))
    return SupervisorClaim(stat.pid, stat.start_time, read_boot_id(), "ours")


async def test_supervisor_and_tool_were_killed(bench: StepBench) -> None:
    bench.fifo("said")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_lost, bench)
        pid = await started_pid(bench)
        supervisor = read_stat(pid)
        assert supervisor is not None
        os.kill(supervisor.ppid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
    await expect_lost(bench)
    assert bench.step().recall("apply", "go") is None
    assert await bench.step().interrupt() is False


async def expect_lost(bench: StepBench) -> None:
    with pytest.raises(ProcessLost, match="go"):
        await bench.step().run("go", waits_for_ever(bench))


def waits_for_ever(bench: StepBench) -> list[str]:
    code = "import signal, sys; open(sys.argv[1], 'w').close(); signal.pause()"
    return python(code, bench.state_dir / "said")


async def started_pid(bench: StepBench) -> int:
    await read_fifo(bench.state_dir / "said")
    now = bench.host.look(bench.process("apply", "go"))
    assert isinstance(now, Running)
    return now.pid


async def test_exit_is_recorded_while_no_daemon_lives(bench: StepBench) -> None:
    said, wait = bench.fifo("said"), bench.fifo("wait")
    code = "import sys; open(sys.argv[1], 'w').close(); open(sys.argv[2]).read(); sys.exit(5)"
    argv = python(code, said, wait)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.step().run, "go", argv)
        await read_fifo(said)
        nursery.cancel_scope.cancel()
    await trio.to_thread.run_sync(wait.write_text, "")
    await bench.host.wait(bench.process("apply", "go"))
    assert bench.step("cleanup").recall("apply", "go").code == 5
    assert (await bench.step().run("go", argv)).code == 5


async def test_host_that_cannot_start_anything(bench: StepBench) -> None:
    working = bench.host
    bench.host = ProcessHost(bench.state_dir / "broken", python="/bin/false")
    with pytest.raises(AdapterError, match="was not started"):
        await bench.step().run("go", RAN)
    bench.host = working
    assert (await bench.step().run("go", RAN)).ok
    assert bench.log() == "ran\n"


async def test_host_where_every_supervisor_dies(bench: StepBench) -> None:
    await die_after_intent(bench)
    places = [bench.process("apply", f"go{suffix}") for suffix in ("", "~2", "~3", "~4", "~5")]
    for place in places:
        place.mkdir(parents=True)
        (place / "started").write_bytes(dead_supervisor().encode())
    with pytest.raises(AdapterError, match="supervisor died 5 times"):
        await bench.step().run("go", RAN)


async def test_launch_that_a_power_cut_left_empty(bench: StepBench) -> None:
    assert (await bench.step().run("go", RAN)).ok
    bench.process("apply", "go").with_suffix(".launch").write_bytes(b"")
    assert (await bench.step().run("go", RAN)).ok
    assert await bench.step().interrupt() is False
