"""A server that plays recorded answers on a unix socket.

It stands in for the daemon only where the command line itself is under test: rendering, exit
statuses, reconnection, and the limits of the HTTP reader. What the daemon really answers is tested
end to end elsewhere.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: object


Answer = Callable[[Asked, socket.socket], None]


@dataclass
class Recording:
    """A unix socket server; `answer` is given each request and the connection, in a thread."""

    path: Path
    answer: Answer = lambda asked, connection: None
    asked: list[Asked] = field(default_factory=list)
    _listener: socket.socket | None = None

    def start(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(16)
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self.path.unlink()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:  # a client may leave at any moment
            asked = read_request(connection)
            if asked is not None:
                self.asked.append(asked)
                self.answer(asked, connection)

    def play(self, answers: Mapping[str, object]) -> None:
        """Answer `METHOD /path` with a document, or with a function of (asked, connection)."""

        def answer(asked: Asked, connection: socket.socket) -> None:
            found = answers.get(f"{asked.method} {asked.path}")
            if found is None:
                found = answers.get(f"{asked.method} {asked.path.partition('?')[0]}")
            if callable(found):
                found(asked, connection)
            elif found is None:
                problem(connection, 404, f"nothing is at {asked.path}")
            else:
                reply(connection, found)

        self.answer = answer


def read_request(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, json.loads(body) if body else None)


def reply(connection: socket.socket, document: object, status: int = 200, kind: str = "") -> None:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind or 'application/json'}\r\n"
    connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)


def problem(connection: socket.socket, status: int, detail: str, **fields: object) -> None:
    document = {"type": "x", "title": "X", "status": status, "detail": detail, **fields}
    reply(connection, document, status, "application/problem+json")


def begin_stream(connection: socket.socket, kind: str = "text/event-stream", **extra: str) -> None:
    lines = [f"content-type: {kind}", "transfer-encoding: chunked"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in extra.items()]
    connection.sendall(("HTTP/1.1 200 OK\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())


def chunk(connection: socket.socket, data: bytes) -> None:
    connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def job_event(connection: socket.socket, job: object) -> None:
    chunk(connection, f"event: job\ndata: {json.dumps(job)}\n\n".encode())


def end_stream(connection: socket.socket) -> None:
    connection.sendall(b"0\r\n\r\n")


def watch_of(*jobs: object) -> Answer:
    """A watch that sends these states and ends."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        begin_stream(connection)
        for job in jobs:
            job_event(connection, job)
        end_stream(connection)

    return answer


def environment_for(path: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "PYTHONPYCACHEPREFIX")}
    return {**kept, "TZ": "UTC", "ORCHESTRATOR_SOCKET": str(path), "LANG": "C.UTF-8", **more}


@dataclass
class Ran:
    status: int
    out: str
    err: str


def orchestrator(path: Path, *words: str, stdin: str = "", cwd: Path | None = None) -> Ran:
    """Run the command as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli.main", *words],
        env=environment_for(path),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
