"""The HTTP side of `spinnaker_gate.Gate`: who asks, what for, and what they are told."""

import base64
import contextlib
import copy
import json
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.testbed.spinnaker.spinnaker_faults import Call, Fault, Injected
from tests.testbed.spinnaker.spinnaker_users import Right, User, by_authorization, by_certificate

if TYPE_CHECKING:
    from tests.testbed.spinnaker.spinnaker_gate import Gate

ORCA_SECONDS = 15.0
"""How long the front waits for Orca."""
_KORK = "com.netflix.spinnaker.kork"
_RETROFIT = f"{_KORK}.retrofit.exceptions"
NETWORK = f"{_RETROFIT}.SpinnakerNetworkException"
HTTP = f"{_RETROFIT}.SpinnakerHttpException"
CONVERSION = f"{_RETROFIT}.SpinnakerConversionException"
NOT_FOUND = f"{_KORK}.web.exceptions.NotFoundException"
DENIED = "org.springframework.security.access.AccessDeniedException"

_EMPTY = frozenset({Call.CANCEL, Call.PAUSE, Call.RESUME, Call.DELETE})
"""The calls to which Orca answers nothing. Gate fails where anything else does."""
_READS = frozenset({Call.EXECUTION, Call.EXECUTIONS, Call.SEARCH, Call.CONFIGS, Call.CONFIG})
_PAGES = {
    **{Fault.GATE_429: 429, Fault.GATE_500: 500, Fault.GATE_502: 502, Fault.GATE_503: 503},
    Fault.NOT_JSON: 200,
}


@dataclass(frozen=True)
class Request:
    """One request, recorded when its body was read and before it is answered."""

    method: str
    path: str
    """Without the query, and still quoted."""
    query: str
    body: bytes
    user: str | None
    """None: nobody that the front knows."""
    at: float
    """When, in seconds of time.monotonic."""

    @property
    def call(self) -> Call:
        """Its kind."""
        return Call.of(self.method, self.path)

    @property
    def parts(self) -> list[str]:
        """Of the path, unquoted."""
        return [unquote(part) for part in self.path.split("/")[1:]]

    def names(self, what: str) -> bool:
        """Whether its path or query has this text, or the trigger that it searches for."""
        if not what:
            return True
        trigger = parse_qs(self.query).get("trigger", [""])[0]
        searched = base64.b64decode(trigger).decode()
        return what in f"{unquote(self.path)}?{unquote(self.query)} {searched}"


@dataclass(frozen=True)
class Answer:
    """What a client is told."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(status: int, body: object) -> "Answer":
        """JSON, as Gate writes it."""
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        return Answer(status, json.dumps(body).encode(), kind)

    @staticmethod
    def error(status: int, exception: str, message: str) -> "Answer":
        """An error, as Gate writes it."""
        error = {
            "timestamp": time.strftime("%FT%T.000+00:00", time.gmtime()),
            "status": status,
            "error": HTTPStatus(status).phrase,
            "exception": exception,
            "message": message,
        }
        return Answer.of(status, error)

    @staticmethod
    def page(status: int) -> "Answer":
        """A page that is not Gate's: a proxy's."""
        page = f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1></body></html>"
        return Answer(status, page.encode(), {"Content-Type": "text/html"})


class Cut(Exception):
    """The connection ends here, without an answer."""


class Server(ThreadingHTTPServer):
    """Listens for a front; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, gate: "Gate", port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.gate = gate
        self.tls = gate.authority.make() if gate.authority else None
        self.ended = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Serve, in a thread."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The handshake is the handler's: it may take as long as a client likes."""
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """A connection is over."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; what is wrong here is seen in the answers."""

    def end(self) -> None:
        """Refuse connections and cut those that are."""
        self.ended = True
        self.shutdown()
        self.server_close()
        self.gate.faults.wake()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Handshake first, with TLS."""
        if self.server.tls:
            self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: object) -> None:
        """The front records requests instead."""

    def do_GET(self) -> None:
        """Any request, whatever its method."""
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client died meanwhile: Gate answers 400, to nobody
            self.close_connection = True
            return
        user = self._user()
        name = user.name if user else None
        request = Request(self.command, url.path, url.query, body, name, time.monotonic())
        self.server.gate.record(request)
        with contextlib.suppress(Cut, OSError):
            fault = self.server.gate.faults.take(request.call, request.names)
            answer = self._answer(request, user, fault)
            self._send(answer, truncated=bool(fault and fault.fault is Fault.TRUNCATED))
            return
        self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _user(self) -> User | None:
        return (
            by_authorization(self.headers.get("Authorization", ""))
            or self.server.gate.sessions.user(self.headers.get("Cookie", ""))
            or by_certificate(self.request)
        )

    def _answer(self, request: Request, user: User | None, injected: Injected | None) -> Answer:
        gate, fault = self.server.gate, injected.fault if injected else None
        if injected and fault is Fault.HUNG:
            gate.faults.await_end(injected, self._is_abandoned)
        elif injected and fault is Fault.SLOW:
            gate.faults.await_end(injected, self._is_abandoned, injected.seconds)
        elif fault is Fault.CUT_BEFORE:
            raise Cut
        elif fault is Fault.LOGIN:
            return self._login()
        elif fault and fault in _PAGES and fault is not Fault.NOT_JSON:
            return Answer.page(_PAGES[fault])
        if self._is_abandoned():
            raise Cut
        answer = self._route(request, user, down=fault is Fault.ORCA_DOWN)
        if injected and fault is Fault.ANSWER_HELD:
            gate.faults.await_end(injected, self._is_abandoned)
        if fault is Fault.CUT_AFTER:
            raise Cut
        return Answer.page(200) if fault is Fault.NOT_JSON else answer

    def _is_abandoned(self) -> bool:
        return self.server.ended

    def _send(self, answer: Answer, *, truncated: bool) -> None:
        body = answer.body[: len(answer.body) // 2] if truncated else answer.body
        self.send_response(answer.status)
        self.send_header("X-SPINNAKER-REQUEST-ID", str(uuid.uuid4()))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(body)
        if truncated:
            raise Cut

    def _login(self, query: str = "") -> Answer:
        return Answer(302, headers={"Location": f"{self.server.gate.url}/login{query}"})

    def _route(self, request: Request, user: User | None, *, down: bool) -> Answer:
        match request.call:
            case Call.HEALTH:
                return Answer.of(200, {"status": "UP"})
            case Call.LOGIN:
                return self._log_in(request)
            case Call.LOGIN_FORM:
                return Answer(200, b"<html><form/></html>", {"Content-Type": "text/html"})
        if user is None:
            return self._login()
        if request.call is Call.USER:
            roles = sorted(right.value for right in user.rights)
            about = {"email": user.name, "username": user.name, "roles": roles, "enabled": True}
            return Answer.of(200, about)
        if denied := _denied(request, user):
            return denied
        return Backend(self.server.gate, user, down=down).answer(request)

    def _log_in(self, request: Request) -> Answer:
        cookie = self.server.gate.sessions.open(request.body)
        if cookie is None:
            return self._login("?error")
        set_cookie = f"SESSION={cookie}; Path=/; HttpOnly; SameSite=Lax"
        return Answer(
            302, headers={"Location": f"{self.server.gate.url}/", "Set-Cookie": set_cookie}
        )


def _denied(request: Request, user: User) -> Answer | None:
    """What Fiat says to those who may not; it knows executions by their application."""
    needed = Right.READ if request.call in _READS else Right.EXECUTE
    if needed in user.rights:
        return None
    about = request.parts[1] if len(request.parts) > 1 else "*"
    message = f"Access denied to application {about} - required authorization: {needed.value}"
    return Answer.error(403, DENIED, message)


class Backend:
    """What Gate does for somebody who may: with the front's pipelines and the bed's Orca."""

    def __init__(self, gate: "Gate", user: User, *, down: bool) -> None:
        self.gate = gate
        self.user = user
        self.down = down
        """Whether Orca is to be out of reach."""

    def answer(self, request: Request) -> Answer:
        """What the client is told."""
        parts, query = request.parts, f"?{request.query}" if request.query else ""
        match request.call:
            case Call.TRIGGER:
                return self._trigger(request, parts[1], parts[2])
            case Call.CONFIGS:
                return Answer.of(
                    200, [one for one in self.gate.configs if one["application"] == parts[1]]
                )
            case Call.CONFIG:
                config = self.gate.config(parts[1], parts[3])
                message = (
                    f"Pipeline config (id: {parts[3]}) not found for Application (id: {parts[1]})"
                )
                return Answer.of(200, config) if config else Answer.error(404, NOT_FOUND, message)
            case Call.EXECUTIONS:
                return self._relay(request, f"/pipelines{query}")
            case Call.SEARCH:
                application = quote(parts[1], safe="")
                return self._relay(request, f"/applications/{application}/pipelines/search{query}")
            case Call.OTHER:
                return Answer.error(404, NOT_FOUND, f"No handler for {request.path}")
            case _:
                return self._relay(request, request.path + query, request.body or None)

    def _trigger(self, request: Request, application: str, name_or_id: str) -> Answer:
        try:
            trigger = json.loads(request.body or b"{}")
        except ValueError:
            return Answer(400)
        if not isinstance(trigger, dict):
            return Answer(400)
        config = copy.deepcopy(self.gate.config(application, name_or_id))
        if config is None:
            return Answer.error(
                404,
                NOT_FOUND,
                f"Unable to trigger pipeline (application: {application}, pipelineNameOrId: "
                f"{name_or_id}). Error: Pipeline configuration not found (id: {name_or_id})",
            )
        trigger.setdefault("user", self.user.name)
        trigger.setdefault("type", "manual")
        parameters = trigger.setdefault("parameters", {})
        for parameter in config.get("parameterConfig", []):
            parameters.setdefault(parameter["name"], parameter.get("default"))
        whole = json.dumps(config | {"trigger": trigger}).encode()
        answer = self._relay(request, "/orchestrate", whole)
        return Answer(202, answer.body, answer.headers) if answer.status == 200 else answer

    def _relay(self, request: Request, path: str, body: bytes | None = None) -> Answer:
        """Ask Orca, and say it as Gate does."""
        url = f"{self.gate.bed.orca or 'http://127.0.0.1:7002'}{path}"
        try:
            status, told = self._ask(request.method, path, body)
        except (OSError, HTTPException) as error:
            return Answer.error(500, NETWORK, f"{error or type(error).__name__}")
        if status >= 400:
            message = (
                f"Status: {status}, Method: {request.method}, URL: {url}, Message: {told[:200]!r}"
            )
            return Answer.error(status, HTTP, message)
        if not told and request.call not in _EMPTY:
            message = "Failed to process response body: No content to map due to end-of-input"
            return Answer.error(500, CONVERSION, message)
        kind = {"Content-Type": "application/json;charset=UTF-8"} if told else {}
        return Answer(200, told, kind)

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        where = self.gate.bed.orca
        if self.down or where is None:
            raise ConnectionRefusedError("Connection refused")
        headers = {
            "Content-Type": "application/json",
            "X-SPINNAKER-USER": self.user.name,
            "X-SPINNAKER-USER-ORIGIN": "api",
        }
        connection = HTTPConnection(where.partition("//")[2], timeout=ORCA_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
