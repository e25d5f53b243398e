"""What the directories of jobs say at a start, and the journal may not know."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.engine.paths import Paths


class Survey(msgspec.Struct, frozen=True):
    """`numbers_from` is the first number beyond all that directories bear."""

    numbers_from: int = 1


def survey(paths: Paths) -> Survey:
    """Look at the state directory. One listing, whatever the history: no job is looked into."""
    return Survey(numbers_from=max(numbers(paths.jobs), default=0) + 1)


def numbers(directory: Path) -> Iterator[int]:
    """The numbers of the jobs that have a directory here."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return
    for name in names:
        if name.isascii() and name.isdigit() and name == str(int(name)):
            yield int(name)
