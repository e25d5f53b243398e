"""The settings of a `git` step."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from orchestrator.builtin.git_address import (
    AddressInvalid,
    RefInvalid,
    check_ref,
    transports_of,
)
from orchestrator.plugin import Secret


class GitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Check `url` out at `ref` (a branch, tag or commit) into the directory that steps run in.

    `ssh_key` is a private key, a secret; without it ssh uses what the daemon's user has.
    `known_hosts` is a file in place of ssh's own ones. `directory` is where in the tree steps
    run. `written_in` is where these settings stand, for messages.
    """

    url: str
    ref: str = "HEAD"
    submodules: bool = True
    ssh_key: Secret | None = None
    known_hosts: str | None = None
    directory: str = "."
    binary: str = "git"
    written_in: str = ""

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ValueError("; ".join(problems))

    def _problems(self) -> Iterator[str]:
        if "${" not in self.url:
            try:
                transports_of(self.url)
            except AddressInvalid as problem:
                yield str(problem)
        if "${" not in self.ref:
            try:
                check_ref(self.ref)
            except RefInvalid as problem:
                yield str(problem)
        if PurePosixPath(self.directory).is_absolute() or ".." in self.directory.split("/"):
            yield "`directory` is one in the work tree: neither absolute nor with `..`"
        file = self.known_hosts
        if file is not None and "${" not in file and not PurePosixPath(file).is_absolute():
            yield "`known_hosts` is the absolute path of a file"
        if self.binary.startswith("-") or not self.binary:
            yield "`binary` is the name of a program"
