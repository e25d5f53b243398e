"""Opening the database file: settings, checks and migrations."""

import contextlib
import importlib.resources
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from orchestrator.store.errors import (
    DatabaseDamaged,
    ForeignDatabase,
    NewerSchema,
    StateDirectoryUnusable,
    StoreError,
)
from orchestrator.store.writing import is_damage

APPLICATION_ID = 0x6F726368
"""`orch`, in the header of every database of ours (migration 0001 sets it)."""

CHECKED_BYTES = 8 * 1024 * 1024
"""Databases up to this size are checked whole at every start (milliseconds). The check reads all
pages, so that for larger ones it would make the start slower with every finished job; there, what
is damaged is found when it is read, and `load` reads all that is open."""

BUSY_SECONDS = 5.0
"""How long to wait for another program (a backup, a shell) that holds the database's lock."""


def connect_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes, to a checked database of the newest schema.

    Raises DatabaseDamaged, ForeignDatabase, NewerSchema or StateDirectoryUnusable.
    """
    with _explained(path):
        connection = _connect(path)
        try:
            _refuse_foreign(connection, path)
            _check(connection, path)
            migrate(connection, migrations())
            _settle_log(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads. The writer must have been opened before."""
    with _explained(path):
        connection = _connect(path)
        connection.execute("PRAGMA query_only = ON")
        return connection


@cache
def migrations() -> tuple[str, ...]:
    """The scripts that build the schema, the first one first."""
    folder = importlib.resources.files("orchestrator.store") / "migrations"
    scripts = {file.name: file for file in folder.iterdir() if file.name.endswith(".sql")}
    names = [f"{number:04}.sql" for number in range(1, len(scripts) + 1)]
    return tuple(scripts[name].read_text("utf-8") for name in names)


def migrate(connection: sqlite3.Connection, scripts: Sequence[str]) -> None:
    """Bring the schema up to date, each step in a transaction of its own."""
    for number, script in enumerate(scripts, start=1):
        if number <= _pragma(connection, "user_version"):
            continue
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # FULL syncs the log in every commit: NORMAL would lose the last ones in a power cut.
    connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
    return connection


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    version, newest = _pragma(connection, "user_version"), len(migrations())
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if _pragma(connection, "application_id") != APPLICATION_ID and (tables or version):
        raise ForeignDatabase(
            f"{path} is not a database of this program. Move it away, or name another `state_dir`."
        )
    if version > newest:
        raise NewerSchema(
            f"{path} has schema {version}, and this release knows {newest} at most: a newer "
            "release has written it. Install that release again; nothing was changed."
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    size = _pragma(connection, "page_count") * _pragma(connection, "page_size")
    if size > CHECKED_BYTES:
        return
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(path, found)


def _settle_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, and bring what a crash left in it into the database.

    After a failed sync the log's pages may be in memory only although they look written; copying
    them and syncing the copy makes them durable.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    with contextlib.suppress(sqlite3.OperationalError):  # a full disk: later commits will say so
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(path, error) from error


def _explanation(path: Path, error: sqlite3.Error) -> StoreError:
    if is_damage(error):
        return _damaged(path, str(error))
    return StateDirectoryUnusable(
        f"{path} cannot be opened: {error}. The directory and the files in it must be writable, "
        "with space left on the disk."
    )


def _damaged(path: Path, found: str) -> DatabaseDamaged:
    return DatabaseDamaged(
        f"{path} is damaged: {found}. Nothing was changed, and tools that run go on. Copy {path}* "
        f"to a safe place, then put a backup there. (`sqlite3 {path} .recover`, of a newer SQLite "
        "than 3.40, may save more; look at what it writes before you put that there.)"
    )
