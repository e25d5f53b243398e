"""What CONTRIBUTING.md says of the code is so: the map of who imports whom, and each file."""

import re

from tests.docs.pages import ROOT, code
from tools import map

FILE = re.compile(r"(?<![\w/])[\w./-]+\.(?:py|sql|toml|md)\b")


def test_the_map_is_as_the_code_is() -> None:
    """Else: `make map`."""
    page = map.PAGE.read_text(encoding="utf-8")
    assert page == map.written(page)


def test_every_file_that_is_named_exists() -> None:
    """Paths are those of the repository, or below `orchestrator/`."""
    drawn = map.diagram().splitlines()
    named = {file for line in code(map.PAGE) if line not in drawn for file in FILE.findall(line)}
    missing = {
        file
        for file in named
        if not ((ROOT / file).exists() or (ROOT / "orchestrator" / file).exists())
    }
    assert len(named) > 40
    assert missing == {"builtin/NAME.py"}


def test_no_arrow_goes_in_a_circle() -> None:
    arrows = {tuple(arrow) for arrow in re.findall(r"(\w+) --> (\w+)", map.diagram())}
    while arrows:
        importers = {by for by, _ in arrows}
        inner = {(by, of) for by, of in arrows if of in importers}
        assert inner != arrows
        arrows = inner
