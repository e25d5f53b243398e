"""Durations: what is written is read again as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.language.durations import LONGEST, parse_duration, written
from tests.seed_budget import examples


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "0.5s"), (59, "59s"), (90, "1m30s"), (3600, "1h"), (187200, "2d4h")],
)
def test_how_a_duration_is_written(seconds: float, text: str) -> None:
    assert written(seconds) == text


@examples("durations")
@given(st.integers(0, int(LONGEST)))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    assert parse_duration(written(float(seconds))) == float(seconds)
