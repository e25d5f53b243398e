"""The secrets of attempts at work, as they were when each began.

One file (0600) for each attempt that has secrets, all in one folder: so what a killed daemon left
is found without looking at old jobs. The file is there before the attempt's processes can write
anything, and until its log holds no secret any more.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from orchestrator.config.settings import SecretValues
from orchestrator.core.language.definition import SecretDefinition
from orchestrator.core.language.model import StepRef
from orchestrator.engine.paths import Paths, safe_name
from orchestrator.engine.secrets.secret_sources import SecretSources
from orchestrator.process.threads import in_thread


class Kept(msgspec.Struct, frozen=True):
    """What a file holds."""

    ref: StepRef
    secrets: SecretValues


class AttemptSecrets:
    """Reads the secrets of each attempt once, and keeps them for as long as it lasts."""

    def __init__(self, paths: Paths, sources: SecretSources) -> None:
        self._folder = paths.secrets / "attempts"
        self._sources = sources

    async def given(
        self,
        ref: StepRef,
        names: Iterable[str],
        definitions: Mapping[str, SecretDefinition],
        params: Mapping[str, str],
    ) -> SecretValues:
        """What the attempt works with: what it began with, else what the sources say now.

        Raises SecretUnavailable, OSError.
        """
        known = self.kept(ref) or SecretValues()
        missing = sorted(frozenset(names) - known.named.keys())
        if not missing and params == known.params:
            return known
        read = {name: await self._sources.read(name, definitions.get(name)) for name in missing}
        values = SecretValues({**known.named, **read}, dict(params))
        await in_thread(write_durably, self._file(ref), msgspec.json.encode(Kept(ref, values)))
        return values

    def kept(self, ref: StepRef) -> SecretValues | None:
        """What an attempt at work began with, None if it has no secrets or is over."""
        found = _read(self._file(ref))
        return None if found is None else found.secrets

    def unfinished(self) -> Iterator[StepRef]:
        """The attempts that have secrets and were not finished, by us or an earlier daemon."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.json")):
            found = _read(path)
            if found is not None:
                yield found.ref

    def forget(self, ref: StepRef) -> None:
        """The attempt is over, and its log holds nothing of them."""
        self._file(ref).unlink(missing_ok=True)

    def _file(self, ref: StepRef) -> Path:
        return self._folder / f"{ref.job}~{safe_name(ref.step)}~{ref.attempt}.json"


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None


def write_durably(path: Path, content: bytes) -> None:
    """Write a file (0600) that is complete on disk once it has its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
