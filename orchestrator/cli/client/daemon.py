"""The daemon as its client sees it: documents, streams, refusals, and coming back."""

from __future__ import annotations

import json
import sys

from orchestrator.cli.client import http
from orchestrator.cli.client.connection import ANSWER_SECONDS, Exchange, open_exchange
from orchestrator.cli.client.errors import (
    AnswerLost,
    NoDaemon,
    NotHttp,
    NotReady,
    SocketForbidden,
    refusal,
)
from orchestrator.cli.client.waiting import backoff, pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Value = TypeVar("Value")

PATIENCE = 60.0
"""Seconds in which a daemon that went away may come back."""
AWAY = (NoDaemon, AnswerLost, NotReady)
"""What a restart looks like from here."""


class Daemon:
    """Requests to the daemon at one socket. Makes no connection before it is asked."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path

    def get(self, path: str, **query: object) -> Any:
        """The document at a path. Query values that are None or "" are left out; lists repeat."""
        return self._document("GET", path + _query(query), {}, None)

    def post(self, path: str, body: object, key: str | None = None) -> Any:
        """Send a document; the answer's. `key` makes a repeat harmless (Idempotency-Key)."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._document("POST", path, headers, json.dumps(body).encode())

    def stream(self, path: str, headers: dict[str, str] | None = None, **query: object) -> Exchange:
        """An answer whose body is still to be read. Raises Refused as the others do."""
        accept = {"Accept": "*/*", **(headers or {})}
        target = path + _query(query)
        exchange = open_exchange(self.socket_path, http.request("GET", target, accept, None))
        try:
            if exchange.head().status >= 300:
                raise refusal(exchange.response.status, _problem(exchange.document()))
        except BaseException:
            exchange.close()
            raise
        return exchange

    def returning(self, action: Callable[[], Value], first: Exception | None = None) -> Value:
        """Do it, and do it again while the daemon is away, for PATIENCE seconds.

        `first` says that it is known to be away already. Raises NoDaemon when it stays away; when
        it was never there (no `first`, no connection), at once.
        """
        if first is None:
            try:
                return action()
            except (AnswerLost, NotReady) as error:
                first = error
        say_away(first)
        for delay in backoff(PATIENCE):
            pause(delay)
            try:
                return action()
            except (*AWAY, SocketForbidden) as error:  # its permissions come after its name
                first = error
        raise NoDaemon(f"the daemon did not come back within {PATIENCE:.0f} s: {first}") from first

    def _document(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None
    ) -> Any:
        accept = {"Accept": "application/json", **headers}
        data = http.request(method, target, accept, body)
        with open_exchange(self.socket_path, data) as exchange:
            text = exchange.document(ANSWER_SECONDS)
        if exchange.response.status >= 300:
            raise refusal(exchange.response.status, _problem(text))
        try:
            return json.loads(text)
        except ValueError as error:
            raise NotHttp(f"the daemon's answer to {method} {target} is not JSON") from error


def say_away(error: Exception) -> None:
    """Tell the person that we go on waiting for the daemon, and why."""
    print(
        f"the daemon is away ({error}); waiting up to {PATIENCE:.0f} s for it",
        file=sys.stderr,
        flush=True,
    )


def _query(values: dict[str, object]) -> str:
    pairs = [
        f"{name}={http.quoted(_text(item))}"
        for name, value in values.items()
        for item in (value if isinstance(value, list) else [value])
        if not (item is None or item is False or item == "")
    ]
    return "?" + "&".join(pairs) if pairs else ""


def _text(value: object) -> str:
    return "true" if value is True else str(value)


def _problem(body: bytes) -> dict[str, Any]:
    """The problem document; an answer that is none becomes its detail, shortened."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    return {"detail": body.decode("utf-8", "replace").strip()[:500]}
