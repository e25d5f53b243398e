"""What went wrong, as RFC 9457 problem documents.

`type` is a stable word, `detail` a sentence for people: what happened, where, what to do next. A
traceback never leaves the daemon: it goes to its log, under the `reference` that the client gets.
"""

import itertools
from http import HTTPStatus

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from orchestrator.core.language import rejections as no
from orchestrator.core.language.instant import Instant
from orchestrator.engine.clock import Clock
from orchestrator.engine.writer import WriterClosed
from orchestrator.store.errors import CommitFailed, DatabaseDamaged, ReadFailed

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem document; a field that does not apply is left out.

    `role` is what the caller lacks and `holders` who has it; `near` are names that may have been
    meant; `phase` is the job's present one; `problems` are all the mistakes, where there are
    several; `reference` is to be looked for in the daemon's log.
    """

    type: str
    title: str
    status: int
    detail: str
    role: str | None = None
    holders: tuple[str, ...] | None = None
    near: tuple[str, ...] | None = None
    phase: str | None = None
    job: int | None = None
    problems: tuple[str, ...] | None = None
    reference: str | None = None


class Refusal(Exception):
    """A request is refused by this layer; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem(status: HTTPStatus, type: str, detail: str) -> Problem:
    """A problem without further fields; its title is the status in words."""
    return Problem(type=type, title=status.phrase, status=status, detail=detail)


def refusal(status: HTTPStatus, type: str, detail: str) -> Refusal:
    """The same, to be raised."""
    return Refusal(problem(status, type, detail))


class Problems:
    """Turns errors into problem documents; what nobody expected goes to the log."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)

    def respond(self, request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
        """The answer to a request that raised."""
        found = self.of(error, f"{request.method} {request.url.path}")
        return Response(
            content=msgspec.json.encode(found),
            status_code=found.status,
            media_type=MEDIA_TYPE,
            headers=getattr(error, "headers", None) or {},
        )

    def of(self, error: Exception, doing: str) -> Problem:
        """The problem that an error is. `doing` names the request in the log."""
        match error:
            case Refusal():
                return error.problem
            case no.Rejection():
                return of_rejection(error)
            case HTTPException() if error.status_code < 500:
                return of_http(error)
            case CommitFailed():
                return problem(
                    HTTPStatus.INSUFFICIENT_STORAGE,
                    "commit-failed",
                    f"nothing was changed, for the daemon cannot write its state: {error}; "
                    "try again when that is mended",
                )
            case WriterClosed():
                return problem(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "stopping",
                    "nothing was changed, for the daemon is stopping; try again when it is back",
                )
            case ReadFailed() | DatabaseDamaged():
                return self._unreadable(error, doing)
            case _:
                return self._unexpected(error, doing)

    def _unreadable(self, error: Exception, doing: str) -> Problem:
        log.error("state unreadable", request=doing, error=str(error))
        detail = f"the daemon cannot read its state: {error}; see: orchestrator doctor"
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "state-unreadable", detail)

    def _unexpected(self, error: Exception, doing: str) -> Problem:
        reference = _reference(self._clock.now(), next(self._numbers))
        log.error("request failed", request=doing, reference=reference, exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return Problem(
            type="internal-error",
            title=status.phrase,
            status=status,
            detail=f"an error of the daemon's own; its log has it under {reference}",
            reference=reference,
        )


def of_rejection(error: no.Rejection) -> Problem:
    """The problem that a refusal by the rules is."""
    status = _status(error)
    role = getattr(error, "role", None)
    return Problem(
        type=error.kind,
        title=status.phrase,
        status=status,
        detail=str(error),
        role=role.value if role is not None else None,
        holders=getattr(error, "holders", None),
        near=getattr(error, "near", None) or None,
        phase=getattr(error, "phase", None),
        job=getattr(error, "job", None),
        problems=getattr(error, "problems", None) or None,
    )


def _status(error: no.Rejection) -> HTTPStatus:
    match error:
        case no.NotFound():
            return HTTPStatus.NOT_FOUND
        case no.NotPermitted() | no.StopForbidden() | no.DeniedByPlugin() | no.OwnJob():
            return HTTPStatus.FORBIDDEN
        case no.InvalidParameters() | no.MissingReason() | no.NotInEnvironment():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case _:
            return HTTPStatus.CONFLICT


def of_http(error: HTTPException) -> Problem:
    """The problem that the framework found with a request."""
    status = HTTPStatus(error.status_code)
    if isinstance(error, ValidationException):
        return problem(status, "invalid-request", _what_is_invalid(error))
    kind = status.phrase.lower().replace(" ", "-")
    return problem(status, kind, error.detail)


def _what_is_invalid(error: ValidationException) -> str:
    """`priority: Expected int, got str`, for each mistake that the framework names."""
    found = error.extra if isinstance(error.extra, list) else []
    mistakes = [
        f"{mistake['key']}: {mistake['message']}"
        if mistake.get("key")
        else str(mistake.get("message"))
        for mistake in found
        if isinstance(mistake, dict)
    ]
    return "the request is not valid: " + ("; ".join(mistakes) or error.detail)


def raw_response(found: Problem) -> bytes:
    """A whole HTTP/1.1 response that ends its connection, for when no request was read yet."""
    body = msgspec.json.encode(found)
    head = (
        f"HTTP/1.1 {found.status} {found.title}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    )
    return head.encode() + b"\r\n" + body


def _reference(now: Instant, number: int) -> str:
    return f"{now.utc:x}-{number}"
