"""Who may open a state directory, and what is refused with words."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.store.database import (
    CHECKED_BYTES,
    connect_reader,
    connect_writer,
    migrations,
)
from orchestrator.store.directory import DATABASE, LOCK
from orchestrator.store.errors import (
    AlreadyRunning,
    DatabaseDamaged,
    DatabaseMissing,
    ForeignDatabase,
    NewerSchema,
    StateDirectoryUnsafe,
    StateDirectoryUnusable,
)
from orchestrator.store.protocol import JobFilter
from tests.store.store_builders import Opening, changes, queued, started

HOLD = """
import sys, pathlib
from orchestrator.store.directory import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


async def fill(opening: Opening, directory: Path, jobs: int = 20) -> None:
    async with opening(directory) as store:
        for id in range(1, jobs + 1):
            await store.append([started()], changes(queued(id)), None)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_directory_and_files_are_for_their_owner_only(
    opening: Opening, tmp_path: Path
) -> None:
    directory = tmp_path / "new" / "state"
    async with opening(directory) as store:
        await store.append([started()], changes(queued(1)), None)
        assert mode(directory) == 0o700
        names = {path.name: mode(path) for path in directory.iterdir()}
        assert names == dict.fromkeys([DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK], 0o600)


async def test_a_readable_database_is_made_private(opening: Opening, tmp_path: Path) -> None:
    """A database that others may read is made private."""
    await fill(opening, tmp_path, jobs=1)
    (tmp_path / DATABASE).chmod(0o644)
    async with opening(tmp_path):
        assert mode(tmp_path / DATABASE) == 0o600


async def test_the_block_raises_through(opening: Opening, tmp_path: Path) -> None:
    """What the block raises comes out as it is."""
    with pytest.raises(KeyError, match="mine"):
        async with opening(tmp_path):
            raise KeyError("mine")


async def test_a_second_daemon_is_told(opening: Opening, tmp_path: Path) -> None:
    """A second daemon is told the pid of the first."""
    first = subprocess.Popen(  # noqa: ASYNC220 - blocks for the moment of a fork
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"pid {first.pid}") as refused:
            async with opening(tmp_path):
                pass
        assert refused.value.pid == first.pid
        first.kill()
    async with opening(tmp_path):
        pass


async def test_the_same_process_cannot_open_it_twice(opening: Opening, tmp_path: Path) -> None:
    async with opening(tmp_path):
        with pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}"):
            async with opening(tmp_path):
                pass


async def test_a_surviving_child_does_not_keep_the_lock(opening: Opening, tmp_path: Path) -> None:
    async with opening(tmp_path):
        child = subprocess.Popen(  # noqa: ASYNC220 - blocks for the moment of a fork
            [sys.executable, "-c", "input(1)"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout is not None
        assert child.stdout.read(1) == b"1"
    with child:
        async with opening(tmp_path):
            pass
        child.kill()


async def test_a_directory_that_others_may_write_is_refused(
    opening: Opening, tmp_path: Path
) -> None:
    make_writable_for_all(tmp_path)
    with pytest.raises(StateDirectoryUnsafe, match="chmod go-w"):
        async with opening(tmp_path):
            pass


async def test_a_directory_that_cannot_be_made_is_named(opening: Opening, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirectoryUnusable, match=r"file/state: Not a directory"):
        async with opening(tmp_path / "file" / "state"):
            pass


async def test_a_database_of_another_program_is_left_alone(
    opening: Opening, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(ForeignDatabase):
        async with opening(tmp_path):
            pass
    assert (tmp_path / DATABASE).read_bytes() == before


async def test_a_newer_schema_is_refused_and_left_alone(opening: Opening, tmp_path: Path) -> None:
    await fill(opening, tmp_path)
    newer = len(migrations()) + 1
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        database.execute(f"PRAGMA user_version = {newer}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(NewerSchema, match=f"schema {newer}.*newer release"):
        async with opening(tmp_path):
            pass
    assert (tmp_path / DATABASE).read_bytes() == before


async def test_what_is_no_database_is_refused(opening: Opening, tmp_path: Path) -> None:
    """A file that is no database is refused, and left alone."""
    (tmp_path / DATABASE).write_bytes(b"not a database, by any means\n" * 100)
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(DatabaseDamaged, match="Copy"):
        async with opening(tmp_path):
            pass
    assert (tmp_path / DATABASE).read_bytes() == before


async def test_a_damaged_page_is_found_at_the_start(opening: Opening, tmp_path: Path) -> None:
    await fill(opening, tmp_path)
    damage(tmp_path / DATABASE)
    with pytest.raises(DatabaseDamaged, match="is damaged"):
        async with opening(tmp_path):
            pass


async def test_damage_in_a_large_database(opening: Opening, tmp_path: Path) -> None:
    # Its start does not read all of it, so that it stays fast.
    """Damage in a large database is found where it is read."""
    async with opening(tmp_path) as store:
        jobs = [queued(id, reason="x" * 100_000) for id in range(1, 120)]
        await store.append([started()], changes(*jobs), None)
    assert (tmp_path / DATABASE).stat().st_size > CHECKED_BYTES
    damage(tmp_path / DATABASE)
    async with opening(tmp_path) as store:
        with pytest.raises(DatabaseDamaged):
            await store.jobs(JobFilter(limit=1000))


def make_writable_for_all(directory: Path) -> None:
    directory.chmod(0o777)


def damage(database: Path) -> None:
    """Overwrite every page but the first three, which hold the schema."""
    content = bytearray(database.read_bytes())
    content[3 * 4096 :] = random.Random(0).randbytes(len(content) - 3 * 4096)
    database.write_bytes(content)


def test_every_commit_is_synced(tmp_path: Path) -> None:
    with closing(connect_writer(tmp_path / DATABASE)) as connection:
        settings = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]


async def test_a_reader_cannot_write(opening: Opening, tmp_path: Path) -> None:
    await fill(opening, tmp_path, jobs=1)
    with (
        closing(connect_reader(tmp_path / DATABASE)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("DELETE FROM job")


@pytest.mark.parametrize("sql", ["UPDATE journal SET line = '{}'", "DELETE FROM journal"])
async def test_the_journal_is_append_only(opening: Opening, tmp_path: Path, sql: str) -> None:
    await fill(opening, tmp_path)
    with (
        closing(connect_writer(tmp_path / DATABASE)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(sql)


async def test_what_retention_pruned_is_known(opening: Opening, tmp_path: Path) -> None:
    await fill(opening, tmp_path, jobs=3)
    with closing(connect_writer(tmp_path / DATABASE)) as connection:
        connection.execute("UPDATE state SET pruned_event = 3, pruned_job = 3")
        connection.execute("DELETE FROM journal WHERE id <= 3")
        connection.execute("DELETE FROM job")
    async with opening(tmp_path) as store:
        assert await store.first_event_id() == 4
        assert await store.last_event_id() == 3
        assert (await store.load()).next_job == 4
        assert await store.append([started()], changes(), None) == range(4, 5)


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
async def test_a_new_database_forgets_no_debt(opening: Opening, tmp_path: Path, left: str) -> None:
    """A new database does not forget what old jobs owe."""
    state = tmp_path / "state"
    await fill(opening, state, jobs=1)
    (state / "jobs" / "1").mkdir(parents=True)
    for file in state.glob(f"{DATABASE}*"):
        file.unlink()
    if left == "an empty file":
        (state / DATABASE).touch()
    with pytest.raises(DatabaseMissing, match=r"jobs have run here.*Put a backup there"):
        async with opening(state):
            pass
    (state / "jobs").rename(tmp_path / "jobs")
    async with opening(state) as store:
        assert await store.job(1) is None
