"""What is read, each function in one short read transaction of its connection."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Environment, Job
from orchestrator.core.world.transaction import InForce
from orchestrator.store.garbage import garbage_later
from orchestrator.store.protocol import (
    JobFilter,
    JobPage,
    Loaded,
    MeanDuration,
)
from orchestrator.store.queries import QUERIES
from orchestrator.store.rows import (
    decode_configuration,
    decode_definition,
    decode_drain,
    decode_environment,
    decode_job,
    decode_line,
)

RUNS_THAT_COUNT = 20
"""How many of the last successful runs say how long the next one usually takes."""
_ABOVE_EVERY_ID = 2**63 - 1


def load(connection: sqlite3.Connection) -> Loaded:
    """All that is open, as of one moment."""
    with _one_moment(connection), garbage_later():
        jobs = tuple(decode_job(body) for (body,) in connection.execute(QUERIES.open_jobs))
        environments = tuple(
            decode_environment(body) for (body,) in connection.execute(QUERIES.environments)
        )
        configuration, accepted, drain = connection.execute(QUERIES.state).fetchone()
        return Loaded(
            jobs=jobs,
            environments=environments,
            definitions=_definitions(connection, _digests(jobs, environments)),
            configuration=_accepted(connection, configuration, accepted),
            drain=None if drain is None else decode_drain(drain),
            next_job=_number(connection, QUERIES.next_job),
            last_event=_number(connection, QUERIES.last_event_id),
        )


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _digests(jobs: Iterable[Job], environments: Iterable[Environment]) -> set[str]:
    owed = {debt.definition for environment in environments for debt in environment.debts}
    return owed | {job.definition for job in jobs}


def _definitions(
    connection: sqlite3.Connection, digests: Iterable[str]
) -> dict[str, JobDefinition]:
    found = ((digest, definition(connection, digest)) for digest in sorted(digests))
    return {digest: one for digest, one in found if one is not None}


def _accepted(
    connection: sqlite3.Connection, digest: str | None, accepted: int | None
) -> InForce | None:
    body = None if digest is None else configuration(connection, digest)
    if digest is None or body is None:
        return None
    return InForce(digest=digest, configuration=body, accepted=accepted)


def job(connection: sqlite3.Connection, id: int) -> Job | None:
    """One job."""
    row = connection.execute(QUERIES.job, (id,)).fetchone()
    return None if row is None else decode_job(row[0])


def jobs(connection: sqlite3.Connection, wanted: JobFilter) -> JobPage:
    """A page of jobs, the newest first."""
    sql, values = search_for(wanted)
    found = tuple(decode_job(body) for (body,) in connection.execute(sql, values))
    if len(found) <= wanted.limit:
        return JobPage(jobs=found)
    page = found[: wanted.limit]
    return JobPage(jobs=page, next=page[-1].id if page else wanted.before)


def search_for(wanted: JobFilter) -> tuple[str, list[str | int]]:
    """The statement that finds these jobs and one more, and its values."""
    phase = None if wanted.phase is None else wanted.phase.value
    conclusion = None if wanted.conclusion is None else wanted.conclusion.value
    is_open = wanted.phase is not None and wanted.phase.open
    base = QUERIES.open_jobs_before if is_open else QUERIES.jobs_before
    conditions: list[tuple[str, str | int | None]] = [
        (base, _ABOVE_EVERY_ID if wanted.before is None else wanted.before),
        (QUERIES.jobs_with_environment, wanted.environment),
        (QUERIES.jobs_with_pipeline, wanted.pipeline),
        (QUERIES.jobs_with_kind, wanted.kind),
        (QUERIES.jobs_with_phase, phase),
        (QUERIES.jobs_with_conclusion, conclusion),
        (QUERIES.jobs_with_uid, wanted.uid),
    ]
    parts = [sql for sql, value in conditions if value is not None]
    values = [value for _, value in conditions if value is not None]
    for label in wanted.labels.items():
        parts.append(QUERIES.jobs_with_label)
        values.extend(label)
    # One more than asked for tells whether there is another page.
    return " ".join([*parts, QUERIES.jobs_newest_first]), [*values, wanted.limit + 1]


def jobs_by_keys(
    connection: sqlite3.Connection, keys: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Job]:
    """The jobs under these (uid, idempotency key)."""
    found = {}
    for key in keys:
        row = connection.execute(QUERIES.job_by_key, key).fetchone()
        if row is not None:
            found[key] = decode_job(row[0])
    return found


def last_finished(connection: sqlite3.Connection, environment: str, limit: int) -> tuple[Job, ...]:
    """The jobs that ended last in an environment."""
    rows = connection.execute(QUERIES.last_finished, (environment, limit))
    return tuple(decode_job(body) for (body,) in rows)


def mean_duration(
    connection: sqlite3.Connection, pipeline: str, environment: str
) -> MeanDuration | None:
    """The mean of the last successful runs."""
    wanted = (pipeline, environment, RUNS_THAT_COUNT)
    mean, runs = connection.execute(QUERIES.mean_duration, wanted).fetchone()
    return None if mean is None else MeanDuration(mean=round(mean), runs=runs)


def definition(connection: sqlite3.Connection, digest: str) -> JobDefinition | None:
    """The definition under a digest."""
    row = connection.execute(QUERIES.definition, (digest,)).fetchone()
    return None if row is None else decode_definition(row[0])


def configuration(connection: sqlite3.Connection, digest: str) -> Configuration | None:
    """An accepted configuration."""
    row = connection.execute(QUERIES.configuration, (digest,)).fetchone()
    return None if row is None else decode_configuration(row[0])


def events(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, Stamped]]:
    """Lines of the journal."""
    rows = connection.execute(QUERIES.events_after, (after, limit))
    return [(id, decode_line(line)) for id, line in rows]


def first_event_id(connection: sqlite3.Connection) -> int:
    """The lowest id that is not pruned."""
    return _number(connection, QUERIES.pruned_event) + 1


def last_event_id(connection: sqlite3.Connection) -> int:
    """The highest id that was given."""
    return _number(connection, QUERIES.last_event_id)


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
