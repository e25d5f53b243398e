"""What a client may send, and what the others notice of it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.e2e_bench import Installation, one_step

pytestmark = pytest.mark.slow

MEGABYTE = 1 << 20


@pytest.fixture
def served(installation: Installation) -> Installation:
    """A daemon with one pipeline that has a parameter."""
    pipeline = one_step("print('here')", top="[params.text]")
    installation.write({"environments/staging.toml": "", "pipelines/good.toml": pipeline})
    installation.start()
    return installation


@contextmanager
def connected(installation: Installation) -> Iterator[socket.socket]:
    """A connection of our own to the daemon."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(installation.socket))
        yield connection


def test_a_large_body_is_refused_early(served: Installation) -> None:
    """A body that is too large is refused while it is sent."""
    with connected(served) as connection:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: d\r\nContent-Length: {5 * MEGABYTE}\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(5):
            try:
                connection.sendall(b"x" * MEGABYTE)
            except (BrokenPipeError, ConnectionResetError):
                break  # it has answered
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413"), answer
    assert b"body-too-large" in answer
    served.says("submit", "good", "staging", "--wait")


def test_a_huge_parameter_on_the_command_line(served: Installation) -> None:
    huge = served.root / "huge"
    huge.write_text("x" * (5 * MEGABYTE))
    refused = served.run("submit", "good", "staging", "-p", f"text=@{huge}")
    assert refused.returncode == 2, refused
    assert "larger" in refused.stderr
    assert served.json("jobs")["jobs"] == []


def test_clients_that_stall_keep_nobody_out(served: Installation) -> None:
    with ExitStack() as stalling:
        for sent in (
            b"",
            b"GET /v1/st",
            b"POST /v1/jobs HTTP/1.1\r\nContent-Length: 90\r\n\r\n{",
        ) * 20:
            connection = stalling.enter_context(connected(served))
            connection.sendall(sent)
        served.says("status")
        served.says("submit", "good", "staging", "--wait")


def test_nonsense_is_answered_and_forgotten(served: Installation) -> None:
    for sent in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 50,
        b"\0" * 9000,
    ):
        with connected(served) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    served.says("status")


def test_claims_of_a_sender_count_nothing(served: Installation) -> None:
    """What a request claims about its sender counts for nothing."""
    body = b'{"pipeline":"good","environment":"staging","submitter":{"uid":0,"user":"root"}}'
    with connected(served) as connection:
        connection.sendall(
            b"POST /v1/jobs HTTP/1.1\r\nHost: d\r\nX-User: mallory\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)
        )
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400"), answer
