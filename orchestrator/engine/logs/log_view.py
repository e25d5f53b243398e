"""A log read by offset while it is being written, with secrets masked.

A secret is replaced by as many `*` as it has bytes, so that offsets are those of the file. Where
the middle of an oversized log was dropped, a line says so.
"""

import os
from pathlib import Path

import msgspec

from orchestrator.engine.secrets.masking import Masks

CHUNK = 256 * 1024
"""Bytes that are read at once."""


class Piece(msgspec.Struct, frozen=True):
    """What was read, and the offset to go on at; an empty text is all there is for now."""

    text: bytes
    next: int


class LogView:
    """One open log file. Its methods block for as long as the disk does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @staticmethod
    def open(path: Path) -> "LogView | None":
        """Open a log; None if there is none (yet)."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        return LogView(descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def is_of(self, path: Path) -> bool:
        """Whether this is the file that has the path now, and not one that was replaced."""
        try:
            there, ours = path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    @property
    def size(self) -> int:
        """Bytes that were written so far."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, masks: Masks, ended: bool) -> Piece:
        """What stands from `offset` on, at most CHUNK bytes of it.

        What may be the beginning of a secret is held back, unless the log has `ended`.
        """
        data = self._next_data(offset)
        if data is None:
            return Piece(b"", offset)
        if data > offset:
            return Piece(_dropped(data - offset), data)
        around = max(0, masks.longest - 1)
        begin = max(0, offset - around)
        wanted = offset - begin + CHUNK
        until = self._next_hole(offset)
        raw = os.pread(self._descriptor, min(wanted + around, until - begin), begin)
        if len(raw) == wanted + around:
            end = wanted  # a secret that begins before it is whole in `raw`
        elif ended or until < self.size:
            end = len(raw)
        else:
            end = max(masks.open_end(raw), offset - begin)
        text = masks.hide(raw)[offset - begin : end]
        return Piece(text, offset + len(text))

    def start_of_tail(self, lines: int) -> int:
        """The offset at which the last `lines` lines begin. An unfinished last line is a line."""
        end = self.size
        if lines == 0 or end == 0:
            return end
        wanted = lines + (os.pread(self._descriptor, 1, end - 1) == b"\n")
        while end > 0:
            begin = max(0, end - CHUNK)
            block = os.pread(self._descriptor, end - begin, begin)
            at = len(block)
            while (at := block.rfind(b"\n", 0, at)) >= 0:
                wanted -= 1
                if wanted == 0:
                    return begin + at + 1
            if self._next_data(begin) != begin:
                return begin  # the middle was dropped: nothing before it belongs to the tail
            end = begin
        return 0

    def _next_data(self, offset: int) -> int | None:
        """The first byte from `offset` on that is not in a hole; None at the end."""
        if offset >= self.size:
            return None
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError:
            return offset  # this file system knows of no holes

    def _next_hole(self, offset: int) -> int:
        """The first hole after `offset`; the end of the file counts as one."""
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_HOLE)
        except OSError:
            return self.size


def _dropped(size: int) -> bytes:
    return f"\n[{size} bytes of this log were dropped here, for it outgrew its limit]\n".encode()
