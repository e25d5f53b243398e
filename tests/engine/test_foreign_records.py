"""Records that bear another job's token prove nothing of this one, and nobody touches its tools."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import ProcessRecord
from orchestrator.engine.clock import SystemClock
from orchestrator.plugin import ProcessLost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.state import Running
from tests.engine.step_bench import StepBench, open_step_bench, python, read_fifo

RAN = python("print('ran')")
LOCK = "state at https://example.org/state"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


def become_another_job(bench: StepBench) -> None:
    """The journal went back, and the number was given out again."""
    bench.token = "another"
    bench.journal.records.clear()


async def test_another_jobs_success_is_not_ours(bench: StepBench) -> None:
    """Neither before this job has asked for a process, nor (adopted) after."""
    assert (await bench.step().run("go", RAN)).ok
    become_another_job(bench)
    with pytest.raises(ProcessLost, match="another job that had this number; see: orchestrator un"):
        await bench.step().run("go", RAN)
    bench.journal.records["apply", "go"] = ProcessRecord("apply", "go", read_boot_id())
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)
    assert bench.step("cleanup").recall("apply", "go") is None
    assert bench.step().output_of("go") is None
    assert bench.log() == "ran\n"


async def test_another_jobs_tool_is_not_stopped(bench: StepBench) -> None:
    said, wait = bench.fifo("said"), bench.fifo("wait")
    code = "import sys; open(sys.argv[1], 'w').close(); open(sys.argv[2]).read()"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.step().run, "go", python(code, said, wait))
        await read_fifo(said)
        become_another_job(bench)
        assert not await bench.step().interrupt()
        await bench.step().kill()
        assert isinstance(bench.host.look(bench.process("apply", "go")), Running)
        await trio.to_thread.run_sync(wait.write_text, "")


async def test_another_jobs_records_prove_no_death(bench: StepBench) -> None:
    """A lock counts as left behind only by the records of the job that claimed it."""
    await bench.step().claim(LOCK)
    bench.token = "another"
    assert (await bench.step().run("go", RAN)).ok
    [claim] = await bench.step().claims(LOCK)
    assert not claim.dead
    await bench.step().claim(LOCK)
    ours, theirs = await bench.step().claims(LOCK)
    assert (ours.dead, theirs.dead) == (True, False)


async def test_records_of_an_earlier_release_bear_none(bench: StepBench) -> None:
    """They are taken for a job of that release only."""
    bench.token = ""
    assert (await bench.step().run("go", RAN)).ok
    directory = bench.process("apply", "go")
    for name in ("started", "status"):
        first, _, rest = (directory / name).read_bytes().partition(b"\n")
        assert first.endswith(b" ")  # where the token would be
        (directory / name).write_bytes(first.rstrip() + b"\n" + rest)
    assert (await bench.step().run("go", RAN)).ok
    bench.token = "another"
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)


def of_an_earlier_release(bench: StepBench, seconds: float, boot_id: str | None = None) -> None:
    """A job without a token, whose attempt began so long ago."""
    now = SystemClock().now()
    bench.token = ""
    bench.began = Instant(now.utc, now.boot - round(seconds * 1000), boot_id or now.boot_id)


async def test_records_from_before_the_attempt_began(bench: StepBench) -> None:
    """An earlier release gave the number out twice."""
    of_an_earlier_release(bench, seconds=0)
    assert (await bench.step().run("go", RAN)).ok
    assert (await bench.step().run("go", RAN)).ok
    of_an_earlier_release(bench, seconds=-60)
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)
    assert bench.step().recall("apply", "go") is None


async def test_records_of_a_boot_without_an_intent(bench: StepBench) -> None:
    """What an attempt intended in a later boot than that in which it began is its own."""
    of_an_earlier_release(bench, seconds=0, boot_id="before")
    assert (await bench.step().run("go", RAN)).ok
    assert (await bench.step().run("go", RAN)).ok
    bench.journal.records["apply", "go"] = ProcessRecord("apply", "go", "before")
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)


async def test_status_without_a_start_is_nobodys(bench: StepBench) -> None:
    """Of an earlier release nothing else tells whose it was."""
    of_an_earlier_release(bench, seconds=0)
    assert (await bench.step().run("go", RAN)).ok
    (bench.process("apply", "go") / "started").unlink()
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)


async def test_status_alone_says_whose_it_was(bench: StepBench) -> None:
    """A power cut may take `started`, which is not synced."""
    assert (await bench.step().run("go", RAN)).ok
    directory = bench.process("apply", "go")
    (directory / "started").unlink()
    assert bench.host.owner(directory) == bench.token
    become_another_job(bench)
    with pytest.raises(ProcessLost, match="another job"):
        await bench.step().run("go", RAN)
