"""`claim` and `claims`: who of our attempts may hold a resource, and who is proven dead."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import Claim, ProcessLost
from orchestrator.process.identity import read_stat
from orchestrator.process.state import Running
from tests.engine.step_bench import StepBench, open_step_bench, python, read_fifo

LOCK = "state at https://example.org/../state"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


async def test_nobody_claimed_it(bench: StepBench) -> None:
    assert await bench.step().claims(LOCK) == ()


async def test_newest_first_and_each_attempt_once(bench: StepBench) -> None:
    await bench.step(attempt=1).claim(LOCK)
    bench.now = 2_000
    await bench.step(attempt=2).claim(LOCK)
    await bench.step(attempt=1).claim(LOCK)
    await bench.step(attempt=3).claim("another")
    assert await bench.step().claims(LOCK) == (
        Claim(LOCK, 118, "smoke", 2, began=2_000, ended=2_000, dead=True),
        Claim(LOCK, 118, "smoke", 1, began=1_000, ended=1_000, dead=True),
    )


async def test_alive_while_its_process_runs(bench: StepBench) -> None:
    """Alive while its process runs, then ended when that did."""
    said, wait = bench.fifo("said"), bench.fifo("wait")
    step = bench.step()
    await step.claim(LOCK)
    code = "import sys; open(sys.argv[1], 'w').close(); open(sys.argv[2]).read()"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(step.run, "go", python(code, said, wait))
        await read_fifo(said)
        [claim] = await step.claims(LOCK)
        assert (claim.dead, claim.ended) == (False, None)
        await trio.to_thread.run_sync(wait.write_text, "")
    [claim] = await bench.step().claims(LOCK)
    status = bench.process("apply", "go") / "status"
    assert claim.dead
    assert claim.ended == int(status.stat().st_mtime * 1000)


async def test_what_it_left_behind_keeps_it_alive(bench: StepBench) -> None:
    step = bench.step()
    await step.claim(LOCK)
    assert (await step.run("go", ["sh", "-c", "sleep 1000 &"])).ok
    [claim] = await step.claims(LOCK)
    assert not claim.dead
    await step.sweep()
    bench.now = 5_000
    [claim] = await bench.step().claims(LOCK)
    assert (claim.dead, claim.ended) == (True, 5_000)


async def test_death_of_a_lost_process_is_dated_once(bench: StepBench) -> None:
    said = bench.fifo("said")
    step = bench.step()
    await step.claim(LOCK)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_lost, step, said)
        await read_fifo(said)
        kill_with_supervisor(bench)
    bench.now = 5_000
    [claim] = await step.claims(LOCK)
    assert (claim.dead, claim.ended) == (True, 5_000)
    bench.now = 9_000
    [claim] = await bench.step().claims(LOCK)
    assert claim.ended == 5_000


async def expect_lost(step: DurableStep[Any], said: Path) -> None:
    code = "import signal, sys; open(sys.argv[1], 'w').close(); signal.pause()"
    with pytest.raises(ProcessLost):
        await step.run("go", python(code, said))


def kill_with_supervisor(bench: StepBench) -> None:
    now = bench.host.look(bench.process("apply", "go"))
    assert isinstance(now, Running)
    stat = read_stat(now.pid)
    assert stat is not None
    os.kill(stat.ppid, signal.SIGKILL)
    os.kill(now.pid, signal.SIGKILL)


async def test_proof_goes_with_the_files(bench: StepBench) -> None:
    await bench.step().claim(LOCK)
    bench.paths().processes.rmdir()
    [claim] = await bench.step(attempt=2).claims(LOCK)
    assert not claim.dead


async def test_line_that_a_power_cut_left(bench: StepBench) -> None:
    await bench.step(attempt=1).claim(LOCK)
    [book] = (bench.state_dir / "claims").iterdir()
    with book.open("ab") as file:
        file.write(b'{"type":"claim","resou')
    await bench.step(attempt=2).claim(LOCK)
    assert [claim.attempt for claim in await bench.step().claims(LOCK)] == [2, 1]
