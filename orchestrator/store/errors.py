"""What can go wrong with the state on disk: one class per cause."""


class StoreError(Exception):
    """Base of every error of the store."""


class StateDirectoryUnusable(StoreError):
    """The state directory cannot be made, read or written; nothing was changed."""


class StateDirectoryUnsafe(StoreError):
    """Other users may write to the state directory, so its content cannot be trusted."""


class AlreadyRunning(StoreError):
    """Another daemon has this state directory open. `pid` is None if it has not said its own."""

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid


class DatabaseMissing(StoreError):
    """Jobs have run here, but their database is gone or empty: what is owed would be forgotten."""


class ForeignDatabase(StoreError):
    """The file is an SQLite database, but not one of ours."""


class NewerSchema(StoreError):
    """A newer release has written this database."""


class DatabaseDamaged(StoreError):
    """SQLite says that the file is damaged. Nothing is written to it any more."""


class ReadFailed(StoreError):
    """The database could not be read; the cause is in the message."""


class CommitFailed(StoreError):
    """Nothing was written, known for sure; the same append may succeed later (disk full, busy)."""


class CommitRefused(StoreError):
    """Nothing was written, and trying again would not help: the rows contradict the database.

    An error of ours, never of the disk.
    """


class CommitUnknown(StoreError):
    """Nobody can know whether it was written: abort the process, open again and look."""
