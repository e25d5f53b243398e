"""A first configuration: small, commented, and runnable as it is."""

import os
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath


class WouldOverwrite(Exception):
    """Files of the first configuration are there already; nothing was written."""


def init(directory: Path) -> tuple[Path, ...]:
    """Write the first configuration into a directory, made if need be; the files written.

    Raises WouldOverwrite if any of the files exists, OSError if it cannot be written.
    """
    texts = dict(_texts(resources.files("orchestrator.config") / "template", PurePosixPath()))
    there = sorted(str(name) for name in texts if os.path.lexists(directory / name))
    if there:
        raise WouldOverwrite(
            f"{directory} holds {', '.join(there)} already; nothing was written. "
            "Name another directory: orchestrator init DIR"
        )
    for name, text in texts.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return tuple(directory / name for name in texts)


def _texts(folder: Traversable, at: PurePosixPath) -> list[tuple[PurePosixPath, str]]:
    found: list[tuple[PurePosixPath, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _texts(entry, at / entry.name)
        elif entry.name.endswith(".toml"):
            found.append((at / entry.name, entry.read_text(encoding="utf-8")))
    return found
