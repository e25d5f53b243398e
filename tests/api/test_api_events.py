"""The journal as a stream."""

import json
from typing import Any

from tests import myself
from tests.api.api_bench import ApiBench, configuration


def events(text: str) -> list[dict[str, Any]]:
    """The documents of a stream; ids and types of the frames agree with them."""
    found = []
    for frame in text.strip().split("\n\n"):
        id, kind, data = frame.split("\n")
        document = json.loads(data.removeprefix("data: "))
        assert id == f"id: {document['id']}"
        assert kind == f"event: {document['type']}"
        found.append(document)
    return found


async def test_the_journal_is_read_to_its_end(bench: ApiBench) -> None:
    bench.gate.open(1)
    await bench.submit(reason="release")
    await bench.finished(1)
    async with bench.client() as client:
        found = events((await client.get("/v1/events")).text)
    types = [one["type"] for one in found]
    assert types[0] == "config_accepted"
    assert {"job_submitted", "job_admitted", "step_applied", "job_finished"} <= set(types)
    [submitted] = [one for one in found if one["type"] == "job_submitted"]
    assert (submitted["job"], submitted["environment"], submitted["step"]) == (1, "prod", None)
    assert submitted["by"] == myself.CALLER
    assert (submitted["pipeline"], submitted["reason"]) == ("team/plain", "release")
    [applied] = [one for one in found if one["type"] == "step_applied"]
    assert (applied["job"], applied["environment"], applied["step"]) == (1, "prod", "apply")
    assert all("configuration" not in one and "definition" not in one for one in found)


async def test_when_the_configuration_was_accepted(bench: ApiBench) -> None:
    """Status says when the configuration in force was accepted."""

    async def told() -> tuple[str, list[str]]:
        async with bench.client() as client:
            found = events((await client.get("/v1/events")).text)
        status = await bench.get("/v1/status")
        accepted = [one["at"] for one in found if one["type"] == "config_accepted"]
        return status["daemon"]["configuration"]["accepted_at"], accepted

    first, times = await told()
    assert times == [first]
    await bench.configure(configuration(bench.root))
    assert await told() == (first, [first]), "the same configuration is in force since then"
    await bench.configure(configuration(bench.root, capacity=3))
    second, times = await told()
    assert times == [first, second]


async def test_it_goes_on_after_the_last_id(bench: ApiBench) -> None:
    """It goes on after the last id that was seen."""
    await bench.submit()
    async with bench.client() as client:
        whole = events((await client.get("/v1/events")).text)
        since = whole[2]["id"]
        by_query = events((await client.get(f"/v1/events?since={since}")).text)
        by_header = await client.get("/v1/events", headers={"Last-Event-ID": str(since)})
    assert by_query == events(by_header.text)
    assert by_query[0]["id"] == since + 1


async def test_following_shows_what_comes(bench: ApiBench) -> None:
    newest = await bench.engine.store.last_event_id()
    async with bench.client() as client:
        path = f"/v1/events?follow=true&since={newest}"
        async with client.stream("GET", path) as answer:
            await bench.submit()
            lines = answer.aiter_lines()
            async for line in lines:
                if line == "event: job_submitted":
                    break
            assert json.loads((await anext(lines)).removeprefix("data: "))["job"] == 1


async def test_an_id_that_is_not_there(bench: ApiBench) -> None:
    """An id that is not there any more, or not yet, is 410."""
    async with bench.client() as client:
        answer = await client.get("/v1/events?since=99999")
    assert (answer.status_code, answer.json()["type"]) == (410, "unknown-event")
