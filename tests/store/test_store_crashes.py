"""Killed writers, full disks and failed syncs, all real."""

import itertools
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from orchestrator.store import reading, writing
from orchestrator.store.database import connect_writer
from orchestrator.store.directory import DATABASE
from orchestrator.store.errors import CommitFailed
from orchestrator.store.rows import encode_batch
from tests import needs
from tests.store import store_children
from tests.store.store_builders import Opening, changes, queued, started

pytestmark = pytest.mark.slow

DRIVERS = pytest.mark.parametrize("driver", ["threads", "inline"])


def child(function: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that calls a function of store_children."""
    call = f"import sys, store_children; store_children.{function}(*sys.argv[1:])"
    paths = [str(Path(__file__).parent), str(Path.cwd())]
    return subprocess.Popen(
        [sys.executable, "-c", call, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def counts(directory: Path) -> tuple[int, int]:
    """The last event and the number of jobs, after a recovery."""
    with closing(connect_writer(directory / DATABASE)) as connection:
        loaded = reading.load(connection)
        assert len(reading.events(connection, 0, 1_000_000)) == loaded.last_event
        return loaded.last_event, len(loaded.jobs)


@DRIVERS
def test_a_killed_writer_loses_nothing(tmp_path: Path, driver: str) -> None:
    """A killed writer loses nothing it acknowledged, and leaves nothing half."""
    for appends in (1, 7, 40):
        with child("append_for_ever", str(tmp_path), driver) as writer:
            assert writer.stdout is not None
            acknowledged = [int(line) for line in itertools.islice(writer.stdout, appends)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
        events, jobs = counts(tmp_path)
        assert events >= acknowledged[-1]
        assert events * store_children.JOBS == jobs * store_children.EVENTS


@DRIVERS
def test_a_failed_write_changes_nothing(tmp_path: Path, driver: str) -> None:
    """A write that fails changes nothing, and the next one succeeds."""
    with child("outgrow_the_file_size_limit", str(tmp_path), driver) as writer:
        said, _ = writer.communicate()
    assert said.splitlines() == ["1 2 3", "CommitFailed SQLITE_IOERR_WRITE", "4 5 6"]
    assert counts(tmp_path) == (6, 4)


@pytest.mark.parametrize("room", [0, 10, 30, 4_000, 4_200, 9_000])
def test_a_failed_write_does_not_return(tmp_path: Path, room: int) -> None:
    """A write that failed does not come back after a crash."""
    with child("outgrow_the_file_size_limit_and_die", str(tmp_path), str(room)) as writer:
        said, _ = writer.communicate()
    assert said.splitlines() == ["1 2 3", "CommitFailed SQLITE_IOERR_WRITE"]
    assert counts(tmp_path) == (3, 2)


@needs.SECCOMP
def test_a_failed_sync(tmp_path: Path) -> None:
    """Nobody knows, and the recovery decides."""
    with child("lose_the_disk_at_the_sync", str(tmp_path)) as writer:
        said, _ = writer.communicate()
    # The last one is not tried any more.
    assert said.splitlines() == ["1 2 3", *["CommitUnknown SQLITE_IOERR_FSYNC"] * 2]
    # The process that wrote it could not see it, and yet here it is: hence "unknown".
    assert counts(tmp_path) == (6, 4)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@needs.ROOT
@needs.MOUNTS
async def test_a_full_disk_changes_nothing_and_heals_alone(
    opening: Opening, small_disk: Path
) -> None:
    async with opening(small_disk) as store:
        await store.append([started()], changes(queued(1)), None)
        fill(small_disk)
        for _ in range(3):
            with pytest.raises(CommitFailed, match="SQLITE_FULL"):
                await store.append([started()], changes(queued(2, reason="x" * 9000)), None)
        assert await store.last_event_id() == 1
        assert await store.job(2) is None
        empty(small_disk)
        assert await store.append([started()], changes(queued(2)), None) == range(2, 3)
    assert counts(small_disk) == (2, 2)


def fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def empty(disk: Path) -> None:
    (disk / "ballast").unlink()


def test_a_database_at_its_limit(tmp_path: Path) -> None:
    """A database at its limit changes nothing, and heals alone."""
    with closing(connect_writer(tmp_path / DATABASE)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        batch = encode_batch([started()], changes(queued(1, reason="x" * 9000)), None)
        with pytest.raises(CommitFailed, match="SQLITE_FULL"):
            writing.write(connection, batch)
        assert reading.last_event_id(connection) == 0
        connection.execute("PRAGMA max_page_count = 1000000")
        assert writing.write(connection, batch) == range(1, 2)


def test_a_database_that_another_program_holds(tmp_path: Path) -> None:
    """A database that another program holds can be written later."""
    with (
        closing(connect_writer(tmp_path / DATABASE)) as connection,
        closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other,
    ):
        connection.execute("PRAGMA busy_timeout = 0")
        batch = encode_batch([started()], changes(queued(1)), None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CommitFailed, match="SQLITE_BUSY"):
            writing.write(connection, batch)
        other.execute("ROLLBACK")
        assert writing.write(connection, batch) == range(1, 2)
