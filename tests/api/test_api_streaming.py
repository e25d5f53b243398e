"""Answers that go on."""

import httpx
import pytest

from orchestrator.api import event_stream, streaming
from orchestrator.api.event_stream import EventStream
from tests.api.api_bench import ApiBench


async def test_a_silent_stream_says_that_it_lives(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_SECONDS", 0.01)
    newest = await bench.engine.store.last_event_id()
    path = f"/v1/events?follow=true&since={newest}"
    async with bench.client() as client, client.stream("GET", path) as answer:
        assert await anext(answer.aiter_lines()) == ": keep-alive"


async def test_a_broken_stream_is_seen_as_such(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that breaks down is seen as broken."""

    async def broken(self: EventStream, write: streaming.Write) -> None:
        await write(b": begun\n\n")
        raise RuntimeError("secret internals")

    monkeypatch.setattr(EventStream, "to_the_end", broken)
    async with bench.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/v1/events")
    assert (await bench.get("/v1/jobs"))["jobs"] == []


async def test_who_lags_reads_from_the_store(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that lags reads on from the store."""
    monkeypatch.setattr("orchestrator.engine.feed.DEPTH", 1)
    newest = await bench.engine.store.last_event_id()
    path = f"/v1/events?follow=true&since={newest}"
    async with bench.client() as client, client.stream("GET", path) as answer:
        for _ in range(5):
            await bench.submit()
        seen: list[int] = []
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                seen.append(int(line.removeprefix("id: ")))
                if seen[-1] == await bench.engine.store.last_event_id():
                    break
    assert seen == list(range(newest + 1, seen[-1] + 1))
