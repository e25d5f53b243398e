"""What a request may be: its size, its time, its protocol. Outermost around the application.

The whole body is read before anything looks at it. A body that is too large is read on and thrown
away while it is refused, for hypercorn waits for ever to hand it over otherwise.
"""

from http import HTTPStatus

import msgspec
import trio
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from orchestrator.api.problems import MEDIA_TYPE, Problem, problem

BODY_BYTES = 1024 * 1024
BODY_SECONDS = 20.0
"""How long a client may take to send a whole body."""
HEADER_BYTES = 16 * 1024


class Limited:
    """An application that sees only whole requests within the limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1003, "reason": "no websockets here"})
            return
        refused = _refused_head(scope)
        body: bytes | Problem | None = refused or await _body(receive)
        if body is None:
            return  # the client is gone
        if isinstance(body, Problem):
            await _refuse(body, receive, send)
            return
        await self._app(scope, _Replayed(body, receive), send)


class _Replayed:
    """`receive` that gives the body once, and then what the connection gives."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> ReceiveMessage:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _refused_head(scope: Scope) -> Problem | None:
    if scope["http_version"] not in ("1.0", "1.1"):
        detail = "the daemon speaks HTTP/1.1 only"
        return problem(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "http-version", detail)
    size = len(scope["raw_path"]) + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEADER_BYTES:
        return problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers-too-large",
            f"the request's address and headers are {size} bytes long; {HEADER_BYTES} are the most",
        )
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > BODY_BYTES:
            return _too_large()
    return None


async def _body(receive: Receive) -> bytes | Problem | None:
    """The whole body; None if the client went away before its end."""
    body = bytearray()
    with trio.move_on_after(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message["body"]
            if len(body) > BODY_BYTES:
                return _too_large()
            if not message["more_body"]:
                return bytes(body)
    detail = f"the request's body did not arrive within {BODY_SECONDS:.0f} s"
    return problem(HTTPStatus.REQUEST_TIMEOUT, "request-timeout", detail)


def _too_large() -> Problem:
    detail = f"the request's body is larger than {BODY_BYTES} bytes, which are the most"
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)


async def _refuse(found: Problem, receive: Receive, send: Send) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_discard, receive)
        for message in _messages(found):
            await send(message)
        nursery.cancel_scope.cancel()


def _messages(found: Problem) -> tuple[Message, Message]:
    body = msgspec.json.encode(found)
    return (
        {
            "type": "http.response.start",
            "status": found.status,
            "headers": [
                (b"content-type", MEDIA_TYPE.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ],
        },
        {"type": "http.response.body", "body": body, "more_body": False},
    )


async def _discard(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass
