"""The log of an attempt, which the lines of its adapter and the output of its processes share."""

import os
from pathlib import Path

from orchestrator.engine.secrets.masking import Masks

NO_MASKS = Masks()


def append_lines(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Append whole lines, in one write, to a file (0600) that others may be appending to.

    Raises:
        OSError: the disk is full, the folder does not exist.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            content = b"\n" + content  # somebody left the last line open
        os.write(descriptor, content)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LogFile:
    """Appends lines to a log file that processes may be writing to at the same time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str, masks: Masks = NO_MASKS) -> None:
        """Append `text` as lines of their own, with secrets hidden.

        What cannot be written (a full disk) is dropped: it must not stop a tool half way.
        """
        lines = "".join(f"{line}\n" for line in text.rstrip("\n").split("\n"))
        try:
            append_lines(self.path, masks.hide(lines.encode(errors="replace")))
        except OSError:
            return
