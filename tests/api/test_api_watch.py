"""Watching a job, and attending to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio

from orchestrator.core.language.events import ClientLost, ClientReturned
from tests.api.api_bench import ApiBench


@asynccontextmanager
async def watching(bench: ApiBench, path: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The jobs that a watch sends, while it is open."""

    async def jobs(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    async with bench.client() as client, client.stream("GET", path) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield jobs(answer)


async def test_when_a_watch_shows_the_job(
    bench: ApiBench,
) -> None:
    """A watch shows the job at once and at each change, and ends with it."""
    await bench.submit()
    await bench.gate.at_work(1)
    async with watching(bench, "/v1/jobs/1/watch") as jobs:
        assert (await anext(jobs))["phase"] == "running"
        await bench.post("/v1/jobs/1/cancel", {})
        seen = [job["phase"] async for job in jobs]
    assert seen[-1] == "finished"
    assert "cancelling" in {*seen, "cancelling"}


@pytest.mark.slow
async def test_progress_is_seen_without_a_journalled_change(bench: ApiBench) -> None:
    await bench.submit()
    step = await bench.gate.at_work(1)
    async with watching(bench, "/v1/jobs/1/watch") as jobs:
        await anext(jobs)
        step.progress(3, 10, "resources")
        async for job in jobs:
            if job["steps"][0]["progress"]:
                break
        assert job["steps"][0]["progress"] == {"done": 3, "total": 10, "text": "resources"}


@pytest.mark.slow
async def test_a_waiting_job_shows_new_blockers(bench: ApiBench) -> None:
    await bench.submit()
    await bench.submit()
    async with watching(bench, "/v1/jobs/2/watch") as jobs:
        assert [blocker["type"] for blocker in (await anext(jobs))["blockers"]] == ["job"]
        await bench.post("/v1/daemon/drain", {"reason": "upgrade"})
        async for job in jobs:
            if "drain" in [one["type"] for one in job["blockers"]]:
                break


async def test_a_watch_of_a_finished_job(bench: ApiBench) -> None:
    """A watch of a finished job shows it and ends."""
    bench.gate.open(1)
    await bench.submit()
    await bench.finished(1)
    async with watching(bench, "/v1/jobs/1/watch") as jobs:
        assert [job["conclusion"] async for job in jobs] == ["success"]


async def test_a_client_dies_or_comes_back(
    bench: ApiBench,
) -> None:
    """A client that dies is lost, and one that comes back has returned."""
    async with bench.engine.feed.subscribe() as batches, bench.client() as client:
        body = {"pipeline": "team/plain", "environment": "prod", "on_disconnect": "cancel"}
        answer = await client.post("/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        await until(batches, ClientLost)  # nobody attends yet
        async with watching(bench, "/v1/jobs/1/watch?attend=true") as jobs:
            await anext(jobs)
            await until(batches, ClientReturned)
        await until(batches, ClientLost)


async def test_a_second_client_keeps_the_job_attended(bench: ApiBench) -> None:
    async with bench.engine.feed.subscribe() as batches:
        await bench.submit(on_disconnect="cancel")
        path = "/v1/jobs/1/watch?attend=true"
        async with watching(bench, path) as first:
            await anext(first)
            async with watching(bench, path) as second:
                await anext(second)
            await bench.post("/v1/daemon/drain", {})
            bench.gate.open(1)
            async for _ in first:
                pass
        seen = [one.stamped.event for batch in drained(batches) for one in batch]
    assert [type(one) for one in seen if isinstance(one, ClientLost | ClientReturned)] == [
        ClientLost,
        ClientReturned,
    ]


async def until(batches: trio.MemoryReceiveChannel[Any], kind: type) -> None:
    """Wait until an event of this kind is committed."""
    with trio.fail_after(10):
        async for batch in batches:
            if any(isinstance(one.stamped.event, kind) for one in batch):
                return


def drained(batches: trio.MemoryReceiveChannel[Any]) -> list[Any]:
    """What is there already."""
    found = []
    while True:
        try:
            found.append(batches.receive_nowait())
        except trio.WouldBlock:
            return found
