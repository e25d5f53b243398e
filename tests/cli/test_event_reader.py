"""Server-sent events from bytes."""

import pytest

from orchestrator.cli.client import sse
from orchestrator.cli.client.errors import NotHttp

STREAM = (
    b": keep-alive\n\nid: 7\nevent: job\ndata: {\ndata: }\n\n"
    b"data:x\r\n\r\nevent: empty\n\nid: 8\ndata: caf\xc3\xa9\n\n"
)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_pieces_of_any_size(size: int) -> None:
    reader = sse.EventReader()
    found = [
        (event.type, event.data, event.id)
        for at in range(0, len(STREAM), size)
        for event in reader.feed(STREAM[at : at + size])
    ]
    assert found == [("job", "{\n}", "7"), ("message", "x", "7"), ("message", "café", "8")]


def test_an_event_without_end_is_bounded() -> None:
    reader = sse.EventReader()
    with pytest.raises(NotHttp):
        for _ in range(20):
            reader.feed(b"x" * 1024 * 1024)


def test_many_lines_of_one_event_are_bounded_too() -> None:
    reader = sse.EventReader()
    line = b"data: " + b"x" * 1024 * 1024 + b"\n"
    with pytest.raises(NotHttp):
        for _ in range(20):
            reader.feed(line)
