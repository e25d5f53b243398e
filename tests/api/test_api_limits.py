"""What a request may be, and what happens to those that are more."""

import json
from pathlib import Path
from typing import Any

import h2.connection
import h2.events
import pytest
import trio

from orchestrator.api import connection, limits, server
from tests import needs
from tests.api.api_bench import ApiBench, open_bench
from tests.api.other_users import STRANGER, ask_as, open_to_all


async def raw(bench: ApiBench, *pieces: bytes) -> bytes:
    """All that is answered to these bytes, until the daemon closes."""
    stream = await trio.open_unix_socket(bench.socket)
    async with stream:
        with trio.fail_after(20):
            for piece in pieces:
                try:
                    await stream.send_all(piece)
                except trio.BrokenResourceError:
                    break
            return await rest_of(stream)


async def rest_of(stream: trio.SocketStream) -> bytes:
    answer = b""
    while True:
        try:
            piece = await stream.receive_some()
        except trio.BrokenResourceError:
            return answer
        if not piece:
            return answer
        answer += piece


def head(length: int | str, path: str = "/v1/jobs") -> bytes:
    return f"POST {path} HTTP/1.1\r\nhost: d\r\ncontent-length: {length}\r\n\r\n".encode()


def problem(answer: bytes) -> dict[str, Any]:
    content, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in content, answer
    found: dict[str, Any] = json.loads(body)
    assert f"HTTP/1.1 {found['status']} ".encode() in content
    return found


async def test_a_large_body_is_413(bench: ApiBench) -> None:
    """A body that says it is too large is 413."""
    body = b"x" * (limits.BODY_BYTES + 1)
    found = problem(await raw(bench, head(len(body)), body))
    assert (found["status"], found["type"]) == (413, "body-too-large")
    await bench.all_gone()


async def test_a_chunked_body_that_grows_is_413(bench: ApiBench) -> None:
    """A chunked body that grows too large is 413."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    start = b"POST /v1/jobs HTTP/1.1\r\nhost: d\r\ntransfer-encoding: chunked\r\n\r\n"
    found = problem(await raw(bench, start, *[chunk] * 64))
    assert found["type"] == "body-too-large"
    await bench.all_gone()


async def test_a_body_of_just_the_limit_is_read(bench: ApiBench) -> None:
    body = json.dumps({"pipeline": "web", "environment": "prod", "reason": ""}).encode()
    body = body.replace(b'""', b'"' + b"x" * (limits.BODY_BYTES - len(body)) + b'"')
    assert len(body) == limits.BODY_BYTES
    async with bench.client() as client:
        assert (await client.post("/v1/jobs", content=body)).status_code == 422


async def test_a_body_that_does_not_arrive_is_408(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)
    found = problem(await raw(bench, head(10) + b"{"))
    assert (found["status"], found["type"]) == (408, "request-timeout")
    await bench.all_gone()


async def test_a_slow_head_is_cut_off(tmp_path: Path) -> None:
    """A head that does not arrive is cut off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "IDLE_SECONDS", 0.05)
        async with open_bench(tmp_path) as bench:
            assert await raw(bench, b"GET /v1/jobs HTTP/1.1\r\nhost:") == b""


async def test_headers_that_are_too_large_are_431(bench: ApiBench) -> None:
    request = b"GET /healthz HTTP/1.1\r\nhost: d\r\nx: " + b"x" * 20_000 + b"\r\n\r\n"
    found = problem(await raw(bench, request))
    assert (found["status"], found["type"]) == (431, "headers-too-large")
    huge = b"GET /healthz HTTP/1.1\r\nhost: d\r\nx: " + b"x" * 200_000 + b"\r\n\r\n"
    assert (await raw(bench, huge)).startswith(b"HTTP/1.1 431 ")


async def test_http_2_is_refused(bench: ApiBench) -> None:
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(
        1,
        [(":method", "GET"), (":path", "/healthz"), (":scheme", "http"), (":authority", "d")],
        True,
    )
    stream = await trio.open_unix_socket(bench.socket)
    statuses: list[bytes] = []
    async with stream:
        await stream.send_all(client.data_to_send())
        while not statuses:
            for event in client.receive_data(bytes(await stream.receive_some())):
                if isinstance(event, h2.events.ResponseReceived):
                    statuses += [value for name, value in event.headers if name == b":status"]
    assert statuses == [b"505"]


async def test_websockets_are_refused(bench: ApiBench) -> None:
    upgrade = (
        b"GET /v1/events HTTP/1.1\r\nhost: d\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 403 " in (await raw(bench, upgrade)).split(b"\r\n")[0]


async def test_who_does_not_read_is_cut_off(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SEND_SECONDS", 0.05)
    await bench.submit()
    (await bench.gate.at_work(1)).log("x" * 4_000_000)
    stream = await trio.open_unix_socket(bench.socket)
    async with stream:
        await stream.send_all(
            b"GET /v1/jobs/1/steps/apply/log?follow=true HTTP/1.1\r\nhost: d\r\n\r\n"
        )
        await stream.receive_some(10)
        await bench.all_gone()


async def test_who_leaves_frees_a_connection(bench: ApiBench) -> None:
    stream = await trio.open_unix_socket(bench.socket)
    async with stream:
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nhost: d\r\n\r\n")
        await stream.receive_some(10)
        assert bench.server.connections == 1
    await bench.all_gone()


async def test_stopping_cuts_every_connection(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        stream = await trio.open_unix_socket(bench.socket)
        await stream.send_all(b"GET /v1/events?follow=true HTTP/1.1\r\nhost: d\r\n\r\n")
        await stream.receive_some(10)
    async with stream:
        await rest_of(stream)


@needs.ROOT
@pytest.mark.parametrize(
    ("limit", "status"), [("MOST_OF_ONE_USER", 429), ("MOST_CONNECTIONS", 503)]
)
async def test_too_many_connections_are_refused_but_not_roots(
    bench: ApiBench, monkeypatch: pytest.MonkeyPatch, limit: str, status: int
) -> None:
    monkeypatch.setattr(server, limit, 0)
    open_to_all(bench.root)
    refused, found = await ask_as(bench.socket, "GET /healthz", uid=STRANGER)
    assert (refused, found["type"]) == (status, "too-many-connections")
    async with bench.client() as client:
        assert (await client.get("/healthz")).status_code == 200
