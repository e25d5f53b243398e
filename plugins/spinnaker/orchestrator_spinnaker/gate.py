"""Gate's HTTP API: one method a call, and an error class for each way in which it can fail."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NoReturn, TypeVar
from urllib.parse import quote, unquote

import anyio
import httpx
import msgspec

from orchestrator_spinnaker import causes
from orchestrator_spinnaker.answers import decoded, raise_for
from orchestrator_spinnaker.errors import GateAway, NotLetIn, NotTaken, NotTrusted
from orchestrator_spinnaker.executions import (
    JUDGED,
    LIVE,
    Execution,
    PipelineConfig,
    PipelineName,
    Stage,
)
from orchestrator_spinnaker.session import Session, asks_for_login

Answer = TypeVar("Answer")

CUT = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""How a connection ends that was there."""
MOST = 100
"""Executions in one answer."""
RECENT = 25
"""Executions in an answer that is looked through for one of them."""


class _Ref(msgspec.Struct, frozen=True):
    """What a trigger is answered with: `/pipelines/{id}`."""

    ref: Annotated[str, msgspec.Meta(pattern="/[^/]+$")]


class Gate:
    """One Gate, with credentials. Each call raises a GateError where it brings no answer."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        *,
        session: Session | None = None,
        credentials: str = "",
        limit: float = 30.0,
        refusal: Callable[[], Awaitable[BaseException | None]] | None = None,
    ) -> None:
        """`credentials` is the setting that they come from; `limit` is for one call, in seconds.
        `refusal` finds out whether Gate wants a client certificate, or another one than ours.
        """
        self._refusal = refusal
        self._client = client
        self._session = session
        self._credentials = credentials
        self._limit = limit
        self.url = url.rstrip("/")

    async def pipeline_names(self, application: str) -> tuple[str, ...]:
        """Of all pipelines of an application; none where Gate does not know it."""
        path = f"/applications/{_part(application)}/pipelineConfigs"
        return tuple(pipeline.name for pipeline in await self._read(path, tuple[PipelineName, ...]))

    async def pipeline(self, application: str, name: str) -> PipelineConfig:
        """A pipeline's configuration, by its name or id. Raises NotThere."""
        path = f"/applications/{_part(application)}/pipelineConfigs/{_part(name)}"
        return await self._read(path, PipelineConfig)

    async def trigger(
        self, application: str, name: str, parameters: dict[str, Any], correlation: str
    ) -> str:
        """Start an execution; its id. After GateAway it may or may not have been started."""
        path = f"/pipelines/{_part(application)}/{_part(name)}"
        body = {"type": "manual", "parameters": parameters, "correlationId": correlation}
        answer = await self._call("POST", path, json=body)
        ref = decoded(answer, _Ref, f"POST {path}", self.url).ref
        return ref.rpartition("/")[2]

    async def execution(self, id: str) -> Execution:
        """One execution as it is now. Raises NotThere."""
        return await self._read(f"/pipelines/{_part(id)}", Execution)

    async def live(self, pipelines: Sequence[str]) -> tuple[Execution, ...]:
        """Executions of these pipelines (ids) that are not complete, whoever started them."""
        params = {
            "pipelineConfigIds": ",".join(pipelines),
            "statuses": ",".join(status.value for status in LIVE),
            "limit": str(MOST),
        }
        found = await self._read("/executions", tuple[Execution, ...], params)
        return tuple(execution for execution in found if not execution.status.complete)

    async def recent(self, pipeline: str) -> tuple[Execution, ...]:
        """The newest executions of a pipeline (id), without what their stages were given."""
        params = {"pipelineConfigIds": pipeline, "limit": str(RECENT), "expand": "false"}
        return await self._read("/executions", tuple[Execution, ...], params)

    async def correlated(self, application: str, correlation: str) -> tuple[Execution, ...]:
        """Executions that were started with this correlation id, finished ones too."""
        return await self._read(search_path(application, correlation), tuple[Execution, ...])

    async def cancel(self, id: str, reason: str) -> None:
        """Ask Orca to stop an execution. It has stopped only when its status says so."""
        await self._call("PUT", f"/pipelines/{_part(id)}/cancel", params={"reason": reason})

    async def judge(self, id: str, stage: Stage, status: str, chosen: str | None, by: str) -> None:
        """Answer a manual judgment: `continue` or `stop`, with one of its inputs. `by` says who."""
        body = {"judgmentStatus": status, JUDGED: {"by": by, "startTime": stage.start_time}}
        body |= {"judgmentInput": chosen} if chosen else {}
        await self._call("PATCH", f"/pipelines/{_part(id)}/stages/{_part(stage.id)}", json=body)

    # --- one call ----------------------------------------------------------------------------

    async def _read(
        self, path: str, wanted: type[Answer], params: dict[str, str] | None = None
    ) -> Answer:
        answer = await self._call("GET", path, params=params)
        return decoded(answer, wanted, f"GET {_shown(path)}", self.url)

    async def _call(
        self, method: str, path: str, *, params: dict[str, str] | None = None, json: Any = None
    ) -> httpx.Response:
        session = self._session
        seen = 0
        if session is not None:
            if not session.logins:
                await session.open(self._log_in)
            seen = session.logins
        answer = await self._send(method, path, params=params, json=json)
        if session is not None and asks_for_login(answer):
            await session.open(self._log_in, seen)
            answer = await self._send(method, path, params=params, json=json)
        raise_for(answer, f"{method} {_shown(path)}", self.url, self._credentials)
        return answer

    async def _log_in(self, path: str, form: dict[str, str]) -> httpx.Response:
        self._client.cookies.clear()
        return await self._send("POST", path, data=form)

    async def _send(self, method: str, path: str, **body: Any) -> httpx.Response:
        """The answer, whatever it is. Raises the GateError of a call without one."""
        what = f"{method} {_shown(path)}"
        try:
            with anyio.fail_after(self._limit):
                return await self._client.request(method, f"{self.url}{path}", **body)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
            cause = f"no answer within {self._limit:g} s"
            raise GateAway(f"Gate at {self.url}: {cause} to {what}", cause) from None
        except httpx.HTTPError as error:
            found: BaseException = error
            if method == "GET" and self._refusal is not None and isinstance(error, CUT):
                found = await self._refusal() or error
            self._raise_for_transport(error, found, what)

    def _raise_for_transport(
        self, error: httpx.HTTPError, found: BaseException, what: str
    ) -> NoReturn:
        """What a failure below HTTP means. What fails while it connects has sent nothing.

        `found` is what a certificate is refused by, if that was found out.
        """
        if (why := causes.untrusted(error)) is not None:
            text = f"the certificate of Gate at {self.url} is not trusted: {why}"
            raise NotTrusted(text, f"its certificate is not trusted: {why}") from None
        if (why := causes.refused_handshake(found)) is not None:
            setting = "auth.certificate"
            text = f"Gate at {self.url} breaks off: {why} (`{setting}`)"
            raise NotLetIn(text, why, setting) from None
        cause = causes.in_words(error)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            raise NotTaken(f"Gate at {self.url} can't be reached: {cause}", cause) from None
        raise GateAway(f"Gate at {self.url}, asked to {what}: {cause}", cause) from None


def search_path(application: str, correlation: str) -> str:
    """Where an execution with this correlation id is found."""
    wanted = base64.b64encode(msgspec.json.encode({"correlationId": correlation})).decode()
    return f"/applications/{_part(application)}/executions/search?trigger={quote(wanted, safe='')}"


def _shown(path: str) -> str:
    """A path for people: without its query, and readable."""
    return unquote(path.partition("?")[0])


def _part(text: str) -> str:
    """One part of a path, whatever it holds."""
    return quote(text, safe="")
