"""The mark in a job's directory says whose it is, and its records bear the same token."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from orchestrator.core.language import commands as cmd
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


async def test_a_job_of_an_earlier_release_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no token, its records neither, and its directory no mark: number, boot and start time
    agree. It is marked from then on."""
    code = "open('../../../../begun', 'w'); open('../../../../gate')"
    gated = pipeline("web", (step("go", "command", *python(code)),))
    for name in ("begun", "gate"):
        os.mkfifo(bench.root / name)
    with monkeypatch.context() as earlier:
        opened = cmd.OpenDaemon(version="0", pid=1, seed="")
        earlier.setattr("tests.engine.engine_bench.OPEN", opened)
        async with bench.serving(gated):
            job = await bench.submit()
            await trio.to_thread.run_sync((bench.root / "begun").read_bytes)
    mark_file(Paths(bench.state_dir).job(job)).unlink()
    async with bench.serving(gated):
        with trio.fail_after(60):
            write = (bench.root / "gate").write_text
            await trio.to_thread.run_sync(write, "", abandon_on_cancel=True)
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS
    assert len(bench.all(ev.StepStarted)) == 1
    mark = read_mark(Paths(bench.state_dir).job(job))
    assert mark is not None and mark.token == ""
