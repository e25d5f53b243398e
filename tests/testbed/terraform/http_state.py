"""A server for terraform's `http` state backend on loopback, with LOCK and UNLOCK.

One state for each URL path. What it does to a client is set by attributes, at any time; what
clients did is in `requests`, and `wait_for` blocks until a request has come in.
By hand: `python http_state.py PORT [UPLOAD_SECONDS]`, then
`backend "http" { address = lock_address = unlock_address = "http://127.0.0.1:PORT/name" }`.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Request:
    """One request, recorded when its body was read and before it is answered."""

    method: str
    path: str
    body: bytes


class StateServer:
    """Runs in threads of its own between `__enter__` and `__exit__`."""

    def __init__(self, port: int = 0) -> None:
        self.states: dict[str, bytes] = {}
        self.locks: dict[str, dict[str, Any]] = {}
        self.requests: list[Request] = []
        self.upload_seconds = 0.0
        """How long each upload of a state takes; `release_uploads` ends it early."""
        self.uploading = 0
        self.refuse_unlock = False
        self.refuse_upload = False
        self.fail = False
        """Whether every request is answered with an error."""
        self.release_uploads = threading.Event()
        self._unanswered: list[Request] = []
        self._holds: Callable[[Request], bool] = _none
        self._changed = threading.Condition()
        self._http = _StateHTTPServer(port, self)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release_uploads.set()
        self.let_go()
        self._http.shutdown()
        self._http.server_close()

    def url(self, path: str) -> str:
        """Where the state called `path` is."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/{path}"

    def hold(self, path: str, **info: str) -> None:
        """Take the lock of `path` for somebody else."""
        self.locks[f"/{path}"] = {
            "ID": "11111111-2222-3333-4444-555555555555",
            "Operation": "OperationTypeApply",
            "Info": "",
            "Who": "bob@elsewhere",
            "Version": "1.11.4",
            "Created": "2026-01-31T12:00:00.123456789Z",
            "Path": "",
            **info,
        }

    def record(self, request: Request) -> None:
        """Remember a request and wake who waits for one like it."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def hold_back(self, wanted: Callable[[Request], bool]) -> None:
        """From now on answer no request that is `wanted`, and all others."""
        with self._changed:
            self._holds = wanted
            self._changed.notify_all()

    def let_go(self) -> None:
        """Hold nothing back any more."""
        self.hold_back(_none)

    def pause(self, request: Request) -> None:
        """Return when the request may be answered."""
        with self._changed:
            self._unanswered.append(request)
            self._changed.wait_for(lambda: not self._holds(request))
            self._unanswered.remove(request)

    @property
    def holds_back(self) -> bool:
        """Whether a request waits for its answer."""
        with self._changed:
            return any(map(self._holds, self._unanswered))

    def wait_for(self, wanted: Callable[[Request], bool], timeout: float = 60.0) -> bool:
        """Block until a request that is `wanted` has come in; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: any(map(wanted, self.requests)), timeout)


def _none(request: Request) -> bool:
    return False


class _StateHTTPServer(ThreadingHTTPServer):
    """Knows whom its handlers answer for."""

    daemon_threads = True

    def __init__(self, port: int, states: StateServer) -> None:
        self.states = states
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _StateHTTPServer

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.server.states.fail:
            self._answer(403)
        return not self.server.states.fail

    def _begin(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, body)
        self.server.states.record(request)
        self.server.states.pause(request)
        return body

    def _answer(self, status: int, body: bytes = b"") -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client was killed
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    @property
    def _state(self) -> str:
        return self.path.partition("?")[0]

    def do_GET(self) -> None:
        self._begin()
        state = self.server.states.states.get(self._state)
        self._answer(200 if state else 404, state or b"")

    def do_POST(self) -> None:
        body = self._begin()
        states = self.server.states
        states.uploading += 1
        if states.upload_seconds:
            states.release_uploads.wait(states.upload_seconds)
        if not states.refuse_upload:
            states.states[self._state] = body
        states.uploading -= 1
        self._answer(403 if states.refuse_upload else 200)

    def do_LOCK(self) -> None:
        info = json.loads(self._begin())
        held = self.server.states.locks.setdefault(self._state, info)
        self._answer(200 if held is info else 423, json.dumps(held).encode())

    def do_UNLOCK(self) -> None:
        body = self._begin()
        states = self.server.states
        held = states.locks.get(self._state)
        asked = json.loads(body)["ID"] if body else None
        if states.refuse_unlock or (held and asked and held["ID"] != asked):
            self._answer(409, json.dumps(held).encode())
            return
        states.locks.pop(self._state, None)
        self._answer(200)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `requests` has it."""


if __name__ == "__main__":
    with StateServer(int(sys.argv[1])) as running:
        running.upload_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
        print(running.url("name"), flush=True)
        threading.Event().wait()
