"""One request and its answer over the daemon's unix socket, each on a connection of its own."""

from __future__ import annotations

import errno
import socket
from time import monotonic

from orchestrator.cli.client import http
from orchestrator.cli.client.errors import AnswerLost, NoDaemon, NotHttp, SocketForbidden
from orchestrator.cli.client.waiting import readable

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""How long an answer may be silent; streams say how long they may be."""
DOCUMENT_LIMIT = 256 * 1024 * 1024
"""Bytes of one document that we hold in memory."""
RECEIVE_BYTES = 256 * 1024


class Exchange:
    """An open request. Closed by `close`, or by leaving its `with` block."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.response = http.Response()
        self._early = b""

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._socket.fileno()

    @property
    def at_hand(self) -> bool:
        """Whether `receive` would answer without waiting, whatever `poll` says."""
        return bool(self._early) or self.response.complete

    @property
    def finished(self) -> bool:
        """Whether the whole body was received."""
        return self.response.complete and not self._early

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; harmless when repeated."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send the request. A daemon may answer (413, say) before it has read all of it."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return  # whatever it said before it closed is still to be read
        except OSError as error:
            raise AnswerLost(f"the daemon does not take the request: {error.strerror}") from error

    def receive(self, seconds: float | None) -> bytes:
        """What of the body comes next; b"" when the answer is complete or was only headers.

        Waits at most `seconds` (None: for ever). Raises AnswerLost after that, or when the
        connection ends too soon.
        """
        if self._early:
            early, self._early = self._early, b""
            return early
        if self.response.complete:
            return b""
        if not readable((self.fileno(),), seconds):
            raise AnswerLost(f"the daemon has said nothing for {seconds or 0:.0f} s")
        return self._read()

    def head(self, seconds: float = ANSWER_SECONDS) -> http.Response:
        """Read until status and headers are there; the body is for `receive`."""
        end = monotonic() + seconds
        while self.response.status < 200:
            self._early += self.receive(end - monotonic())
        return self.response

    def document(self, seconds: float = ANSWER_SECONDS) -> bytes:
        """Read the whole body."""
        self.head(seconds)
        body = bytearray()
        while not self.finished:
            body += self.receive(seconds)
            if len(body) > DOCUMENT_LIMIT:
                raise NotHttp(f"the daemon's answer is larger than {DOCUMENT_LIMIT} bytes")
        return bytes(body)

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except OSError as error:
            raise AnswerLost(f"the connection to the daemon broke: {error.strerror}") from error
        if not data:
            self.response.end()
        return self.response.feed(data)


def open_exchange(path: str, data: bytes) -> Exchange:
    """Connect to the socket and send a request.

    Raises NoDaemon when nobody listens, SocketForbidden when its permissions keep us out.
    """
    exchange = Exchange(_connected(path))
    try:
        exchange.send(data)
    except BaseException:
        exchange.close()
        raise
    return exchange


def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise _cannot_connect(path, error) from error
    except ValueError as error:  # a null byte
        connection.close()
        raise NoDaemon(f"{path!r} cannot be a socket: {error}") from error
    return connection


def _cannot_connect(path: str, error: OSError) -> NoDaemon | SocketForbidden:
    if error.errno in (errno.EACCES, errno.EPERM):
        return SocketForbidden(
            f"you may not use the daemon's socket {path}: its file permissions keep you out; "
            "ask an admin for its group, and log in again if you got it just now"
        )
    if isinstance(error, TimeoutError) or error.errno == errno.EAGAIN:
        return NoDaemon(f"the daemon at {path} accepts no connections: it is stuck or overloaded")
    why = "nobody listens there" if error.errno == errno.ECONNREFUSED else error.strerror or error
    return NoDaemon(
        f"no daemon at {path} ({why}): start one with `orchestrator serve`, "
        "or say where it is with --socket"
    )
