"""A client that costs little: requests over kept connections, and many connections at once."""

import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

_LENGTH = b"content-length: "


class Connection:
    """One connection that is kept."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self._received = b""

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def ask(self, method: str, target: str, body: Any = None) -> Any:
        """Send a request and decode its answer. Raises RuntimeError for what is no success."""
        self.send(request(method, target, body))
        while (answer := self.receive()) is None:
            pass
        return msgspec.json.decode(answer) if answer else None

    def send(self, content: bytes) -> None:
        """Send a whole request."""
        self.socket.sendall(content)

    def receive(self) -> bytes | None:
        """The body of an answer once it is whole; None before."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise RuntimeError("the daemon closed the connection")
        self._received += data
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if not blank:
            return None
        size = _length(head)
        if len(rest) < size:
            return None
        if head[9:10] != b"2":
            raise RuntimeError((head + blank + rest).decode(errors="replace"))
        self._received = b""
        return rest


def _length(head: bytes) -> int:
    _, found, after = head.lower().partition(_LENGTH)
    if not found:
        raise RuntimeError(f"an answer without a length: {head!r}")
    return int(after.partition(b"\r\n")[0])


def request(method: str, target: str, body: Any = None) -> bytes:
    """A request on a kept connection."""
    content = b"" if body is None else msgspec.json.encode(body)
    head = f"{method} {target} HTTP/1.1\r\nHost: orchestrator\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}\r\n".encode() + content


def answers_per_second(path: Path, clients: int, requests: Sequence[bytes]) -> float:
    """Send all requests over so many kept connections, one at a time on each."""
    connections = [Connection(path) for _ in range(clients)]
    pending = iter(requests)
    with selectors.DefaultSelector() as selector:
        began = time.perf_counter()
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(pending))
        answered = 0
        while answered < len(requests):
            for key, _ in selector.select():
                if key.data.receive() is None:
                    continue
                answered += 1
                following = next(pending, None)
                if following is not None:
                    key.data.send(following)
        elapsed = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return len(requests) / elapsed
