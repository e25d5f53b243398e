"""Answers that go on: the body is written by a task that ends as soon as the client is gone."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
import trio
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

log = structlog.get_logger(__name__)

KEEP_ALIVE_SECONDS = 15.0
"""How long a stream of events says nothing, at most."""
KEEP_ALIVE = b": keep-alive\n\n"
EVENT_STREAM = "text/event-stream"

Write = Callable[[bytes], Awaitable[None]]
Produce = Callable[[Write], Awaitable[None]]


class Pushed(Response[None]):
    """An answer whose body `produce` writes, piece by piece; it is cancelled when nobody reads."""

    def __init__(
        self, produce: Produce, media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content=None, media_type=media_type, headers=dict(headers or {}))
        self.produce = produce

    def to_asgi_response(
        self, app: object, request: Request[Any, Any, Any], **given: Any
    ) -> ASGIResponse:
        """The response as the framework runs it."""
        return _Pushing(
            self.produce,
            headers={"cache-control": "no-store", **self.headers},
            media_type=self.media_type,
            status_code=self.status_code or given.get("status_code"),
            is_head_response=bool(given.get("is_head_response")),
        )


class _Pushing(ASGIResponse):
    __slots__ = ("_produce",)

    _should_set_content_length = False

    def __init__(self, produce: Produce, **given: Any) -> None:
        super().__init__(**given)
        self._produce = produce

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Write until it is done or nobody reads. After an error the body stays unfinished, so
        that the client sees a broken connection and not an end."""
        try:
            await self._push(send, receive)
        except Exception:
            log.exception("stream broke off")

    async def _push(self, send: Send, receive: Receive) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_gone, receive, nursery.cancel_scope)
            await self._produce(_writer(send))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            nursery.cancel_scope.cancel()


def _writer(send: Send) -> Write:
    async def write(piece: bytes) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    return write


async def _cancel_when_gone(receive: Receive, scope: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def event(type: str, data: bytes, id: int | None = None) -> bytes:
    """One server-sent event. `data` is one line, as JSON is."""
    head = f"id: {id}\n" if id is not None else ""
    return f"{head}event: {type}\ndata: ".encode() + data + b"\n\n"
