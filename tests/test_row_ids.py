"""What the rows of tables are called."""

import pytest

from orchestrator.core.language.commands import Caller, Cancel, SeeClient
from orchestrator.core.language.words import Decision
from tests.row_ids import LONGEST, told_by, words

ADA = Caller(uid=1000, user="ada")


SAID: list[tuple[object, str]] = [
    ("pipelines/p.toml:7: env.timeout: no key", "env.timeout: no key"),
    (b"one\r\n\ttwo", "one two"),
    ("", "empty"),
    (" \n", r"' \n'"),
    ("\x1b[31mé", r"\x1b[31m\xe9"),
    ("word " * 20, "word word word word word word word"),
    ("x" * 200, "x" * LONGEST),
    ({"gate": "x", "count": 2, "none": None}, "gate=x count=2 none=None"),
    (["a", {"b": []}], "a b=nothing"),
    (frozenset({"c", "a", "b"}), "a b c"),
    (Decision.APPROVED, "APPROVED"),
    (ValueError("no", 1), "ValueError no 1"),
    (Cancel(caller=ADA, job=7, force=True), "Cancel 1000 ada 7 True"),
    ([Cancel(caller=ADA, job=7), SeeClient, 300], "Cancel SeeClient 300"),
]


@pytest.mark.parametrize(("value", "said"), SAID, ids=told_by(SAID, 1))
def test_words(value: object, said: str) -> None:
    assert words(value) == said


def test_what_pytest_names_or_nobody_can() -> None:
    assert [words(value) for value in (None, True, 7, 0.5, str, words, object())] == [None] * 7


def test_what_tells_rows_apart() -> None:
    table = [("a", 1, "x " * 40), ("b", 2, "y")]
    assert told_by(table, 1, 0) == ["1-a", "2-b"]
    assert told_by(table, 2) == [("x " * 37).strip(), "y"]
