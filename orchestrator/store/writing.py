"""The one transaction that writes, and what its failures mean.

Which failure leaves the disk unchanged follows from how SQLite commits in WAL mode ("Write-Ahead
Logging" and "WAL-mode File Format", sqlite.org/wal.html and walformat.html; "Result and Error
Codes", rescode.html; "Response To Errors Within A Transaction", lang_transaction.html):

- A transaction is committed when its last frame, the one marked as a commit, stands whole in the
  log. Until COMMIT no frame is so marked, so whatever fails before it has written nothing once
  ROLLBACK has succeeded or SQLite has rolled back by itself.
- In COMMIT the frames are written in order, then the log is synced, then the shared index of the
  log is brought up to date. Each frame carries a checksum over all before it. So a failed *write*
  (SQLITE_FULL; SQLITE_IOERR_WRITE, which is also what an exceeded quota gives) means that the
  commit frame is not whole; SQLITE_BUSY and SQLITE_READONLY come before any frame.
- All else in COMMIT may come after the commit frame (SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMSIZE,
  SQLITE_NOMEM, ...). ROLLBACK hides such a transaction from this process only: the next recovery
  reads the log's frames and would bring it back. Its result is unknown until that recovery.
"""

import sqlite3

from orchestrator.store.errors import CommitFailed, CommitRefused, CommitUnknown, DatabaseDamaged
from orchestrator.store.queries import QUERIES
from orchestrator.store.rows import Batch

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CONTRADICTION = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_TOOBIG,
    }
)
_BEFORE_THE_COMMIT_FRAME = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CONSTRAINT}
)
_PRIMARY = 0xFF
"""The low byte of an extended result code is the primary one."""


def write(connection: sqlite3.Connection, batch: Batch) -> range:
    """Write a batch durably and give the ids of its lines.

    Raises CommitFailed, CommitRefused, DatabaseDamaged or CommitUnknown.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        ids = _insert(connection, batch)
    except Exception as error:
        _roll_back(connection, error)
        raise _unchanged(error) from error
    try:
        connection.execute("COMMIT")
    except Exception as error:
        if not _stopped_before_the_commit_frame(error):
            # No rollback: the commit frame may stand in the log already, and the next recovery
            # brings back what memory would have taken back. Only a process that opens the disk
            # again knows.
            raise CommitUnknown(f"the commit ended with {_describe(error)}") from error
        _roll_back(connection, error)
        raise _unchanged(error) from error
    return ids


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says by this error that the file is damaged."""
    return _primary_code(error) in _DAMAGE


def _insert(connection: sqlite3.Connection, batch: Batch) -> range:
    first = int(connection.execute(QUERIES.last_event_id).fetchone()[0]) + 1
    ids = range(first, first + len(batch.lines))
    lines = ((id, *line) for id, line in zip(ids, batch.lines, strict=True))
    connection.executemany(QUERIES.insert_line, lines)
    connection.executemany(QUERIES.insert_definition, batch.definitions)
    if batch.configuration is not None:
        digest, body, accepted = batch.configuration
        connection.execute(QUERIES.insert_configuration, (digest, body))
        connection.execute(QUERIES.set_configuration, (digest, accepted))
    connection.executemany(QUERIES.put_job, batch.jobs)
    connection.executemany(QUERIES.put_label, batch.labels)
    connection.executemany(QUERIES.put_environment, batch.environments)
    connection.executemany(QUERIES.delete_environment, batch.gone)
    if batch.drain is not None:
        connection.execute(QUERIES.set_drain, batch.drain)
    if batch.spent is not None:
        connection.execute(QUERIES.spend_numbers, (batch.spent,))
    return ids


def _roll_back(connection: sqlite3.Connection, cause: Exception) -> None:
    # SQLite has rolled back by itself after some errors; a ROLLBACK would then be an error.
    if not connection.in_transaction:
        return
    try:
        connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise CommitUnknown(
            f"the transaction failed with {_describe(cause)}, and its rollback with "
            f"{_describe(error)}"
        ) from error


def _unchanged(error: Exception) -> Exception:
    """How to say that this error has left the disk as it was."""
    primary = _primary_code(error)
    if primary in _DAMAGE:
        return DatabaseDamaged(f"nothing was written: {_describe(error)}")
    if primary in _CONTRADICTION or not isinstance(error, sqlite3.Error | MemoryError):
        # Not CommitFailed, after which observations are tried again: what contradicts the schema
        # fails every time, and refuses whatever is committed together with it.
        return CommitRefused(f"nothing was written: {_describe(error)}")
    return CommitFailed(f"nothing was written: {_describe(error)}")


def _stopped_before_the_commit_frame(error: Exception) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    # The extended code, for the primary one covers SQLITE_IOERR_FSYNC too: a sync fails after the
    # commit frame, and a batch that was refused as unwritten would be there after a restart.
    return code == sqlite3.SQLITE_IOERR_WRITE or _primary_code(error) in _BEFORE_THE_COMMIT_FRAME


def _primary_code(error: BaseException) -> int | None:
    # Errors of the Python module itself (a value of a wrong type, a closed connection) have none.
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY


def _describe(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return f"{name}: {error}"
