"""A front of Gate's shape before a bed's Orca: one for each test, in the test's own process.

It holds this test's pipelines, knows some users, records what it is asked, and breaks as it is
told. Statuses and bodies are those of a real Gate 6.69.
"""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import quote

import httpx

from tests.testbed.common.bed_life import BedError
from tests.testbed.spinnaker.spinnaker_bed import PATIENCE_SECONDS, Bed
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault, Faults, Injected
from tests.testbed.spinnaker.spinnaker_front import Request, Server
from tests.testbed.spinnaker.spinnaker_pipelines import Config, unique_application
from tests.testbed.spinnaker.spinnaker_users import ADA, Authority, Sessions, User

__all__ = ["Call", "Fault", "Gate", "Request"]


class Gate:
    """Runs in threads of its own between `__enter__` and `__exit__`."""

    def __init__(self, bed: Bed, authority: Authority | None = None, port: int = 0) -> None:
        """With an authority, it speaks TLS and takes client certificates. Port 0: a free one."""
        self.bed = bed
        self.authority = authority
        self.application = unique_application()
        """Of the pipelines that name no other."""
        self.configs: list[Config] = []
        self.requests: list[Request] = []
        """In the order in which they came."""
        self.faults = Faults()
        self.sessions = Sessions()
        self._changed = threading.Condition()
        self._server: Server | None = None
        self._port = port

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *error: object) -> None:
        self.down()
        self.end_executions()

    def end_executions(self) -> None:
        """Leave nothing at work in an Orca that others use too: it looks at it all the time."""
        for application in {self.application, *(config["application"] for config in self.configs)}:
            self.bed.end(application)

    def up(self) -> None:
        """Listen; after `down`, on the port of before."""
        self._server = Server(self, self._port)
        self._port = int(self._server.server_address[1])
        self._server.start()

    def down(self) -> None:
        """Refuse connections and cut those that are; calls that a fault holds are lost."""
        if self._server:
            self._server.end()
            self._server = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self._port}"

    def configure(self, *pipelines: Config) -> None:
        """Keep these pipelines; those of the same application and name are replaced."""
        for config in pipelines:
            config.setdefault("application", self.application)
            config.setdefault("id", f"{config['application']}-{quote(config['name'], safe='')}")
            old = self.config(config["application"], config["name"])
            self.configs = [*(one for one in self.configs if one is not old), config]

    def config(self, application: str, name_or_id: str) -> Config | None:
        """The pipeline of this name or id."""
        for config in self.configs:
            if config["application"] == application and name_or_id in (
                config["name"],
                config["id"],
            ):
                return config
        return None

    def record(self, request: Request) -> None:
        """Remember a request and wake who waits for one like it."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def asked(self, *calls: Call, about: str = "") -> list[Request]:
        """The requests of these kinds so far that name this."""
        return [
            request
            for request in list(self.requests)
            if request.call in calls and request.names(about)
        ]

    def wait_for_requests(
        self, call: Call, count: int = 1, timeout: float = PATIENCE_SECONDS, about: str = ""
    ) -> list[Request]:
        """Block until there were so many requests of a kind that name this, and return them.

        Raises:
            BedError: there were fewer within `timeout` seconds; the message says which came.
        """
        with self._changed:
            if self._changed.wait_for(lambda: len(self.asked(call, about=about)) >= count, timeout):
                return self.asked(call, about=about)
        came = "\n".join(f"{request.method} {request.path}" for request in self.requests)
        raise BedError(f"not {count} of {call.name} within {timeout:g} s; there were:\n{came}")

    @contextlib.contextmanager
    def fault(
        self,
        fault: Fault,
        *calls: Call,
        times: int | None = None,
        seconds: float = 1.0,
        about: str = "",
    ) -> Iterator[Injected]:
        """A fault of these calls (none: of all but /health) as long as the block runs.

        Ended early by `gate.faults.lift(injected)`. `times`: only of so many calls; `about`: of
        those that name this.
        """
        injected = self.faults.inject(fault, *calls, times=times, seconds=seconds, about=about)
        try:
            yield injected
        finally:
            self.faults.lift(injected)

    def expire_sessions(self) -> None:
        """Whoever has logged in must do it again."""
        self.sessions.expire()

    def start_by_hand(
        self,
        pipeline: str,
        user: User = ADA,
        parameters: dict[str, Any] | None = None,
        application: str | None = None,
    ) -> str:
        """Start a pipeline as somebody would in Spinnaker; the execution's id."""
        body = {"type": "manual", "parameters": parameters or {}}
        path = f"/pipelines/{application or self.application}/{quote(pipeline, safe='')}"
        with self.client(user) as client:
            answer = client.post(path, json=body).raise_for_status()
        id: str = answer.json()["ref"].rpartition("/")[2]
        return id

    def client(self, user: User = ADA) -> httpx.Client:
        """A client with this user's name and password; paths are relative to the front."""
        return httpx.Client(
            base_url=self.url,
            auth=(user.name, user.password),
            verify=ssl.create_default_context(cafile=self.authority.ca) if self.authority else True,
            trust_env=False,
            timeout=60,
        )
