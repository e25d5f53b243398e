"""A journal that went back has a job queued of which the records say that it ran."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.model import Drain
from orchestrator.core.language.words import JobConclusion
from orchestrator.engine.paths import Paths
from tests.engine.engine_bench import ROOT, Bench, open_bench, pipeline, python, step
from tests.engine.going_back import back_up, put_back

pytestmark = pytest.mark.slow

SAYS = "open('../../../../ran', 'a').write('ran\\n')"
WEB = pipeline("web", (step("go", "command", *python(SAYS)),))
WAITS = pipeline(
    "web",
    (step("go", "command", *python("open('../../../../begun', 'w'); open('../../../../gate')")),),
)
DRAIN = cmd.StartDrain(caller=ROOT)
RESUME = cmd.EndDrain(caller=ROOT)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    for name in ("begun", "gate"):
        os.mkfifo(tmp_path / name)
    async with open_bench(tmp_path) as made:
        yield made


async def test_a_queued_job_that_ran_is_lost(bench: Bench) -> None:
    """It does not run twice, and is not called a success by what its records say."""
    async with bench.serving(WEB) as engine:
        await engine.execute(DRAIN)
        job = await bench.submit()
        back_up(bench)
        await engine.execute(RESUME)
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
    put_back(bench)
    bench.events.clear()
    async with bench.serving(WEB) as engine:
        ended = await bench.ended(job)
        assert (ended.conclusion, ended.dirty) == (JobConclusion.LOST, True)
        assert ended.reason == (
            "go ran, say the records on disk; the journal lost that, and how it ended"
        )
        assert not bench.all(ev.UnknownRunFound)  # nothing of it lives
        await engine.execute(cmd.Recheck(caller=ROOT, environment="one"))
        await bench.happened(ev.Rechecked)
    assert (bench.root / "ran").read_text() == "ran\n"
    assert Paths(bench.state_dir).job(job).is_dir()


async def test_its_tool_may_live(bench: Bench) -> None:
    """Then nothing starts beside it, until it has ended; its files stay where they are."""
    async with bench.serving(WAITS) as engine:
        await engine.execute(DRAIN)
        job = await bench.submit()
        back_up(bench)
        await engine.execute(RESUME)
        await trio.to_thread.run_sync((bench.root / "begun").read_bytes, abandon_on_cancel=True)
    put_back(bench)
    bench.events.clear()
    async with bench.serving(WAITS) as engine:
        assert (await bench.ended(job)).conclusion is JobConclusion.LOST
        [found] = bench.all(ev.UnknownRunFound)
        assert (found.environment, found.run.job) == ("one", job)
        judged = cmd.JudgeUnknown(caller=ROOT, job=job, wait=True, reason="it is at work")
        await engine.execute(judged)
        await trio.to_thread.run_sync((bench.root / "gate").write_text, "", abandon_on_cancel=True)
        await bench.happened(ev.UnknownRunSetAside)
        async with engine.reading() as world:
            assert isinstance(world.drain, Drain)
            assert world.environment("one").quarantine is not None
    assert Paths(bench.state_dir).job(job).is_dir()


async def test_a_job_that_only_waited_runs(bench: Bench) -> None:
    async with bench.serving(WEB) as engine:
        await engine.execute(DRAIN)
        job = await bench.submit()
    async with bench.serving(WEB) as engine:
        await engine.execute(RESUME)
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
