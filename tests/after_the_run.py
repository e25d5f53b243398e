"""The last whole run beside docs/testing.md; `make test` runs this at its end.

Not named `test_…`: within a run it would judge the run before.
"""

import re
from pathlib import Path

import pytest

from tests import durations

PAGE = Path(__file__).parents[1] / "docs" / "testing.md"
LONGEST = 8.0
"""Reference tests that a test without the mark `slow` may take; one is meant, on an idle host."""
ROW = re.compile(r"^\| `(?P<part>[\w/ ]+)` \| (?P<budget>[\d,]+) \|", re.MULTILINE)


def budgets() -> dict[str, float]:
    """What each part may take, in units of the reference test."""
    found = ROW.finditer(PAGE.read_text())
    return {match["part"]: float(match["budget"].replace(",", "")) for match in found}


@pytest.fixture
def last(request: pytest.FixtureRequest) -> durations.Durations:
    found = durations.last(request.config)
    if found is None:
        pytest.fail("no whole run has passed here; run `make test` first")
    return found


def test_every_part_has_a_budget(last: durations.Durations) -> None:
    assert sorted(last.parts.keys() - budgets().keys()) == []


def test_every_part_was_run(last: durations.Durations) -> None:
    assert sorted(budgets().keys() - last.parts.keys()) == []


def test_no_part_exceeds_its_budget(last: durations.Durations) -> None:
    allowed = budgets()
    ratios = sorted(last.in_references(last.parts).items())
    near = [(part, ratio) for part, ratio in ratios if ratio > 0.7 * allowed.get(part, ratio)]
    print("\n".join(f"{part}: {ratio:.0f} of {allowed[part]:.0f}" for part, ratio in near))
    over = [
        f"{part}: {ratio:.0f} reference tests, its budget in docs/testing.md is {allowed[part]:.0f}"
        for part, ratio in ratios
        if ratio > allowed.get(part, ratio)
    ]
    assert over == []


def test_what_is_slow_is_marked(last: durations.Durations) -> None:
    quick = last.in_references(last.quick)
    assert [f"{test}: {ratio:.1f}" for test, ratio in quick.items() if ratio > LONGEST] == []
