"""Logs by offset: secrets at every boundary, tails, dropped middles."""

from pathlib import Path

import pytest

from orchestrator.engine.logs import log_view
from orchestrator.engine.logs.log_view import LogView
from orchestrator.engine.secrets.masking import Masks
from orchestrator.process.log_limit import drop_middle

SECRETS = Masks.of(["hunter2", "hunter2hunter2"])


def view_of(path: Path, content: bytes) -> LogView:
    path.write_bytes(content)
    view = LogView.open(path)
    assert view is not None
    return view


def read_all(view: LogView, offset: int = 0) -> bytes:
    text = b""
    while piece := view.read(offset, SECRETS, ended=True):
        if not piece.text:
            return text
        text, offset = text + piece.text, piece.next
    raise AssertionError


@pytest.mark.parametrize("chunk", [1, 3, 7, 8, 64])
@pytest.mark.parametrize("offset", range(12))
def test_no_part_of_a_secret_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, offset: int
) -> None:
    """No part of a secret is shown, wherever reading begins and is cut."""
    monkeypatch.setattr(log_view, "CHUNK", chunk)
    content = b"a hunter2 and hunter2hunter2, hunter\n"
    shown = content.replace(b"hunter2", b"*" * 7)
    assert read_all(view_of(tmp_path / "log", content), offset) == shown[offset:]


def test_what_may_begin_a_secret_waits(tmp_path: Path) -> None:
    """What may be the beginning of a secret waits for its end."""
    path = tmp_path / "log"
    view = view_of(path, b"now hunt")
    first = view.read(0, SECRETS, ended=False)
    assert (first.text, first.next) == (b"now ", 4)
    assert view.read(4, SECRETS, ended=False).text == b""
    with path.open("ab") as log:
        log.write(b"er2!")
    assert view.read(4, SECRETS, ended=False).text == b"*******!"


@pytest.mark.parametrize(
    ("content", "lines", "start"),
    [
        (b"", 3, 0),
        (b"one\ntwo\nthree\n", 1, 8),
        (b"one\ntwo\nthree\n", 2, 4),
        (b"one\ntwo\nthree\n", 3, 0),
        (b"one\ntwo\nthree\n", 9, 0),
        (b"one\ntwo\nthr", 1, 8),
        (b"one\ntwo\nthr", 2, 4),
        (b"one\ntwo\nthree\n", 0, 14),
        (b"\n\n\n", 2, 1),
    ],
)
@pytest.mark.parametrize("chunk", [1, 4, 1024])
def test_the_tail_begins_at_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    lines: int,
    start: int,
    chunk: int,
) -> None:
    monkeypatch.setattr(log_view, "CHUNK", chunk)
    assert view_of(tmp_path / "log", content).start_of_tail(lines) == start


def test_a_dropped_middle_is_one_line(tmp_path: Path) -> None:
    """A dropped middle is one line and no zeros."""
    path = tmp_path / "log"
    view = view_of(path, b"".join(b"%07d\n" % number for number in range(50_000)))
    with path.open("r+b") as log:
        drop_middle(log.fileno(), 100_000)
    text = read_all(view)
    assert b"\0" not in text
    assert b"were dropped here" in text
    assert text.startswith(b"0000000\n")
    assert text.endswith(b"0049999\n")
    assert view.size == 400_000


def test_a_log_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert LogView.open(tmp_path / "log") is None
