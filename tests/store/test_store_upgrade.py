"""Databases of earlier releases are opened, migrated and read by this one.

`fixtures/schema-N.db` was written by the release that brought schema N, as a random life:
`python tests/store/store_fixture.py tests/store/fixtures/schema-N.db`. A fixture of a release is
never written again: if a test fails here, events and entities must stay readable as they are.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.core.language.instant import Instant
from orchestrator.core.world.world import Changes
from orchestrator.store import reading
from orchestrator.store.database import connect_writer, migrations
from orchestrator.store.directory import DATABASE
from orchestrator.store.restore import restore
from tests.store.store_builders import Opening, started
from tests.store.store_journeys import replayed

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("schema-*.db"))
EPOCH = Instant(utc=9_000_000_000, boot=5, boot_id="another")


def schema_of(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    sql = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    return connection.execute(sql).fetchall()


def test_there_is_a_fixture_of_every_schema() -> None:
    names = {f"schema-{number}.db" for number in range(1, len(migrations()) + 1)}
    assert {path.name for path in FIXTURES} >= names


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
async def test_an_older_database_becomes_fresh(
    opening: Opening, tmp_path: Path, fixture: Path
) -> None:
    """An older database becomes what a fresh one is."""
    copy = tmp_path / "old" / DATABASE
    copy.parent.mkdir(mode=0o700)
    shutil.copyfile(fixture, copy)
    async with opening(copy.parent) as store:
        loaded = await store.load()
        lines = await store.events(0, 1_000_000)
        world = restore(loaded, EPOCH)
        await store.append([started()], Changes(), None)
    with (
        closing(connect_writer(copy)) as migrated,
        closing(connect_writer(tmp_path / "fresh.db")) as fresh,
    ):
        assert schema_of(migrated) == schema_of(fresh)
        assert len(reading.events(migrated, 0, 1_000_000)) == len(lines) + 1
    replay, _ = replayed([line for _, line in lines], EPOCH)
    assert world.jobs == replay.jobs
    assert world.environments == replay.environments
    assert world.drain == replay.drain
    assert world.accepted == replay.accepted is not None
