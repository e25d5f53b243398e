"""The mark in a job's directory: whose it is, and what it may be doing to which environment.

A journal that went back (a restored backup, a log that lost its tail) may not know the job; then
the mark is all that tells. It is there before the first record below it. It is not synced: a killed
daemon does not lose the page cache, and after a power cut nothing of the job can be alive.
"""

import os
from pathlib import Path

import msgspec

from orchestrator.core.language.model import Job


class ForeignDirectory(Exception):
    """The directory is that of another job, which had this number in a journal that was lost."""


class JobMark(msgspec.Struct, frozen=True):
    """Whose a directory is. `boot_id` is the last boot in which one of its attempts was entered."""

    job: int
    token: str
    environment: str
    pipeline: str
    boot_id: str


def mark_file(directory: Path) -> Path:
    """Where the mark of a job's directory is."""
    return directory / "job.json"


def read_mark(directory: Path) -> JobMark | None:
    """The mark; None where there is none, as in an earlier release, or a power cut emptied it."""
    try:
        return msgspec.json.decode(mark_file(directory).read_bytes(), type=JobMark)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def mark_directory(directory: Path, job: Job, boot_id: str) -> None:
    """Mark a directory as this job's, or see that it is. Cheap where it is marked already.

    Raises:
        ForeignDirectory: it bears the mark of another job.
        OSError: the disk is full.
    """
    found = read_mark(directory)
    mark = JobMark(job.id, job.token, job.environment, job.pipeline, boot_id)
    if found == mark:
        return
    if found is not None and found.token != job.token:
        raise ForeignDirectory(
            f"{directory} is of another job that had this number ({found.pipeline} in "
            f"{found.environment}); see: orchestrator unknown"
        )
    draft = directory / "job.json.new"
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(mark))
    draft.rename(mark_file(directory))
