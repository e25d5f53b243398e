"""What a page shows of a terminal: commands behind `$ `, and what they print."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```\n(\$ .*?)^```$", re.MULTILINE | re.DOTALL)
_BOOT = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_NUMBER = re.compile(r"\d+([.:]\d+)*")
ANYTHING = "…"
"""A line of this stands for any lines, at the end of a line for its rest."""


class Typed(NamedTuple):
    """One command and the lines that the page shows of its output."""

    command: str
    shown: tuple[str, ...]


def sessions(page: Path) -> Iterator[Typed]:
    """Every command of a page's terminals, in order."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield Typed(command, tuple(shown))


def agrees(shown: tuple[str, ...], printed: str) -> bool:
    """Whether this was printed, but for numbers, times, boots and what is left out."""
    pattern = "".join(map(_line_pattern, shown))
    lines = "".join(f"{_plain(line)}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, lines) is not None


def _line_pattern(line: str) -> str:
    if line == ANYTHING:
        return r"(.*\n)*?"
    kept = re.escape(_plain(line.removesuffix(ANYTHING)))
    return f"{kept}{'.*' if line.endswith(ANYTHING) else ''}\n"


def _plain(line: str) -> str:
    line = _NUMBER.sub("#", _BOOT.sub("BOOT", line))
    return re.sub(r"\s+", " ", line).strip()
