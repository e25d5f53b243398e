"""What CONTRIBUTING.md says of the code is so: the map of who imports whom, and each file."""

import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """As with `| head`: the page is written, and nothing is complained of."""
    page = tmp_path / "page.md"
    page.write_text(f"{map.BEGIN}\n{map.END}\n")
    code = "import pathlib, sys; from tools import map; map.main(pathlib.Path(sys.argv[1]))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code, page], cwd=ROOT, stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert done.stderr == b""
    assert page.read_text() == map.written(page.read_text())
