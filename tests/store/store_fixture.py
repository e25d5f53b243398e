"""Write the database of this release for the upgrade tests of the next ones."""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.store.store_journeys import travel

SEED, STEPS = 11, 150


def write_fixture(target: Path) -> None:
    """A random life, as one file without a log beside it. Refuses to write over another."""
    if target.exists():
        raise FileExistsError(f"{target} belongs to a release: give this one a new number")
    with tempfile.TemporaryDirectory() as directory:
        travel(Path(directory), SEED, STEPS)
        with closing(sqlite3.connect(Path(directory, "state.db"))) as written:
            written.execute("VACUUM INTO ?", (str(target),))


if __name__ == "__main__":
    write_fixture(Path(sys.argv[1]))
