"""One HTTP/1.1 response from bytes: whole, in any pieces, cut short, malformed, too large."""

import pytest

from orchestrator.cli.client import http
from orchestrator.cli.client.errors import AnswerLost, NotHttp

COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b c \r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nhello"
AFTER_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" + COUNTED
ALL = [
    pytest.param(COUNTED, id="counted"),
    pytest.param(CHUNKED, id="chunked"),
    pytest.param(UNTIL_CLOSE, id="until it closes"),
    pytest.param(AFTER_CONTINUE, id="after 100"),
]


def read(data: bytes, size: int) -> tuple[http.Response, bytes]:
    response = http.Response()
    body = b"".join(response.feed(data[at : at + size]) for at in range(0, len(data), size))
    response.end()
    return response, body


@pytest.mark.parametrize("data", ALL)
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_pieces_of_any_size_give_the_same_answer(data: bytes, size: int) -> None:
    response, body = read(data, size)
    assert (response.status // 100, body, response.complete) == (2, b"hello", True)


def test_header_names_are_lower_case_and_values_stripped() -> None:
    assert read(COUNTED, 100)[0].headers == {"content-length": "5", "x-a": "b c"}


@pytest.mark.parametrize(
    "data", [COUNTED, CHUNKED, AFTER_CONTINUE], ids=["counted", "chunked", "after 100"]
)
def test_every_cut_is_a_lost_answer(data: bytes) -> None:
    for end in range(len(data)):
        response = http.Response()
        response.feed(data[:end])
        with pytest.raises(AnswerLost):
            response.end()


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body(status: int) -> None:
    response, body = read(b"HTTP/1.1 %d X\r\n\r\n" % status, 100)
    assert response.complete
    assert body == b""


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
    ],
    ids=[
        "another protocol",
        "another version",
        "no number",
        "no colon",
        "no name",
        "a negative length",
        "a length in hexadecimal",
        "a length of 40 digits",
        "gzip",
        "a chunk's length that is none",
        "a chunk without a length",
        "a chunk longer than it says",
    ],
)
def test_what_is_malformed_is_not_http(data: bytes) -> None:
    with pytest.raises(NotHttp):
        http.Response().feed(data)


def test_headers_without_end_are_bounded() -> None:
    response = http.Response()
    with pytest.raises(NotHttp, match="bytes of headers"):
        for _ in range(http.HEAD_LIMIT):
            response.feed(b"HTTP/1.1 200 OK\r\nx: y\r\n")


def test_a_size_line_without_end_is_bounded() -> None:
    response = http.Response()
    response.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(NotHttp, match="a line of more than"):
        response.feed(b"1;" + b"x" * http.SIZE_LINE_LIMIT)


def test_a_request_names_the_length_of_its_body() -> None:
    assert http.request("POST", "/v1/jobs", {"Idempotency-Key": "k"}, b"{}") == (
        b"POST /v1/jobs HTTP/1.1\r\nHost: orchestrator\r\nConnection: close\r\n"
        b"Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_header_cannot_begin_another() -> None:
    with pytest.raises(ValueError, match="control character"):
        http.request("GET", "/", {"Idempotency-Key": "k\r\nX: y"}, None)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("team/web", "team%2Fweb"),
        ("a b?&#%", "a%20b%3F%26%23%25"),
        ("é", "%C3%A9"),
        ("a.-_~", "a.-_~"),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert http.quoted(text) == quoted
    assert http.quoted("team/web", b"/") == "team/web"
