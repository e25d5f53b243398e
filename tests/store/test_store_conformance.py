"""What every store does, whichever way its SQLite is driven."""

from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from orchestrator.core.language.events import DrainStarted, Stamped
from orchestrator.core.language.model import Drain, Environment, Quarantine
from orchestrator.core.language.words import JobConclusion
from orchestrator.core.world.transaction import InForce
from orchestrator.core.world.world import Changes
from orchestrator.store.errors import CommitRefused
from orchestrator.store.protocol import (
    JobFilter,
    Loaded,
    MeanDuration,
    PhaseName,
    Store,
)
from orchestrator.store.restore import restore
from tests.store.store_builders import (
    ADA,
    DIGEST,
    Opening,
    at,
    changes,
    configuration,
    debt,
    definition,
    finished,
    queued,
    recorded,
    running,
    started,
    submitted,
)

IN_FORCE = InForce("c1", configuration(), accepted=5000)


async def test_an_empty_store_has_nothing_open(store: Store) -> None:
    assert await store.load() == Loaded()
    assert await store.events(0, 10) == []
    assert await store.first_event_id() == 1
    assert await store.last_event_id() == 0
    assert await store.job(1) is None


async def test_events_get_ids_without_gaps(store: Store) -> None:
    """Events get ids without gaps, and come back equal."""
    lines = [started(1), recorded(2), submitted(queued(1))]
    assert await store.append(lines[:2], changes(), None) == range(1, 3)
    assert await store.append(lines[2:], changes(queued(1)), None) == range(3, 4)
    assert await store.events(0, 10) == list(enumerate(lines, start=1))
    assert await store.events(1, 1) == [(2, lines[1])]
    assert await store.last_event_id() == 3


async def test_an_append_may_be_empty(store: Store) -> None:
    """An append may hold no event, or no row."""
    assert await store.append([], Changes(), None) == range(1, 1)
    assert await store.append([started()], Changes(), None) == range(1, 2)


async def test_what_was_appended_is_there_after_opening_again(
    opening: Opening, tmp_path: Path
) -> None:
    environment = Environment(
        name="production",
        debts=(debt(1, definition="d2"),),
        quarantine=Quarantine(since=at(6), job=1, reason="it failed"),
    )
    drain = Drain(since=at(7), by=ADA, reason="upgrade")
    written = changes(finished(1), running(2), queued(4), configuration=IN_FORCE, drain=True)
    written.environments["production"] = environment
    written.definitions["d2"] = definition("down")
    written.definitions["d3"] = definition("unused")
    async with opening(tmp_path) as store:
        await store.append([started()], written, drain)
    async with opening(tmp_path) as store:
        assert await store.load() == Loaded(
            jobs=(running(2), queued(4)),
            environments=(environment,),
            definitions={DIGEST: definition(), "d2": definition("down")},
            configuration=InForce("c1", configuration(), 5000),
            drain=drain,
            next_job=5,
            last_event=1,
        )
        assert await store.job(1) == finished(1)
        assert await store.definition("d3") == definition("unused")
        assert await store.configuration("c1") == configuration()


async def test_rows_are_replaced_by_their_last_version(store: Store) -> None:
    await store.append([started()], changes(queued(1), queued(2)), None)
    await store.append([started()], changes(finished(1), running(2)), None)
    assert (await store.load()).jobs == (running(2),)
    assert await store.job(1) == finished(1)


async def test_an_environment_and_a_drain_can_go_away(store: Store) -> None:
    drained = Changes(environments={"qa": Environment(name="qa", retired=True)}, drain=True)
    await store.append([started()], drained, Drain(since=at(1), by=None))
    await store.append([started()], Changes(), None)
    assert (await store.load()).drain == Drain(since=at(1), by=None)
    await store.append([started()], Changes(environments={"qa": None}, drain=True), None)
    loaded = await store.load()
    assert loaded.drain is None
    assert loaded.environments == ()


async def test_an_earlier_configuration_can_come_into_force_again(store: Store) -> None:
    for at_, (digest, capacity) in enumerate([("c1", 1), ("c2", 2), ("c1", 1)]):
        accepted = Changes(configuration=InForce(digest, configuration(capacity), at_))
        await store.append([started()], accepted, None)
    found = (await store.load()).configuration
    assert found == InForce("c1", configuration(1), 2)


async def test_jobs_are_listed_newest_first_in_pages(store: Store) -> None:
    await store.append([started()], changes(*(queued(id) for id in range(1, 6))), None)
    first = await store.jobs(JobFilter(limit=2))
    assert [job.id for job in first.jobs] == [5, 4]
    second = await store.jobs(JobFilter(limit=2, before=first.next))
    assert [job.id for job in second.jobs] == [3, 2]
    last = await store.jobs(JobFilter(limit=2, before=second.next))
    assert [job.id for job in last.jobs] == [1]
    assert last.next is None
    assert (await store.jobs(JobFilter(limit=5))).next is None


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (JobFilter(), [6, 5, 4, 3, 2, 1]),
        (JobFilter(environment="qa"), [2]),
        (JobFilter(pipeline="down"), [4]),
        (JobFilter(kind="cleanup"), [4]),
        (JobFilter(uid=0), [3]),
        (JobFilter(phase=PhaseName.QUEUED), [6, 3, 2]),
        (JobFilter(phase=PhaseName.RUNNING), [4]),
        (JobFilter(phase=PhaseName.CANCELLING), []),
        (JobFilter(phase=PhaseName.FINISHED), [5, 1]),
        (JobFilter(conclusion=JobConclusion.FAILURE), [5]),
        (JobFilter(labels={"team": "a"}), [6, 3]),
        (JobFilter(labels={"team": "a", "tier": "1"}), [6]),
        (JobFilter(labels={"team": "a", "tier": "2"}), []),
        (JobFilter(environment="production", phase=PhaseName.QUEUED, uid=ADA.uid), [6]),
        (JobFilter(environment="it's; DROP TABLE job"), []),
    ],
)
async def test_jobs_are_filtered(store: Store, wanted: JobFilter, ids: list[int]) -> None:
    written = changes(
        finished(1),
        queued(2, environment="qa"),
        queued(3, submitter=msgspec.structs.replace(ADA, uid=0), labels={"team": "a"}),
        running(4, pipeline="down", kind="cleanup"),
        finished(5, conclusion=JobConclusion.FAILURE, labels={"team": "b"}),
        queued(6, labels={"team": "a", "tier": "1"}),
    )
    await store.append([started()], written, None)
    assert [job.id for job in (await store.jobs(wanted)).jobs] == ids


async def test_idempotency_keys_live_as_long_as_the_job(store: Store) -> None:
    await store.append([started()], changes(finished(1, key="k1"), queued(2, key="k2")), None)
    found = await store.jobs_by_keys([(ADA.uid, "k1"), (ADA.uid, "k2"), (0, "k1"), (0, "k3")])
    assert found == {(ADA.uid, "k1"): finished(1, key="k1"), (ADA.uid, "k2"): queued(2, key="k2")}


async def test_a_taken_key_is_refused(store: Store) -> None:
    """A key that is taken is refused, and changes nothing."""
    await store.append([started()], changes(queued(1, key="k1")), None)
    with pytest.raises(CommitRefused, match="job"):
        await store.append([started()], changes(queued(2, key="k1")), None)
    assert await store.last_event_id() == 1
    assert await store.job(2) is None
    assert await store.append([started()], changes(queued(2, key="k2")), None) == range(2, 3)


async def test_a_job_without_its_definition_is_refused(store: Store) -> None:
    with pytest.raises(CommitRefused):
        await store.append([started()], Changes(jobs={1: queued(1)}), None)
    assert await store.load() == Loaded()


async def test_last_finished_are_those_that_ended_last(store: Store) -> None:
    written = changes(
        finished(1, ended=9000), finished(2, ended=7000), finished(3, ended=8000), queued(4)
    )
    await store.append([started()], written, None)
    last = await store.last_finished("production", 2)
    assert [job.id for job in last] == [1, 3]
    assert await store.last_finished("qa", 2) == ()


async def test_the_mean_duration(store: Store) -> None:
    """It is that of the last twenty successes."""
    assert await store.mean_duration("web", "production") is None
    old = (finished(id, ended=id * 1000 + 9000) for id in range(1, 5))
    recent = (finished(id, ended=id * 1000 + 100 + id % 2 * 100) for id in range(5, 25))
    failed = finished(25, ended=90000, conclusion=JobConclusion.FAILURE)
    never_ran = finished(26, ended=90000, ran=False)
    await store.append([started()], changes(*old, *recent, failed, never_ran), None)
    assert await store.mean_duration("web", "production") == MeanDuration(mean=150, runs=20)
    assert await store.mean_duration("web", "qa") is None


async def test_ids_are_not_used_again(store: Store) -> None:
    """Ids are not used again when the newest job has finished."""
    await store.append([started()], changes(finished(7)), None)
    assert (await store.load()).next_job == 8


async def test_a_cancelled_append_writes_nothing(store: Store) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.append([started()], changes(queued(1)), None)
    assert scope.cancelled_caught
    assert await store.load() == Loaded()


async def test_an_append_is_finished_when_cancelled(store: Store) -> None:
    """An append that has begun is finished despite a cancellation."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(store.append, [started()], changes(queued(1)), None)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert (await store.load()).jobs == (queued(1),)


async def test_what_was_given_is_appended(store: Store) -> None:
    """What is appended is what was given at the call."""
    written = changes(queued(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.append, [started()], written, None)
        await trio.testing.wait_all_tasks_blocked()
        written.jobs.clear()
    assert await store.job(1) == queued(1)


async def test_concurrent_readers_see_whole_transactions(store: Store) -> None:
    async def read_until(last: int) -> None:
        while (loaded := await store.load()).last_event < last:
            assert len(loaded.jobs) == loaded.last_event

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_until, 20)
        for id in range(1, 21):
            await store.append([submitted(queued(id))], changes(queued(id)), None)


async def test_a_restored_world_is_as_written(store: Store) -> None:
    """A restored world is the one that was written."""
    written = changes(running(1), queued(2), queued(3), configuration=IN_FORCE)
    written.environments["qa"] = Environment(name="qa", retired=True)
    await store.append([started()], written, None)
    world = restore(await store.load(), at(99_000))
    assert world.jobs == written.jobs
    assert [job.id for job in world.queue("production")] == [2, 3]
    assert [job.id for job in world.running_jobs("production")] == [1]
    assert world.environments == written.environments
    assert (world.configuration, world.accepted) == (configuration(), 5000)
    assert world.next_job == 4
    assert world.changes == Changes()


async def test_events_of_an_older_release() -> None:
    """An event of an older release is read with defaults."""
    line = b'{"at":{"utc":1,"boot":1,"boot_id":"b"},"by":null,"event":{"type":"drain_started"}}'
    assert msgspec.json.decode(line, type=Stamped).event == DrainStarted(reason="")
