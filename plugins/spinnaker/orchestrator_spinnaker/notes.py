"""What an attempt writes down for those who come after it: a restarted daemon, and cleanup."""

import os
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec


class Noted(msgspec.Struct, frozen=True):
    """`posted` is when the start was posted, None where it certainly was not; `missing` when
    Gate first said that there is no such execution. Times are UTC seconds of this host.
    """

    correlation: str = ""
    posted: float | None = None
    execution: str | None = None
    ended_for: str | None = None
    missing: float | None = None


class Notes:
    """Files in the attempt's scratch directory."""

    def __init__(self, scratch: Path) -> None:
        self._file = scratch / "attempt.json"
        self._told = scratch / "told"

    @property
    def now(self) -> Noted:
        """What is written down; where nothing is, nothing was posted."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Noted)
        except FileNotFoundError:
            return Noted()

    async def note(self, **changes: Any) -> None:
        """Change what is written down; it is on disk when this returns."""
        content = msgspec.json.encode(msgspec.structs.replace(self.now, **changes))
        await anyio.to_thread.run_sync(_write_durably, self._file, content)

    def told(self) -> frozenset[str]:
        """All that `tell` was told."""
        try:
            return frozenset(self._told.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return frozenset()

    def tell(self, what: str) -> None:
        """Remember that the log has this line, so that it need not be said again."""
        with open(self._told, "a", encoding="utf-8", opener=_private) as file:
            file.write(f"{what}\n")


def _write_durably(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    with open(draft, "wb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
