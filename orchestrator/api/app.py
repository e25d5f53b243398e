"""The application: routes, what they are given, and how errors are answered."""

from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import QueryParameter
from litestar.types import Receive, Scope, Send

from orchestrator.api.facts import DaemonFacts, version
from orchestrator.api.given import GivenEngine, GivenFacts, GivenPresence
from orchestrator.api.identity import current_caller
from orchestrator.api.limits import Limited
from orchestrator.api.names import NamesInPaths
from orchestrator.api.presence import Presence
from orchestrator.api.problems import Problems, refusal
from orchestrator.api.routes import (
    approvals,
    daemon,
    definitions,
    environments,
    events,
    explain,
    health,
    jobs,
    logs,
    stop,
    unknown,
    watch,
)
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.engine.engine import Engine

SUBJECTS = (
    health,
    jobs,
    explain,
    watch,
    stop,
    approvals,
    logs,
    environments,
    unknown,
    definitions,
    events,
    daemon,
)
HANDLERS = [handler for subject in SUBJECTS for handler in subject.handlers]


class Api:
    """The HTTP API of an engine at work: an ASGI application, and what it does beside requests.

    It reads the caller from `identity.current_caller`, which whoever accepts connections sets.
    """

    def __init__(self, engine: Engine) -> None:
        self._served = _Served(
            engine=engine,
            presence=Presence(),
            facts=DaemonFacts.of(engine),
            problems=Problems(engine.clock),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        _served.set(self._served)
        await _APPLICATION(scope, receive, send)

    async def work(self) -> None:
        """Tell the engine which clients are there, until cancelled."""
        await self._served.presence.run(self._served.engine)


def create_app(engine: Engine) -> Api:
    """The API of an engine at work."""
    return Api(engine)


class _Served(msgspec.Struct, frozen=True):
    """What the handlers of one engine's requests are given."""

    engine: Engine
    presence: Presence
    facts: DaemonFacts
    problems: Problems


_served: ContextVar[_Served] = ContextVar("served")


def _respond(request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    return _served.get().problems.respond(request, error)


def _given_engine() -> Engine:
    return _served.get().engine


def _given_presence(engine: GivenEngine) -> Presence:
    return _served.get().presence


def _given_facts(presence: GivenPresence) -> DaemonFacts:
    return _served.get().facts


def _given_caller(facts: GivenFacts) -> Caller:
    return current_caller()


DEPENDENCIES = {
    "engine": Provide(_given_engine, sync_to_thread=False),
    "presence": Provide(_given_presence, sync_to_thread=False),
    "facts": Provide(_given_facts, sync_to_thread=False),
    "caller": Provide(_given_caller, sync_to_thread=False),
}
"""What handlers may ask for. Each depends on the one before, so that they are found one after the
other: Litestar starts a task for each of those that do not depend on each other, and that costs a
twelfth of a submission (litestar 2.25)."""


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Deploy Orchestrator",
        version=version(),
        path="/",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
    )


async def refuse_unknown_query(request: Request[Any, Any, Any]) -> None:
    """What is not known is refused by name, never ignored.

    Async although it waits for nothing: the framework runs other hooks in threads.
    """
    if not request.scope["query_string"]:
        return
    known = [
        name
        for name, field in request.route_handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    ]
    for name in request.query_params:
        if name not in known:
            raise refusal(
                HTTPStatus.BAD_REQUEST,
                "unknown-query-parameter",
                f"there is no query parameter {name!r} here{did_you_mean(near(name, known))}",
            )


def _litestar() -> Litestar:
    return Litestar(
        route_handlers=HANDLERS,
        dependencies=DEPENDENCIES,
        exception_handlers={Exception: _respond},
        before_request=refuse_unknown_query,
        openapi_config=_openapi(),
        logging_config=None,
    )


_APPLICATION = Limited(NamesInPaths(_litestar()))
"""The same for every engine, and built but once: it takes half of a daemon's start (60 ms)."""
