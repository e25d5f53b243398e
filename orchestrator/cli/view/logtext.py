"""Logs, from bytes to lines that are harmless for a terminal.

Line ends and tabs stay, and SGR sequences (colour) where colour is wanted; a carriage return ends
a line, so that nothing is written over. All else is as in `escapes`.
"""

from __future__ import annotations

import codecs
import re

from orchestrator.cli.view.escapes import VISIBLE, escape_surrogates

_VISIBLE_IN_LOGS = {code: text for code, text in VISIBLE.items() if code not in (0x09, 0x0A)}
_SGR = re.compile("(\x1b\\[[0-9;:]{0,64}m)")
_RESET = "\x1b[0m"


def harmless_lines(text: str, colour: bool) -> str:
    """Lines of a log. With `colour`, SGR sequences stay and are reset at each line's end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text:
        return "\n".join(_line(line, colour) for line in text.split("\n"))
    return escape_surrogates(text.translate(_VISIBLE_IN_LOGS))


def _line(line: str, colour: bool) -> str:
    pieces = _SGR.split(line)  # text, sequence, text, …
    text = [escape_surrogates(piece.translate(_VISIBLE_IN_LOGS)) for piece in pieces]
    text[1::2] = pieces[1::2] if colour else [""] * len(pieces[1::2])
    return "".join(text) + (_RESET if colour and len(pieces) > 1 else "")


class LineDecoder:
    """Bytes of a log, in pieces of any size, to whole lines of text.

    Bytes that are not UTF-8 become visible escapes. A line longer than LIMIT is given in parts.
    """

    LIMIT = 64 * 1024

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._rest = ""

    def feed(self, piece: bytes) -> str:
        """The lines that are whole now, each with its end; "" if none."""
        text = self._rest + self._decoder.decode(piece)
        end = text.rfind("\n") + 1
        if len(text) - end > self.LIMIT:
            end = len(text)
        self._rest = text[end:]
        return text[:end]

    def end(self) -> str:
        """What is left: a last line without an end gets one."""
        text = self._rest + self._decoder.decode(b"", final=True)
        self._rest = ""
        return text + "\n" if text else ""
