"""A journal that goes back: a backup in the place of what came after it."""

import shutil
import sqlite3
from contextlib import closing

from tests.engine.engine_bench import Bench


def back_up(bench: Bench) -> None:
    """As docs/operating.md says."""
    with (
        closing(sqlite3.connect(bench.state_dir / "state.db")) as source,
        closing(sqlite3.connect(bench.root / "backup.db")) as target,
    ):
        source.backup(target)


def put_back(bench: Bench) -> None:
    """With no daemon at work."""
    for path in bench.state_dir.glob("state.db*"):
        path.unlink()
    shutil.copy(bench.root / "backup.db", bench.state_dir / "state.db")
    (bench.state_dir / "state.db").chmod(0o600)
