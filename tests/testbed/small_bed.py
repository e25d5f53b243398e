"""The smallest test bed: one process that sleeps. How beds begin and end is tested with it.

`python small_bed.py DIRECTORY` is its guardian.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.common import bed_life
from tests.testbed.common.bed_guard import Guardian, guard
from tests.testbed.common.bed_life import Hold

__all__ = ["small"]


class SmallGuardian(Guardian):
    """One process, and one file that it leaves."""

    leftovers = ("left",)

    def start(self) -> dict[str, object]:
        """It is ready at once."""
        (self.directory / "left").touch()
        self.spawn("sleep", ["sleep", "infinity"])
        return {}


@contextlib.contextmanager
def shared(programs: object, directory: Path) -> Iterator[Hold]:
    """The bed below a directory; it needs no programs."""
    with bed_life.shared(directory, [Path(__file__)]) as hold:
        yield hold


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hold]:
    """The bed of this run of the tests, shared by all its workers."""
    directory = bed_life.directory_of_run(tmp_path_factory.getbasetemp()) / "small"
    directory.mkdir(exist_ok=True)
    with shared(None, directory) as hold:
        yield hold


if __name__ == "__main__":
    guard(SmallGuardian(Path(sys.argv[1])))
