"""The rows are what replaying the journal gives."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import JobQueued, JobRunning, StepRef
from orchestrator.core.language.words import StepConclusion
from orchestrator.core.world.world import Changes
from orchestrator.store import reading
from orchestrator.store.database import connect_writer
from orchestrator.store.protocol import JobFilter
from orchestrator.store.restore import restore
from tests.proof_lines import PROPERTIES, CountProof
from tests.seed_budget import in_chunks
from tests.store.store_journeys import ROOT, Journey, accept, configuration_with, replayed, travel

EPOCH = Instant(utc=9_000_000_000, boot=5, boot_id="another")
EVERYTHING = 1_000_000


def test_a_slot_after_a_restart(tmp_path: Path) -> None:
    """Who lacked a slot gets it after a restart."""
    with closing(Journey(tmp_path, seed=0)) as journey:
        journey.commit(accept(configuration_with(capacity=1)))
        for environment in ("production", "lab"):
            journey.commit(cmd.Submit(caller=ROOT, pipeline="down", environment=environment))
        assert [type(job.phase) for job in journey.world.jobs.values()] == [JobRunning, JobQueued]
        journey.restart()
        ref = StepRef(job=1, step="down")
        failed = cmd.AttemptFailed(ref=ref, conclusion=StepConclusion.FAILURE, reason="no")
        journey.commit(failed)
        assert isinstance(journey.world.jobs[2].phase, JobRunning)


def rows_of(connection: sqlite3.Connection) -> Changes:
    """Every row of a database, in the shape in which a transaction gives rows."""
    loaded = reading.load(connection)
    digests = [digest for (digest,) in connection.execute("SELECT digest FROM definition")]
    definitions = {digest: reading.definition(connection, digest) for digest in digests}
    jobs = reading.jobs(connection, JobFilter(limit=EVERYTHING)).jobs
    return Changes(
        jobs={job.id: job for job in reversed(jobs)},
        environments={environment.name: environment for environment in loaded.environments},
        definitions={digest: one for digest, one in definitions.items() if one is not None},
        configuration=loaded.configuration,
        drain=True,
    )


@pytest.mark.slow
@in_chunks("journeys", 1)
def test_the_rows_are_what_replaying_the_journal_gives(
    tmp_path: Path, seeds: range, count_proof: CountProof
) -> None:
    count_proof(PROPERTIES, {"seeds": len(seeds)})
    last = travel(tmp_path, seeds[0], steps=120)
    with closing(connect_writer(tmp_path / "state.db")) as connection:
        lines = [line for _, line in reading.events(connection, 0, EVERYTHING)]
        world, rows = replayed(lines, EPOCH)
        written = rows_of(connection)
        written.drain = rows.drain
        assert written == rows
        assert world.jobs == last.jobs
        assert world.drain == last.drain

        restored = restore(reading.load(connection), EPOCH)
        assert restored.jobs == world.jobs
        assert restored.environments == world.environments
        assert restored.drain == world.drain
        assert restored.next_job == world.next_job
        assert restored.configuration == world.configuration
        assert restored.accepted == world.accepted is not None
        assert restored.keys == world.keys
        assert list(restored.deadlines) == list(world.deadlines)
        assert restored.definitions.items() <= world.definitions.items()
