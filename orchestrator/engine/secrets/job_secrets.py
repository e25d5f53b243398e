"""Values of secret parameters: a file (0600) for each submission, which its jobs refer to.

The file is complete on disk before the job is committed, under a name that says so; a daemon that
is killed in between finds by that name what belongs to no job.
"""

import contextlib
import hmac
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from orchestrator.core.language.commands import Submit
from orchestrator.core.language.definition import Configuration
from orchestrator.core.values.secret_parameters import names_of
from orchestrator.engine.paths import Paths
from orchestrator.engine.secrets.attempt_secrets import write_durably
from orchestrator.engine.secrets.secret_sources import SecretUnavailable
from orchestrator.process.threads import in_thread
from orchestrator.store.errors import CommitFailed

_WAITING = ".new"
_KEPT = ".json"


class Keeping:
    """Values that were written for a job that may come to be. `references` are for that job."""

    def __init__(self, id: str, names: Iterable[str]) -> None:
        self.id = id
        self.references = {name: f"{id}/{name}" for name in names}
        self.in_use = False
        """Whether a job refers to them; else they are removed."""


class JobSecrets:
    """The files below the state directory."""

    def __init__(self, paths: Paths) -> None:
        self._folder = paths.secrets / "params"
        self._key_file = paths.secrets / "digest-key"
        self._making_key = trio.Lock()

    @asynccontextmanager
    async def keeping(self, values: Mapping[str, str]) -> AsyncIterator[Keeping]:
        """Write the values; on leaving they stay only if they are `in_use`.

        Raises CommitFailed where they can't be written.
        """
        kept = Keeping(os.urandom(16).hex(), values)
        file = self._folder / f"{kept.id}{_WAITING}"
        try:
            await in_thread(write_durably, file, msgspec.json.encode(dict(values)))
        except OSError as problem:
            raise CommitFailed(f"{problem.filename}: {problem.strerror}") from problem
        try:
            yield kept
        finally:
            with contextlib.suppress(OSError):  # then the next start does it
                self._end(file, in_use=kept.in_use)

    async def digests(self, values: Mapping[str, str]) -> dict[str, str]:
        """What tells whether two values are equal, and nothing else of them. Raises CommitFailed
        where the key can't be read or made."""
        try:
            key = await self._key()
        except OSError as problem:
            raise CommitFailed(f"{problem.filename}: {problem.strerror}") from problem
        return {
            name: hmac.new(key, value.encode(), "sha256").hexdigest()[:32]
            for name, value in values.items()
        }

    def read(self, references: Mapping[str, str]) -> dict[str, str]:
        """The values. Raises SecretUnavailable."""
        return {name: self._value(name, reference) for name, reference in references.items()}

    def settle(self, references: Iterable[str]) -> None:
        """Keep what jobs that have not ended refer to, of what a killed daemon left."""
        if not self._folder.is_dir():
            return
        wanted = {reference.partition("/")[0] for reference in references}
        for file in self._folder.glob(f"*{_WAITING}*"):
            self._end(file, in_use=file.suffix == _WAITING and file.stem in wanted)

    async def _key(self) -> bytes:
        """The key of the digests. It is made once: with another, equal values would differ, and
        runs that are the same would each pay their own debt. It lies apart from the database, or a
        copy of that would let short secrets be guessed."""
        async with self._making_key:
            try:
                return await in_thread(self._key_file.read_bytes)
            except FileNotFoundError:
                key = os.urandom(32)
                await in_thread(write_durably, self._key_file, key)
                return key

    def _value(self, name: str, reference: str) -> str:
        id, _, kept_as = reference.partition("/")
        for suffix in (_KEPT, _WAITING, _KEPT):  # it may just get its name
            with contextlib.suppress(FileNotFoundError):
                content = (self._folder / f"{id}{suffix}").read_bytes()
                return msgspec.json.decode(content, type=dict[str, str])[kept_as]
        raise SecretUnavailable(
            f"parameter {name}: the file that held its value is gone: submit the job anew"
        )

    def _end(self, file: Path, *, in_use: bool) -> None:
        if in_use:
            file.rename(file.with_suffix(_KEPT))
        else:
            file.unlink(missing_ok=True)


def secret_names(configuration: Configuration | None, pipeline: str) -> frozenset[str]:
    """The secret parameters of a pipeline by today's definition."""
    known = configuration.pipelines.get(pipeline) if configuration is not None else None
    return frozenset() if known is None else names_of(known.params)


def secret_values(
    request: Submit, from_file: Iterable[str], configuration: Configuration | None
) -> dict[str, str]:
    """What must be kept apart of a submission: secret values that did not come openly."""
    names = secret_names(configuration, request.pipeline) & frozenset(from_file)
    return {
        name: value
        for name, value in request.params.items()
        if name in names and isinstance(value, str) and value
    }
