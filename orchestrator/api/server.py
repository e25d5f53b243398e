"""HTTP on a unix socket: hypercorn's protocol for each connection, and who may have one.

hypercorn's own server loop is not used, for the caller must be known before the first byte is
read, and connections are bounded in all and for each user.
"""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol

import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, Updated
from hypercorn.logging import Logger
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app
from litestar.types import Receive, Scope, Send

from orchestrator.api.connection import ClientStream
from orchestrator.api.identity import Identities, credentials, serve_as
from orchestrator.api.problems import Problem, problem, raw_response
from orchestrator.core.language.commands import Caller

log = structlog.get_logger(__name__)

MOST_CONNECTIONS = 800
MOST_OF_ONE_USER = 400
"""Connections that may be open. root and the daemon's own user always get one more."""
MOST_TURNED_AWAY = 50
"""Refused connections that are told why at the same time."""
TURN_AWAY_SECONDS = 2.0
IDLE_SECONDS = 15
"""How long a client may send nothing, or take to send a request's head, before it is cut off."""
HEAD_BYTES = 64 * 1024
"""From here on hypercorn refuses a request's head by itself: 431, without words."""


class Application(Protocol):
    """What is served: an ASGI application that may have work of its own beside requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        ...

    async def work(self) -> None:
        """What it does beside requests, until cancelled."""
        ...


class Server:
    """Serves an application on unix sockets. `owner` is the uid that the daemon runs as."""

    def __init__(self, app: Application, owner: int) -> None:
        asgi: Any = app
        self._work = app.work
        self._app = wrap_app(asgi, 0, "asgi")
        self._identities = Identities(owner)
        self._config = _hypercorn_config()
        self._context = WorkerContext(None)
        self._open: set[ClientStream] = set()
        self._per_user: Counter[int] = Counter()
        self._turned_away = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(
        self,
        listener: socket.socket,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept and serve until cancelled; then every connection is cut at once.

        `listener` is a unix socket that listens already, and is closed at the end.
        """
        listener.setblocking(False)
        accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._work)
                task_status.started()
                await trio.serve_listeners(self._serve_connection, [accepting])
        finally:
            for stream in list(self._open):
                stream.cut()

    async def _serve_connection(self, stream: trio.SocketStream) -> None:
        try:
            peer = credentials(stream.socket)
            caller = await self._identities.caller(peer)
            crowded = self._crowded(caller)
            if crowded is not None:
                await self._turn_away(stream, crowded)
                return
            # Before hypercorn starts tasks for this connection: each copies the context as it is
            # then, and would know no caller.
            serve_as(caller)
            with self._counted(ClientStream(stream), caller) as client:
                await self._protocol(client)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            return  # the client is gone
        except Exception:
            log.exception("connection failed")

    async def _turn_away(self, stream: trio.SocketStream, why: Problem) -> None:
        """Say why, and wait a little for the client to read it: what is unread at a close resets
        the connection. Of too many at once not each is told."""
        if self._turned_away >= MOST_TURNED_AWAY:
            return
        self._turned_away += 1
        try:
            with trio.move_on_after(TURN_AWAY_SECONDS):
                await stream.send_all(raw_response(why))
                await stream.send_eof()
                while await stream.receive_some(HEAD_BYTES):
                    pass
        finally:
            self._turned_away -= 1

    def _protocol(self, client: ClientStream) -> TCPServer:
        """hypercorn's side of one connection. It wants no more of a stream than ours has."""
        stream: Any = client
        return _Connection(self._app, self._config, self._context, ConnectionState({}), stream)

    @contextmanager
    def _counted(self, client: ClientStream, caller: Caller) -> Iterator[ClientStream]:
        self._open.add(client)
        self._per_user[caller.uid] += 1
        try:
            yield client
        finally:
            self._open.discard(client)
            self._per_user[caller.uid] -= 1

    def _crowded(self, caller: Caller) -> Problem | None:
        """Why this caller gets no connection now, if so."""
        if caller.is_owner:
            return None
        if self._per_user[caller.uid] >= MOST_OF_ONE_USER:
            return problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too-many-connections",
                f"{caller.user} has {MOST_OF_ONE_USER} connections to the daemon open already; "
                "close some (each `log -f` and `wait` holds one or more)",
            )
        if len(self._open) >= MOST_CONNECTIONS:
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too-many-connections",
                f"{MOST_CONNECTIONS} connections to the daemon are open already; try again later",
            )
        return None


class _Connection(TCPServer):
    """hypercorn's connection, which ends as soon as its client has gone.

    hypercorn's own waits for its idle timer even when nothing can be read any more: a connection
    whose client left between two requests, or in the midst of an answer, would count for
    `IDLE_SECONDS` more among those that its user may have.
    """

    _is_read = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._is_read = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """Let hypercorn act on this, but start no timer for a client that has gone."""
        if isinstance(event, Updated) and event.idle and self._is_read:
            event = Closed()
        await super().protocol_send(event)


class _Log(Logger):
    """hypercorn's log, of which only errors are worth a line of ours."""

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        log.exception("request broke down", what=message)


def _hypercorn_config() -> Config:
    config = Config()
    config.errorlog = None
    config.logger_class = _Log
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_SECONDS
    config.h11_max_incomplete_size = HEAD_BYTES
    return config
