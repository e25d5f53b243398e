"""Gate's HTTP API: one method a call, and an error class for each way in which it can fail."""

import base64
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from orchestrator_spinnaker.errors import (
    GateAway,
    GateNotReached,
    GateRefused,
    NotAllowed,
    NotLetIn,
    NotThere,
)
from orchestrator_spinnaker.executions import LIVE, Execution, PipelineConfig

Answer = TypeVar("Answer")

MOST = 100
"""Executions in one answer."""


class _Ref(msgspec.Struct, frozen=True):
    """What a trigger is answered with: `/pipelines/{id}`."""

    ref: str


class _Problem(msgspec.Struct, frozen=True):
    """Gate's error body."""

    message: str | None = None
    error: str | None = None


class Gate:
    """One Gate, with credentials. Each call raises a GateError where it brings no answer."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url.rstrip("/")

    async def pipeline(self, application: str, name: str) -> PipelineConfig:
        """A pipeline's configuration, by its name or id. Raises NotThere."""
        path = f"/applications/{_part(application)}/pipelineConfigs/{_part(name)}"
        return _decoded(await self._call("GET", path), PipelineConfig)

    async def trigger(
        self, application: str, name: str, parameters: dict[str, Any], correlation: str
    ) -> str:
        """Start an execution; its id. After GateAway it may or may not have been started."""
        path = f"/pipelines/{_part(application)}/{_part(name)}"
        body = {"type": "manual", "parameters": parameters, "correlationId": correlation}
        answer = _decoded(await self._call("POST", path, json=body), _Ref)
        return answer.ref.rpartition("/")[2]

    async def execution(self, id: str) -> Execution:
        """One execution as it is now. Raises NotThere."""
        return _decoded(await self._call("GET", f"/pipelines/{_part(id)}"), Execution)

    async def live(self, pipelines: Sequence[str]) -> tuple[Execution, ...]:
        """Executions of these pipelines (ids) that are not complete, whoever started them."""
        params = {
            "pipelineConfigIds": ",".join(pipelines),
            "statuses": ",".join(status.value for status in LIVE),
            "limit": str(MOST),
        }
        answer = await self._call("GET", "/executions", params=params)
        found = _decoded(answer, tuple[Execution, ...])
        return tuple(one for one in found if not one.status.complete)

    async def correlated(self, application: str, correlation: str) -> tuple[Execution, ...]:
        """Executions that were started with this correlation id, finished ones too."""
        answer = await self._call("GET", search_path(application, correlation))
        return _decoded(answer, tuple[Execution, ...])

    async def cancel(self, id: str, reason: str) -> None:
        """Ask Orca to stop an execution. It has stopped only when its status says so."""
        await self._call("PUT", f"/pipelines/{_part(id)}/cancel", params={"reason": reason})

    async def judge(self, id: str, stage: str, status: str, chosen: str | None) -> None:
        """Answer a manual judgment: `continue` or `stop`, with one of its inputs."""
        body = {"judgmentStatus": status} | ({"judgmentInput": chosen} if chosen else {})
        await self._call("PATCH", f"/pipelines/{_part(id)}/stages/{_part(stage)}", json=body)

    async def _call(
        self, method: str, path: str, *, params: dict[str, str] | None = None, json: Any = None
    ) -> httpx.Response:
        what = f"{method} {self.url}{path}"
        try:
            answer = await self._client.request(
                method, f"{self.url}{path}", params=params, json=json
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise GateNotReached(f"{what}: no connection ({_said(error)})") from None
        except httpx.HTTPError as error:
            raise GateAway(f"{what}: no answer ({_said(error)})") from None
        _raise_for(answer, what)
        return answer


def search_path(application: str, correlation: str) -> str:
    """Where an execution with this correlation id is found."""
    wanted = base64.b64encode(msgspec.json.encode({"correlationId": correlation})).decode()
    return f"/applications/{_part(application)}/executions/search?trigger={quote(wanted, safe='')}"


def _raise_for(answer: httpx.Response, what: str) -> None:
    code = answer.status_code
    if answer.is_success:
        return
    said = f"{what}: {code} {_message(answer)}".rstrip()
    if answer.is_redirect or code == httpx.codes.UNAUTHORIZED:
        where = answer.headers.get("Location", "")
        raise NotLetIn(f"{what}: Gate asks for a login ({code} {where}".rstrip() + ")")
    if code == httpx.codes.FORBIDDEN:
        raise NotAllowed(said)
    if code == httpx.codes.NOT_FOUND:
        raise NotThere(said)
    if answer.is_server_error or code == httpx.codes.TOO_MANY_REQUESTS:
        raise GateAway(said)
    raise GateRefused(said)


def _message(answer: httpx.Response) -> str:
    try:
        found = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return ""
    return found.message or found.error or ""


def _decoded(answer: httpx.Response, wanted: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer.content, type=wanted)
    except msgspec.DecodeError as error:
        what = f"{answer.request.method} {answer.request.url}"
        raise GateAway(f"{what}: the answer is none of Gate's ({error})") from None


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _part(text: str) -> str:
    """One part of a path, whatever it holds."""
    return quote(text, safe="")
