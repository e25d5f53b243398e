"""Reading Gate's answers: what is none becomes an error in words."""

import re
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from orchestrator_spinnaker.errors import (
    GateAway,
    GateError,
    GateRefused,
    NotAllowed,
    NotLetIn,
    NotTaken,
    NotThere,
)

Answer = TypeVar("Answer")

LONGEST = 300
"""Characters of what Gate says that are shown."""
_JSON = re.compile(r"\s*\{\s*\".*", re.DOTALL)
_NETWORK = "SpinnakerNetworkException"


class _Problem(msgspec.Struct, frozen=True):
    """Gate's error body."""

    message: str | None = None
    error: str | None = None
    exception: str | None = None


def decoded(answer: httpx.Response, wanted: type[Answer], what: str, url: str) -> Answer:
    """The body as this type. Raises GateAway."""
    try:
        return msgspec.json.decode(answer.content, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _is_page(answer):
            cause = "its answer is a web page: is that the address of Gate, not of Deck?"
        else:
            cause = f"its answer is none of Gate's ({error})"
        raise GateAway(f"Gate at {url}, asked to {what}: {cause}", cause) from None


def raise_for(answer: httpx.Response, what: str, url: str, credentials: str) -> None:
    """Raise the GateError that the status of an answer means, if it means one."""
    if answer.is_success:
        return
    code = answer.status_code
    if answer.is_redirect and (moved := _moved(answer, url)) is not None:
        raise moved
    if answer.is_redirect or code == httpx.codes.UNAUTHORIZED:
        raise _not_let_in(answer, url, credentials)
    said = said_by(answer)
    told = f"Gate at {url} answered {code} to {what}{said and f': {said}'}"
    if code == httpx.codes.FORBIDDEN:
        whose = f"the account of `{credentials}`" if credentials else "who has no `auth`"
        raise NotAllowed(f"{told} ({whose} may not)", setting=credentials or None)
    if code == httpx.codes.NOT_FOUND:
        raise NotThere(told)
    cause = f"it answers {code}{said and f', {said}'}"
    if code == httpx.codes.TOO_MANY_REQUESTS:
        raise NotTaken(told, cause)
    if answer.is_server_error:
        raise GateAway(told, cause)
    raise GateRefused(told)


def _moved(answer: httpx.Response, url: str) -> GateError | None:
    """For an answer that only says that Gate has another address."""
    to = urlsplit(answer.headers.get("Location", ""))
    asked = urlsplit(str(answer.request.url))
    if not to.netloc or to.path != asked.path or to[:2] == asked[:2]:
        return None
    port = f":{to.port}" if to.port else ""
    elsewhere = f"{to.scheme}://{to.hostname}{port}"
    return GateRefused(f"Gate at {url} says that it is {elsewhere}: write that as `gate`")


def _not_let_in(answer: httpx.Response, url: str, credentials: str) -> NotLetIn:
    code = answer.status_code
    to = urlsplit(answer.headers.get("Location", ""))
    how = f"{code} to {to.path}" if to.path else str(code)
    cause = f"it asks for a login ({how})"
    match credentials:
        case "":
            hint = "this step has no `auth`"
        case "auth.certificate":
            hint = "it knows nobody by the certificate of `auth.certificate`"
        case "auth.session":
            hint = "it does not take the session that it has opened for `auth.session`"
        case "auth.bearer":
            hint = "the token of `auth.bearer` is wrong, or has expired"
        case _:
            hint = f"the user name or the password of `{credentials}` is wrong"
    return NotLetIn(f"Gate at {url} asks for a login ({how}): {hint}", cause, credentials or None)


def said_by(answer: httpx.Response) -> str:
    """What the body of an error says, short and without JSON in it."""
    try:
        found = msgspec.json.decode(answer.content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if (found.exception or "").endswith(_NETWORK):
        return "it does not reach Orca"
    return short(found.message or found.error or "")


def short(text: str) -> str:
    """One line, without JSON in it, of at most LONGEST characters."""
    line = " ".join(_JSON.sub("", text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _is_page(answer: httpx.Response) -> bool:
    return "html" in answer.headers.get("Content-Type", "")
