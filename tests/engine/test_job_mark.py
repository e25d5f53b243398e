"""The mark in a job's directory says whose it is, and its records bear the same token."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from orchestrator.core.language import events as ev
from orchestrator.core.language.words import JobConclusion
from orchestrator.engine.attempt.mark import JobMark, mark_file, read_mark
from orchestrator.engine.paths import Paths
from orchestrator.process.identity import read_boot_id
from orchestrator.process.state import read_owner
from tests.engine.engine_bench import Bench, open_bench, pipeline, python, step

RUNS = python("print('ran')")
WEB = pipeline("web", (step("go", "command", *RUNS),))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as made:
        yield made


async def test_all_that_a_job_leaves_bears_its_token(bench: Bench) -> None:
    async with bench.serving(WEB):
        job = await bench.submit()
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
    token = bench.all(ev.JobSubmitted)[0].token
    directory = Paths(bench.state_dir).job(job)
    assert token
    assert read_mark(directory) == JobMark(job, token, "one", "web", read_boot_id())
    [place] = (bench.attempt(job) / "processes").glob("*/")
    assert read_owner(place) == token


async def test_another_jobs_directory_is_not_entered(bench: Bench) -> None:
    directory = Paths(bench.state_dir).job(1)
    async with bench.serving(WEB):
        directory.mkdir(parents=True)
        theirs = JobMark(1, "another", "two", "api", read_boot_id())
        mark_file(directory).write_bytes(msgspec.json.encode(theirs))
        ended = await bench.ended(await bench.submit())
        assert ended.conclusion is JobConclusion.FAILURE
        assert "another job that had this number (api in two)" in ended.reason
    assert not (bench.attempt(1) / "log").exists()
    assert read_mark(directory) == theirs


async def test_empty_mark_is_written_again(bench: Bench) -> None:
    """As a power cut may leave it."""
    directory = Paths(bench.state_dir).job(1)
    async with bench.serving(WEB):
        directory.mkdir(parents=True)
        mark_file(directory).write_bytes(b"")
        assert (await bench.ended(await bench.submit())).conclusion is JobConclusion.SUCCESS
    mark = read_mark(directory)
    assert mark is not None and mark.token
