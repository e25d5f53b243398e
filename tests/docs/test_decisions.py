"""Every decision has its number, date, context, alternatives, decision and consequences."""

import datetime
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PARTS = ["Date", "Context", "Alternatives", "Decision", "Consequences"]
PART = re.compile(r"^\*\*(\w+)\.\*\*", re.MULTILINE)


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_has_all_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert PART.findall(text) == PARTS
    assert all(part.strip() for part in PART.split(text)[2::2])


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_has_a_date(page: Path) -> None:
    [date] = re.findall(r"^\*\*Date\.\*\* (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert datetime.date.fromisoformat(date).isoformat() == date


def test_decisions_are_numbered() -> None:
    """One after the other, in the name of the file and in the title."""
    for number, page in enumerate(DECISIONS, start=1):
        assert page.name.startswith(f"{number:04}-")
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")
