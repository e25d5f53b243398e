"""The ids of tests: the same in every worker of a run (else pytest-xdist runs no test), and a few
words that people can read."""

import re

import pytest

UNSTABLE = re.compile(r"set\(\{| at 0x")
"""The repr of a set, whose order differs from process to process, and an address."""
LONGEST = 80
"""Of what tells the rows of one test apart; `row_ids.py` makes most of it."""
MOST_WORDS = 8
"""In a test's name, and a few less are better: what else there is to say is its docstring."""


def rows(request: pytest.FixtureRequest) -> list[tuple[pytest.Function, str]]:
    """All tests that are rows of a table, and what tells each from the others."""
    functions = (item for item in request.session.items if isinstance(item, pytest.Function))
    return [(item, item.callspec.id) for item in functions if hasattr(item, "callspec")]


def test_ids_are_the_same_in_every_process(request: pytest.FixtureRequest) -> None:
    collected = [item.nodeid for item in request.session.items]
    assert [id for id in collected if UNSTABLE.search(id)] == []


def test_ids_are_the_same_on_every_machine(request: pytest.FixtureRequest) -> None:
    here = str(request.config.rootpath)
    assert [item.nodeid for item, row in rows(request) if here in row] == []


def test_ids_are_short(request: pytest.FixtureRequest) -> None:
    assert [item.nodeid for item, row in rows(request) if len(row) > LONGEST] == []


def test_every_row_has_a_name(request: pytest.FixtureRequest) -> None:
    """Of what has none pytest tells the argument, and how many rows are above."""
    nameless = [
        item.nodeid
        for item, row in rows(request)
        for argument in item.callspec.params
        if re.search(rf"(^|-){argument}\d+(-|$)|<lambda>", row)
    ]
    assert nameless == []


def test_names_are_a_few_words(request: pytest.FixtureRequest) -> None:
    functions = (item for item in request.session.items if isinstance(item, pytest.Function))
    names = {function.originalname.removeprefix("test_") for function in functions}
    assert [name for name in sorted(names) if len(name.split("_")) > MOST_WORDS] == []
