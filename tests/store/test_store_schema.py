"""The schema: its migrations, and that no question reads through the history."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from orchestrator.core.language.words import JobConclusion
from orchestrator.store.database import connect_writer, migrate, migrations
from orchestrator.store.protocol import JobFilter, PhaseName
from orchestrator.store.queries import QUERIES, parse_queries
from orchestrator.store.reading import search_for


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect_writer(tmp_path / "state.db")) as connection:
        yield connection


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def plan(connection: sqlite3.Connection, sql: str) -> str:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", [1] * sql.count("?"))
    return "; ".join(row[3] for row in rows)


def test_a_fresh_database_has_the_newest_schema(connection: sqlite3.Connection) -> None:
    assert version(connection) == len(migrations())


def test_a_failed_migration_changes_no_schema() -> None:
    """A migration that fails leaves the schema before it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        good, bad = "CREATE TABLE one (x);", "CREATE TABLE two (x); CREATE TABLE two (x);"
        with pytest.raises(sqlite3.OperationalError, match="two already exists"):
            migrate(connection, [good, bad])
        assert version(connection) == 1
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("one",)]
        migrate(connection, [good, "CREATE TABLE three (x);"])
        assert version(connection) == 2


@pytest.mark.parametrize(
    "sql",
    [
        QUERIES.open_jobs,
        QUERIES.job,
        QUERIES.job_by_key,
        QUERIES.last_finished,
        QUERIES.mean_duration,
        QUERIES.events_after,
        QUERIES.next_job,
        QUERIES.last_event_id,
    ],
)
def test_no_read_goes_through_all_jobs_or_events(connection: sqlite3.Connection, sql: str) -> None:
    steps = plan(connection, sql)
    assert "SCAN job USING INDEX job_open" in steps or "SCAN j" not in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        (JobFilter(), "INTEGER PRIMARY KEY (rowid<?)"),
        (JobFilter(environment="qa"), "INDEX job_environment"),
        (JobFilter(environment="qa", phase=PhaseName.QUEUED), "INDEX job_open"),
        (JobFilter(uid=1, phase=PhaseName.RUNNING, pipeline="web"), "INDEX job_open"),
        (JobFilter(conclusion=JobConclusion.LOST), "INDEX job_conclusion"),
        (JobFilter(pipeline="web"), "INDEX job_pipeline"),
        (JobFilter(kind="deploy"), "INDEX job_kind"),
        (JobFilter(uid=1), "INDEX job_uid"),
        (JobFilter(labels={"team": "a"}), "INTEGER PRIMARY KEY (rowid=?)"),
    ],
)
def test_a_search_takes_its_index(
    connection: sqlite3.Connection, wanted: JobFilter, way: str
) -> None:
    """A search takes the index of what it asks for."""
    sql, _ = search_for(wanted)
    steps = plan(connection, sql)
    assert way in steps
    assert "TEMP B-TREE" not in steps


def test_a_statement_without_its_name_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        parse_queries("-- name: job\nSELECT 1\n")
