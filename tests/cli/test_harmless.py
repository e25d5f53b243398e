"""Text of others on a terminal: nothing of it may act."""

import json

import pytest

from orchestrator.cli.view.escapes import harmless, harmless_json
from orchestrator.cli.view.logtext import LineDecoder, harmless_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é ✓ 漢", "plain é ✓ 漢"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x9b31m\x7f\x00", "\\x9b31m\\x7f\\x00"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("half \ud83d", "half \\ud83d"),
        (118, "118"),
    ],
)
def test_one_line(text: object, shown: str) -> None:
    assert harmless(text) == shown


def test_lines_keep_their_ends_and_tabs() -> None:
    assert harmless_lines("a\tb\r\nc\rd\n", colour=False) == "a\tb\nc\nd\n"


def test_where_colour_stays() -> None:
    """Colour stays only where it is wanted, and ends with its line."""
    text = "\x1b[1;31mred\n\x1b[0mplain\n"
    assert harmless_lines(text, colour=False) == "red\nplain\n"
    assert harmless_lines(text, colour=True) == "\x1b[1;31mred\x1b[0m\n\x1b[0mplain\x1b[0m\n"


@pytest.mark.parametrize(
    "sequence", ["\x1b[2J", "\x1b]52;c;aGk=\x07", "\x1bc", "\x1b[?1049h", "\x1b["]
)
@pytest.mark.parametrize("colour", [True, False])
def test_every_other_sequence_becomes_visible(sequence: str, colour: bool) -> None:
    shown = harmless_lines(f"\x1b[32mx{sequence}y", colour)
    assert "\\x1b" in shown
    for allowed in ("\x1b[32m", "\x1b[0m"):
        shown = shown.replace(allowed, "")
    assert shown.isprintable()


def test_json_means_the_same() -> None:
    value = {"a": "\x1b[2J\x9b\u202e\n", "é": "\ud83d"}
    text = harmless_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert text.isprintable()


def test_bytes_become_whole_lines() -> None:
    decoder = LineDecoder()
    data = "één\nzwei\ndrei".encode() + b"\xff"
    pieces = [decoder.feed(data[at : at + 1]) for at in range(len(data))]
    assert [piece for piece in pieces if piece] == ["één\n", "zwei\n"]
    assert decoder.end() == "drei\\xff\n"
    assert decoder.end() == ""


def test_a_line_without_end_is_given_in_parts() -> None:
    decoder = LineDecoder()
    assert len(decoder.feed(b"x" * (LineDecoder.LIMIT + 1))) == LineDecoder.LIMIT + 1
