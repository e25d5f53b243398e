"""The line of every key, however TOML lets it be written."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.places import Places
from orchestrator.core.values.references import Path, leaves
from tests.seed_budget import examples

TEXT = '''\
a = 1
"quoted key".'b.c'.d = { x = [1, { y = 2 }], z.w = "s" }
[params."v.1"]
type = """
several
lines"""
after = 1
[[steps]]
name = "x" # a comment
[steps.with]
list = [
  1, # another
  [2,
   3],
]
[[steps]]
[[steps.inner]]
k = 1
[[steps.inner]]
k = 2
[steps.inner.deep]
"\\u00e9" = 3
'''
LINES: dict[Path, int] = {
    (): 1,
    ("a",): 1,
    ("quoted key",): 2,
    ("quoted key", "b.c", "d", "x", 1, "y"): 2,
    ("quoted key", "b.c", "d", "z", "w"): 2,
    ("params", "v.1"): 3,
    ("params", "v.1", "type"): 4,
    ("params", "v.1", "after"): 7,
    ("steps",): 8,
    ("steps", 0): 8,
    ("steps", 0, "name"): 9,
    ("steps", 0, "with"): 10,
    ("steps", 0, "with", "list"): 11,
    ("steps", 0, "with", "list", 0): 12,
    ("steps", 0, "with", "list", 1): 13,
    ("steps", 0, "with", "list", 1, 1): 14,
    ("steps", 1): 16,
    ("steps", 1, "inner", 0, "k"): 18,
    ("steps", 1, "inner", 1): 19,
    ("steps", 1, "inner", 1, "k"): 20,
    ("steps", 1, "inner", 1, "deep", "é"): 22,
    ("steps", 1, "inner", 1, "missing", "key"): 19,
    ("nothing", "like", "it"): 1,
}


def test_lines() -> None:
    places = Places(TEXT)
    assert {path: places.line(path) for path in LINES} == LINES


def test_headers() -> None:
    headers = Places(TEXT).headers
    assert ("params", "v.1") in headers
    assert ("steps", 1, "inner", 0) in headers
    assert ("a",) not in headers


def test_every_leaf_has_its_place() -> None:
    """Every leaf of the document has a place of its own."""
    places = Places(TEXT)
    for path, _ in leaves(tomllib.loads(TEXT)):
        assert path in places.lines


@examples("places")
@given(st.text(max_size=40))
def test_any_text_has_a_first_line(text: str) -> None:
    places: Any = Places(text)
    assert places.line(("x", 3)) >= 1
