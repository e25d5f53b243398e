"""Where each process of an attempt lives on disk.

`processes/<phase>-<key>` is the process layer's directory. One that provably never ran is followed
by `<phase>-<key>~2`. Beside it `….launch` holds what must be known to stop it after a restart, and
`….stdout` its stdout where that was asked for.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]")


def file_name(phase: str, key: str) -> str:
    """A file name for any key, a different one for each; keys that are not plain get a digest."""
    if _PLAIN.fullmatch(key):
        return f"{phase}-{key}"
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{phase}-{_OTHER.sub('_', key)[:80]}+{digest}"


class Launch(msgspec.Struct, frozen=True):
    """How a process was started. `stop_signal` of None: it must not be interrupted."""

    stop_signal: int | None
    separate_stdout: bool


class ProcessPlace(msgspec.Struct, frozen=True):
    """One process's directory and the files beside it."""

    directory: Path
    generation: int = 1

    @property
    def stdout(self) -> Path:
        """Its stdout, where that was asked for apart from the log."""
        return self._beside("stdout")

    def next(self) -> "ProcessPlace":
        """Where the same process is started when this one provably never ran."""
        base = self.directory.name.partition("~")[0]
        generation = self.generation + 1
        return ProcessPlace(self.directory.with_name(f"{base}~{generation}"), generation)

    def prepare(self, launch: Launch) -> None:
        """Make the directory and write down how the process will be started. Does not block long.

        Raises:
            OSError: the disk is full.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._beside("launch.new")
        descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(launch))
        finally:
            os.close(descriptor)
        draft.rename(self._beside("launch"))

    def read_launch(self) -> Launch | None:
        """How the process was started, None if that was never written."""
        try:
            return msgspec.json.decode(self._beside("launch").read_bytes(), type=Launch)
        except (FileNotFoundError, msgspec.DecodeError):
            return None  # a power cut may leave it empty: then the process is dead too

    def _beside(self, suffix: str) -> Path:
        return self.directory.with_name(f"{self.directory.name}.{suffix}")


class ProcessPlaces:
    """All the processes of one attempt."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def newest(self, phase: str, key: str) -> ProcessPlace:
        """Where the process of this key was started last, or will be first."""
        place = ProcessPlace(self._root / file_name(phase, key))
        while (after := place.next()).directory.is_dir():
            place = after
        return place

    def all(self, phase: str = "") -> Iterator[ProcessPlace]:
        """Every process, of one phase or of all."""
        prefix = f"{phase}-" if phase else ""
        if not self._root.is_dir():
            return
        for path in sorted(self._root.iterdir()):
            if path.is_dir() and path.name.startswith(prefix):
                yield ProcessPlace(path, int(path.name.partition("~")[2] or 1))
