"""Reading a step's log by offset, by its tail, and as it is written."""

from tests.api.api_bench import SECRET, ApiBench

LOG = "/v1/jobs/1/steps/apply/log"


async def test_a_log_is_read_from_an_offset(bench: ApiBench) -> None:
    await bench.submit()
    step = await bench.gate.at_work(1)
    step.log("second")
    async with bench.client() as client:
        whole = await client.get(LOG)
        part = await client.get(f"{LOG}?offset=7")
        beyond = await client.get(f"{LOG}?offset=7000")
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert (whole.text, whole.headers["log-offset"]) == ("apply begins\nsecond\n", "0")
    assert (part.text, part.headers["log-offset"]) == ("egins\nsecond\n", "7")
    assert (beyond.text, beyond.headers["log-offset"]) == ("", "20")


async def test_the_tail_says_where_it_begins(bench: ApiBench) -> None:
    await bench.submit()
    (await bench.gate.at_work(1)).log("second\nthird")
    async with bench.client() as client:
        answer = await client.get(f"{LOG}?tail=2")
    assert (answer.text, answer.headers["log-offset"]) == ("second\nthird\n", "13")


async def test_following_ends_with_the_attempt(bench: ApiBench) -> None:
    await bench.submit()
    step = await bench.gate.at_work(1)
    async with bench.client() as client, client.stream("GET", f"{LOG}?follow=true") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "apply begins"
        step.log("more")
        assert await anext(lines) == "more"
        step.log("last")
        bench.gate.open(1)
        assert [line async for line in lines] == ["last"]


async def test_following_from_the_beginning(bench: ApiBench) -> None:
    """A step that has not begun is followed from its beginning."""
    await bench.submit()
    await bench.submit(environment="prod")
    path = "/v1/jobs/2/steps/apply/log"
    async with bench.client() as client:
        assert (await client.get(path)).status_code == 404
        async with client.stream("GET", f"{path}?follow=true") as answer:
            bench.gate.open(1)
            bench.gate.open(2)
            assert (await answer.aread()) == b"apply begins\n"


async def test_sensitive_outputs_are_masked_everywhere(bench: ApiBench) -> None:
    await bench.submit()
    step = await bench.gate.at_work(1)
    step.log(f"the token is {SECRET}!")
    bench.gate.open(1)
    job = await bench.finished(1)
    assert job["steps"][0]["outputs"] == {"url": "http://here", "token": "(sensitive)"}
    async with bench.client() as client:
        log = await client.get(LOG)
        inside = await client.get(f"{LOG}?offset={log.text.index('*') + 3}")
        events = await client.get("/v1/events")
    assert f"the token is {'*' * len(SECRET)}!" in log.text
    assert SECRET not in log.text + events.text
    assert inside.text == "*" * (len(SECRET) - 3) + "!\n"


async def test_unknown_steps_and_attempts_are_404(bench: ApiBench) -> None:
    await bench.submit()
    async with bench.client() as client:
        step = (await client.get("/v1/jobs/1/steps/aply/log")).json()
        attempt = await client.get(f"{LOG}?attempt=2")
        both = await client.get(f"{LOG}?offset=1&tail=1")
    assert (step["type"], step["near"]) == ("unknown-step", ["apply"])
    assert (attempt.status_code, attempt.json()["type"]) == (404, "no-log")
    assert both.status_code == 400


async def test_a_reader_that_leaves_frees_its_connection(bench: ApiBench) -> None:
    await bench.submit()
    await bench.gate.at_work(1)
    async with bench.client() as client, client.stream("GET", f"{LOG}?follow=true") as answer:
        await anext(answer.aiter_lines())
        assert bench.server.connections
    await bench.all_gone()
