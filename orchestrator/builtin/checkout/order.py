"""What the adapter orders, and what it is told: two small files of JSON."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class CheckoutOrder:
    """One checkout. Paths are absolute.

    `transports` are what git may use for the repository and its submodules. `target` becomes the
    work tree; `draft` is where that is made, on the same file system. `mark` names whose work tree
    it is: only one with the same mark is replaced. `known_hosts` of "" means ssh's own files.
    With `look_only` nothing but the remote is looked at.
    """

    git: str
    url: str
    ref: str
    transports: tuple[str, ...]
    submodules: bool
    directory: str
    ssh: str
    known_hosts: str
    mirrors: str
    config: str
    draft: str
    target: str
    mark: str
    result: str
    progress: str
    look_only: bool = False

    @staticmethod
    def read(path: Path) -> "CheckoutOrder":
        """The order that `write` wrote."""
        given = json.loads(path.read_bytes())
        return CheckoutOrder(**{**given, "transports": tuple(given["transports"])})

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        write_whole(path, asdict(self))


@dataclass(frozen=True)
class CheckoutResult:
    """How it ended: an `error` about a `setting`, or what was checked out."""

    error: str = ""
    setting: str = ""
    commit: str = ""
    ref: str = ""
    describe: str = ""
    rebuilt: str = ""

    @staticmethod
    def read(path: Path) -> "CheckoutResult | None":
        """What was answered, None if nothing was."""
        try:
            return CheckoutResult(**json.loads(path.read_bytes()))
        except (FileNotFoundError, ValueError):
            return None

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        write_whole(path, asdict(self))


def write_whole(path: Path, content: object) -> None:
    """Write a file (0600) of JSON that is complete once it has its name."""
    write_private(path, json.dumps(content).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a file (0600) that is complete once it has its name."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.rename(path)
