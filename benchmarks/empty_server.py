"""The reference of submissions: the daemon's HTTP stack, before a handler that does nothing.

    python -m benchmarks.empty_server SOCKET

It says `ready` when it listens.
"""

import os
import sys
from pathlib import Path

import trio
from litestar import Litestar, post
from litestar.types import Receive, Scope, Send

from orchestrator.api.limits import Limited
from orchestrator.api.listening import listening
from orchestrator.api.names import NamesInPaths
from orchestrator.api.server import Server


@post("/v1/jobs")
async def empty() -> None:
    """Answer 201 with nothing."""


class EmptyApi:
    """The same layers as the daemon's application has."""

    def __init__(self) -> None:
        litestar = Litestar([empty], openapi_config=None, logging_config=None)
        self._app = Limited(NamesInPaths(litestar))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, send)

    async def work(self) -> None:
        """It has none."""


async def main(path: Path) -> None:
    """Serve until killed."""
    with listening(path) as socket:
        async with trio.open_nursery() as nursery:
            await nursery.start(Server(EmptyApi(), os.geteuid()).serve, socket)
            print("ready", flush=True)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
