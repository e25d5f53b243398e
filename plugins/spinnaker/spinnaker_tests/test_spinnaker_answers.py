"""What an answer of Gate means, and what is said of it."""

import httpx
import pytest
from orchestrator_spinnaker.answers import LONGEST, raise_for, said_by
from orchestrator_spinnaker.errors import (
    GateAway,
    GateError,
    GateRefused,
    NotAllowed,
    NotLetIn,
    NotTaken,
    NotThere,
)

URL = "http://gate.example"
WHAT = "GET /executions"
DENIED = "Access denied to application shop - required authorization: READ"


def answer(code: int, body: object = None, location: str | None = None) -> httpx.Response:
    headers = {} if location is None else {"Location": location}
    request = httpx.Request("GET", f"{URL}/executions?limit=1")
    return httpx.Response(code, json=body, headers=headers, request=request)


@pytest.mark.parametrize(
    ("given", "credentials", "error", "text"),
    [
        (
            answer(302, location=f"{URL}/login"),
            "",
            NotLetIn,
            f"Gate at {URL} asks for a login (302 to /login): this step has no `auth`",
        ),
        (
            answer(302, location="https://sso.example/saml?x=1"),
            "auth.bearer",
            NotLetIn,
            f"Gate at {URL} asks for a login (302 to /saml): "
            "the token of `auth.bearer` is wrong, or has expired",
        ),
        (
            answer(401),
            "auth.basic",
            NotLetIn,
            f"Gate at {URL} asks for a login (401): "
            "the user name or the password of `auth.basic` is wrong",
        ),
        (
            answer(302),
            "",
            NotLetIn,
            f"Gate at {URL} asks for a login (302): this step has no `auth`",
        ),
        (
            answer(301, location="https://gate.example:8084/executions?limit=1"),
            "auth.basic",
            GateRefused,
            f"Gate at {URL} says that it is https://gate.example:8084: write that as `gate`",
        ),
        (
            answer(403, {"message": DENIED}),
            "auth.basic",
            NotAllowed,
            f"Gate at {URL} answered 403 to {WHAT}: {DENIED} (the account of `auth.basic` may not)",
        ),
        (
            answer(404, {"error": "Not Found"}),
            "",
            NotThere,
            f"Gate at {URL} answered 404 to {WHAT}: Not Found",
        ),
        (answer(400), "", GateRefused, f"Gate at {URL} answered 400 to {WHAT}"),
        (answer(429), "", NotTaken, f"Gate at {URL} answered 429 to {WHAT}"),
        (
            answer(500, {"exception": "com.netflix.SpinnakerNetworkException", "message": "x"}),
            "",
            GateAway,
            f"Gate at {URL} answered 500 to {WHAT}: it does not reach Orca",
        ),
    ],
    ids=[
        "302 to its login",
        "302 to another login",
        "401",
        "302 to nowhere",
        "301",
        "403",
        "404",
        "400",
        "429",
        "500",
    ],
)
def test_what_is_no_success(
    given: httpx.Response, credentials: str, error: type[GateError], text: str
) -> None:
    with pytest.raises(GateError) as raised:
        raise_for(given, WHAT, URL, credentials)
    assert type(raised.value) is error
    assert str(raised.value) == text


def test_a_success() -> None:
    raise_for(answer(202, {"ref": "/pipelines/1"}), WHAT, URL, "")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("one\n\ttwo", "one two"),
        ('Status: 404, Message: {"timestamp": 1, "status": 404}', "Status: 404, Message:"),
        pytest.param("x" * 1000, "x" * (LONGEST - 1) + "…", id="a long one"),
        (None, ""),
    ],
)
def test_what_is_said_is_short(message: str | None, said: str) -> None:
    assert said_by(answer(500, {"message": message})) == said


def test_what_is_no_json_is_not_said() -> None:
    page = httpx.Response(502, html="<html>502 Bad Gateway</html>")
    assert said_by(page) == ""
    assert said_by(httpx.Response(500, content=b"\xff\xfe")) == ""
