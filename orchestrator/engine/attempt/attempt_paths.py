"""Where an attempt keeps its files."""

import os
from pathlib import Path

import msgspec


class AttemptPaths(msgspec.Struct, frozen=True):
    """The directories of one attempt.

    `directory` is the attempt's own and goes with its log; `workdir` is where its tools run (not
    `workdir_is_ours`: a source that is used in place), `shared` what its environment and adapter
    keep across jobs.
    """

    directory: Path
    workdir: Path
    shared: Path
    workdir_is_ours: bool = True

    @property
    def log(self) -> Path:
        """The raw log: lines of the adapter and output of the processes."""
        return self.directory / "log"

    @property
    def scratch(self) -> Path:
        """The adapter's own files."""
        return self.directory / "scratch"

    @property
    def processes(self) -> Path:
        """One directory for each process."""
        return self.directory / "processes"

    @property
    def values(self) -> Path:
        """One file for each sensitive value that a call returned; made with the first of them."""
        return self.directory / "values"

    def create(self) -> None:
        """Make what is missing, mode 0700, but never a source.

        Raises:
            OSError: the disk is full, or the source does not exist (ENOENT, ENOTDIR).
        """
        for path in (self.directory, self.scratch, self.processes, self.shared):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.workdir_is_ours:
            self.workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            os.scandir(self.workdir).close()
