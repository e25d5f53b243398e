"""The last whole run beside docs/testing.md; `make test` runs this at its end.

Not named `test_…`: within a run it would judge the run before.
"""

import re
from pathlib import Path

import pytest

from tests import durations
from tests.durations import Durations

PAGE = Path(__file__).parents[1] / "docs" / "testing.md"
LONGEST = 8.0
"""Reference tests that a test without the mark `slow` may take; one is meant, on an idle host."""
NEAR = 0.8
"""Of a budget; who comes near it is told."""
ROW = re.compile(r"^\| `(?P<part>[\w/ ]+)` \| (?P<budget>[\d,]+) \|", re.MULTILINE)


def budgets() -> dict[str, float]:
    """What each part may take, in units of the reference test."""
    found = ROW.finditer(PAGE.read_text())
    return {match["part"]: float(match["budget"].replace(",", "")) for match in found}


def without_budget(last: Durations) -> list[str]:
    return sorted(last.parts.keys() - budgets().keys())


def not_run(last: Durations) -> list[str]:
    return sorted(budgets().keys() - last.parts.keys())


def over_budget(last: Durations) -> list[str]:
    taken, allowed = last.in_references(last.parts), budgets()
    return [
        f"{part}: {taken[part]:.0f} reference tests, its budget in docs/testing.md is "
        f"{allowed[part]:.0f}"
        for part in sorted(taken.keys() & allowed.keys())
        if taken[part] > allowed[part]
    ]


def near_budget(last: Durations) -> list[str]:
    taken, allowed = last.in_references(last.parts), budgets()
    return [
        f"{part}: {taken[part]:.0f} reference tests of its {allowed[part]:.0f}"
        for part in sorted(taken.keys() & allowed.keys())
        if NEAR < taken[part] / allowed[part] <= 1
    ]


def without_mark(last: Durations) -> list[str]:
    """Tests that `make quick` runs, and that are slow."""
    quick = last.in_references(last.quick)
    return [f"{test}: {ratio:.1f}" for test, ratio in quick.items() if ratio > LONGEST]


@pytest.fixture
def last(request: pytest.FixtureRequest) -> Durations:
    found = durations.last(request.config)
    if found is None:
        pytest.fail("no whole run has passed here, or nothing can be cached; `make test` is one")
    return found


def test_every_part_has_a_budget(last: Durations) -> None:
    assert without_budget(last) == []


def test_every_part_was_run(last: Durations) -> None:
    assert not_run(last) == []


def test_no_part_exceeds_its_budget(last: Durations, capsys: pytest.CaptureFixture[str]) -> None:
    if near := near_budget(last):
        with capsys.disabled():
            print("", *near, sep="\n")
    assert over_budget(last) == []


def test_what_is_slow_is_marked(last: Durations) -> None:
    assert without_mark(last) == []
