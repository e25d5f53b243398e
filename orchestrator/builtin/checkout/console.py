"""What git says on stderr: lines for the log, and progress, which overwrites itself there."""

import re
import time
from collections import deque
from pathlib import Path

from orchestrator.builtin.checkout.order import write_whole

_PROGRESS = re.compile(r"^(?:remote: )?(\D{1,60}?): +\d+% \((\d+)/(\d+)\)")
_END_OF_LINE = re.compile(rb"\r\n|\n|\r(?!\n|$)")
_PROGRESS_SECONDS = 0.3
_KEPT_LINES = 30
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]?")


class Console:
    """Takes bytes as they come. `lines` holds the end of what was said."""

    def __init__(self, progress: Path) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._progress = progress
        self._told_at = float("-inf")
        self._rest = b""

    def take(self, chunk: bytes) -> None:
        """Print what is whole; an empty chunk is the end."""
        self._rest += chunk
        while (end := _END_OF_LINE.search(self._rest)) is not None:
            line = _printable(self._rest[: end.start()])
            overwritten = self._rest[end.start() : end.end()] == b"\r"
            self._rest = self._rest[end.end() :]
            self._line(line, overwritten)
        if not chunk and self._rest:
            line, self._rest = _printable(self._rest), b""
            self._line(line, _PROGRESS.match(line) is not None)

    def say(self, text: str) -> None:
        """A line of our own."""
        print(_printable(text.encode(errors="replace")), flush=True)

    def _line(self, line: str, overwritten: bool) -> None:
        if found := _PROGRESS.match(line):
            self._tell(found[1], int(found[2]), int(found[3]))
        if not overwritten and line.strip():
            self.say(line)
            self.lines.append(line)

    def _tell(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = now
            write_whole(self._progress, [done, total, what])


def _printable(raw: bytes) -> str:
    text = _ESCAPE.sub("", raw.decode(errors="replace"))
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text).rstrip()
