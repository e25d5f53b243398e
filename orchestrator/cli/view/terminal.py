"""Where output goes: what a terminal shows and a pipe does not, and how a document is printed."""

from __future__ import annotations

import os
import sys

from orchestrator.cli.view.escapes import harmless, harmless_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}


class Terminal:
    """Standard output and error of one command.

    `colour` and `live` (progress that rewrites its line) hold on a terminal only. Text given to
    `line` is printed as it is: whoever builds it has made others' text `harmless`.
    """

    def __init__(self, out: TextIO, err: TextIO, no_color: bool, as_json: bool) -> None:
        self._out = out
        self._err = err
        self.as_json = as_json
        self.on_terminal = out.isatty()
        plain = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self.colour = self.on_terminal and not plain
        self._colour_err = err.isatty() and not plain
        self.live = err.isatty() and not as_json and os.environ.get("TERM") != "dumb"
        self.unicode = (out.encoding or "").lower().replace("-", "") == "utf8"
        self.reader_gone = False
        self._progress_shown = False

    def paint(self, text: str, *styles: str) -> str:
        """The text in colour, where there is colour."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_SGR[style] for style in styles)}m{text}\x1b[0m"

    @property
    def arrow(self) -> str:
        """From a pipeline to its environment."""
        return "→" if self.unicode else "->"

    @property
    def width(self) -> int:
        """Columns of the terminal, 0 where there is none."""
        try:
            return os.get_terminal_size(self._out.fileno()).columns
        except (OSError, ValueError):
            return 0

    def line(self, text: str = "") -> None:
        """A line of the answer."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """A part of the answer. A reader that went away (`| head`) makes it mute, not an error."""
        if self.reader_gone:
            return
        self.clear_progress()
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            self.reader_gone = True
            mute(self._out)

    def document(self, value: object) -> None:
        """One JSON document."""
        import json

        self.line(harmless_json(json.dumps(value, indent=2, ensure_ascii=False)))

    def object_line(self, value: object) -> None:
        """One JSON object of a stream."""
        import json

        self.line(harmless_json(json.dumps(value, ensure_ascii=False)))

    def note(self, text: str) -> None:
        """A word beside the answer, on standard error."""
        self.clear_progress()
        self._to_err(text + "\n")

    def error(self, text: str) -> None:
        """What went wrong, with others' text made harmless here."""
        first, *more = text.split("\n")
        word = "\x1b[31merror:\x1b[0m" if self._colour_err else "error:"
        self.note(f"{word} {harmless(first)}")
        for line in more:
            self.note(f"  {harmless(line)}")

    def progress(self, text: str) -> None:
        """Rewrite the one line of live progress, where there is one."""
        if self.live:
            columns = self.width or 80
            self._to_err(f"\r\x1b[K{text[: columns - 1]}")
            self._progress_shown = True

    def clear_progress(self) -> None:
        """Take the line of live progress away."""
        if self._progress_shown:
            self._to_err("\r\x1b[K")
            self._progress_shown = False

    def _to_err(self, text: str) -> None:
        try:
            self._err.write(text)
            self._err.flush()
        except (OSError, ValueError):
            pass  # nobody is left to be told


def standard_terminal(no_color: bool, as_json: bool) -> Terminal:
    """The terminal of this process. What its encoding lacks is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return Terminal(sys.stdout, sys.stderr, no_color, as_json)


def mute(stream: TextIO) -> None:
    """Point a stream whose reader is gone at /dev/null, or the interpreter complains at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, stream.fileno())
    os.close(sink)


def table(rows: Iterable[Iterable[str]], indent: str = "") -> list[str]:
    """Rows as lines with aligned columns, two spaces apart; colour takes no width."""
    lists = [list(row) for row in rows]
    count = max((len(row) for row in lists), default=0)
    for row in lists:
        row += [""] * (count - len(row))
    widths = [max(_width(row[at]) for row in lists) for at in range(count)]
    columns = [at for at in range(count) if widths[at]]
    return [
        (indent + "  ".join(_padded(row[at], widths[at]) for at in columns)).rstrip()
        for row in lists
    ]


def _width(text: str) -> int:
    """Columns that a text takes, wide East Asian characters counted as two."""
    if text.isascii():
        visible, at = len(text), text.find("\x1b[")
        while at >= 0:
            end = text.index("m", at)
            visible -= end + 1 - at
            at = text.find("\x1b[", end)
        return visible
    return _wide_width(text)


def _wide_width(text: str) -> int:
    import re
    import unicodedata

    plain = re.sub("\x1b\\[[0-9;]*m", "", text)
    marks = sum(1 for character in plain if unicodedata.combining(character))
    wide = sum(1 for character in plain if unicodedata.east_asian_width(character) in "WF")
    return len(plain) - marks + wide


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def folded(text: str, width: int = 74) -> list[str]:
    """The text in lines of so many characters at most, broken between words where it can be."""
    return _packed(text.split(" "), width)


def hanging(first: str, text: str, width: int) -> list[str]:
    """The text behind `first`, in as many columns, what does not fit below it. A command stays in
    one piece, so that it can be copied; with a width of 0 so does everything."""
    if not width or len(first) + _width(text) <= width:
        return [first + text]
    import re

    pieces = re.findall(r"orchestrator [^,;]+[,;]?|\S+", text)
    top, *more = _packed(pieces, width - len(first))
    return [first + top, *(" " * len(first) + line for line in more)]


def _packed(pieces: Iterable[str], width: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + 1 + len(piece) > width:
            lines.append("")
        lines[-1] += f" {piece}" if lines[-1] else piece
    return lines
