"""The documentation's pages, and what stands in them as code."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "config").rglob("*.md"),
    ]
)

_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")


def name_of(page: Path) -> str:
    """How a test calls it."""
    return str(page.relative_to(ROOT))


def code(page: Path) -> Iterator[str]:
    """Each line of a code block, continued lines joined, and each piece of inline code."""
    text = page.read_text(encoding="utf-8")
    for block in _FENCED.findall(text):
        yield from re.sub(r"\\\n\s*", " ", block).splitlines()
    yield from (re.sub(r"\s+", " ", piece) for piece in _INLINE.findall(_FENCED.sub("", text)))


def prose(page: Path) -> str:
    """The page without its code."""
    return _INLINE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
