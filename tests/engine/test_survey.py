"""What directories on disk say at a start, and the journal does not know."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.core.language.words import JobConclusion
from orchestrator.core.world.world import World
from orchestrator.engine.paths import Paths
from orchestrator.engine.survey import survey
from orchestrator.process.host import ProcessHost
from tests.core.core_setup import at
from tests.engine.engine_bench import Bench, open_bench, pipeline, python, step
from tests.engine.going_back import back_up, put_back

pytestmark = pytest.mark.slow

RUNS = python("open('../../../../ran', 'a').write('ran\\n')")
WEB = pipeline("web", (step("go", "command", *RUNS),))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as made:
        yield made


def runs(bench: Bench) -> int:
    """How often the tool has run."""
    return (bench.root / "ran").read_text().count("ran\n")


async def run_one(bench: Bench) -> int:
    job = await bench.submit()
    assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
    return job


async def test_numbers_of_a_lost_journal_are_spent(bench: Bench) -> None:
    async with bench.serving(WEB):
        await run_one(bench)
        back_up(bench)
        assert await run_one(bench) == 2
    put_back(bench)
    async with bench.serving(WEB):
        assert await bench.submit(environment="two") == 3
        await bench.ended(3)
    assert runs(bench) == 3


async def test_spent_numbers_stay_spent(bench: Bench) -> None:
    """Although their directories are gone by the next start."""
    async with bench.serving(WEB):
        await run_one(bench)
    Paths(bench.state_dir).job(7).mkdir()
    async with bench.serving(WEB) as engine:
        written = (await engine.store.load()).next_job
    shutil.rmtree(Paths(bench.state_dir).all_aside)
    async with bench.serving(WEB):
        assert (written, await bench.submit()) == (8, 8)


def test_names_that_are_no_numbers(tmp_path: Path) -> None:
    for name in ("07", "8.old", "-9", "lost+found", "²", "9" * 30, "5"):
        (tmp_path / "jobs" / name).mkdir(parents=True)
    assert survey(Paths(tmp_path), World(at()), ProcessHost(tmp_path / "keeper")).numbers_from == 6
    assert (
        survey(
            Paths(tmp_path / "nothing"), World(at()), ProcessHost(tmp_path / "keeper")
        ).numbers_from
        == 1
    )
