"""The single writer: group commit, refusals, retries, and what a reader may see."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import Drain, Job
from orchestrator.core.language.rejections import KeyReused
from orchestrator.core.language.words import JobConclusion
from orchestrator.core.world.world import Changes
from orchestrator.engine import feed
from orchestrator.engine.writer import WriterClosed
from orchestrator.plugin import Result, Step, StopInfo
from orchestrator.store.database import connect_reader, connect_writer
from orchestrator.store.directory import hold
from orchestrator.store.errors import CommitFailed, CommitUnknown
from orchestrator.store.protocol import Store
from orchestrator.store.sql_store import SqlStore
from tests.engine.engine_bench import ROOT, Bench, Nothing, Plain, open_bench, pipeline, step
from tests.store.inline import _InlineDriver

WEB = pipeline("web", (step("go", "command", "true"),))
PLAIN = pipeline("web", (step("go", "plain"),))


class Disk(SqlStore):
    """A real store whose database can be forbidden to grow, and whose commits can be held."""

    def __init__(self, writer: Any, reader: Any) -> None:
        super().__init__(_InlineDriver(writer), _InlineDriver(reader))
        self.connection = writer
        self.appends = 0
        self.unknown = False
        self.gate = trio.Event()
        self.gate.set()
        self.knocked = trio.Event()

    def fill(self) -> None:
        pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
        self.connection.execute(f"PRAGMA max_page_count = {pages}")

    def empty(self) -> None:
        self.connection.execute("PRAGMA max_page_count = 1000000")

    def hold(self) -> None:
        """Let no commit end, and tell when one has come."""
        self.gate, self.knocked = trio.Event(), trio.Event()

    async def append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        self.knocked.set()
        await self.gate.wait()
        if self.unknown:
            raise CommitUnknown("the sync failed")
        self.appends += 1
        return await super().append(events, changes, drain)

    async def jobs_by_keys(self, keys: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Job]:
        return await super().jobs_by_keys(keys)


@asynccontextmanager
async def disk_of(bench: Bench) -> AsyncIterator[Disk]:
    with hold(bench.state_dir) as database:
        writer = connect_writer(database)
        reader = connect_reader(database)
        try:
            yield Disk(writer, reader)
        finally:
            writer.close()
            reader.close()


@asynccontextmanager
async def bench_on_disk(tmp_path: Path, *adapters: Plain) -> AsyncIterator[tuple[Bench, Disk]]:
    async with open_bench(tmp_path, *adapters) as bench, disk_of(bench) as disk:
        yield bench, disk


@asynccontextmanager
async def served(tmp_path: Path, *adapters: Plain) -> AsyncIterator[tuple[Bench, Disk]]:
    """The same with an engine at work."""
    async with (
        bench_on_disk(tmp_path, *adapters) as (bench, disk),
        bench.serving(PLAIN, store=disk),
    ):
        yield bench, disk


def big(key: str | None = None) -> dict[str, Any]:
    """More than a full database has room for."""
    return {"reason": "x" * 50_000, "key": key, "request": key or ""}


async def test_commands_that_wait_together_are_committed_together(tmp_path: Path) -> None:
    async with bench_on_disk(tmp_path, Plain()) as (bench, disk):
        waiting = pipeline("web", (step("go", "plain"),))
        async with bench.serving(waiting, store=disk):
            before = disk.appends
            async with trio.open_nursery() as nursery:
                for _ in range(100):
                    nursery.start_soon(bench.submit)
            assert disk.appends - before <= 5
            assert len(bench.all(ev.JobSubmitted)) == 100


async def test_a_full_disk_refuses_people(tmp_path: Path) -> None:
    """A full disk refuses people, and changes nothing in memory."""
    async with served(tmp_path, Plain()) as (bench, disk):
        engine = bench.engine
        disk.fill()
        with pytest.raises(CommitFailed):
            await bench.submit(**big())
        async with engine.reading() as world:
            assert not world.jobs and world.next_job == 1
        disk.empty()
        assert await bench.submit(**big()) == 1
        await bench.ended(1)


@pytest.mark.slow
async def test_observations_wait_for_the_disk(tmp_path: Path) -> None:
    """Observations wait for the disk, and nothing is lost."""
    going = trio.Event()

    class Loud(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            await going.wait()
            return Result(exit=0, outputs={"much": "x" * 50_000})

    async with served(tmp_path, Loud()) as (bench, disk):
        job = await bench.submit()
        await bench.happened(ev.StepApplying)
        disk.fill()
        disk.knocked = trio.Event()
        going.set()
        await disk.knocked.wait()
        with pytest.raises(CommitFailed):
            await bench.submit(**big())
        assert not bench.all(ev.StepApplied)
        disk.empty()
        assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS


async def test_postponed_observations_are_tried_although_others_come(tmp_path: Path) -> None:
    going = trio.Event()

    class Loud(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            await going.wait()
            return Result(exit=0, outputs={"much": "x" * 50_000})

    async with served(tmp_path, Loud()) as (bench, disk):
        engine = bench.engine
        job = await bench.submit()
        await bench.happened(ev.StepApplying)
        disk.fill()
        disk.knocked = trio.Event()
        going.set()
        await disk.knocked.wait()
        disk.empty()
        with trio.fail_after(20):
            while not bench.all(ev.StepApplied):
                await engine.execute(cmd.SeeClient(job, True))
                await trio.sleep(0.05)


async def test_what_was_given_up_stays_unsaid(tmp_path: Path) -> None:
    """What an adapter gave up to say is not said later."""

    class Hasty(Plain):
        async def acquire(self, step: Step[Nothing]) -> None:
            disk.fill()
            disk.knocked = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(step.waiting_for, "x" * 50_000)
                await disk.knocked.wait()
                async with bench.engine.reading():
                    pass  # the commit that knocked has failed by now
                nursery.cancel_scope.cancel()
            disk.empty()

    async with bench_on_disk(tmp_path, Hasty()) as (bench, disk), bench.serving(PLAIN, store=disk):
        await bench.submit()
        await bench.ended(1)
        assert not bench.all(ev.StepWaiting)


async def test_nobody_sees_what_is_not_committed(tmp_path: Path) -> None:
    async with served(tmp_path, Plain()) as (bench, disk):
        engine = bench.engine
        async with trio.open_nursery() as nursery:
            disk.hold()
            nursery.start_soon(bench.submit)
            await disk.knocked.wait()
            seen: list[int] = []

            async def read() -> None:
                async with engine.reading() as world:
                    seen.append(world.next_job)

            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            assert seen == [] and not bench.events[2:]
            disk.gate.set()
            await bench.ended(1)
            assert seen == [2]


async def test_when_an_attempt_sees_a_stop(tmp_path: Path) -> None:
    """An attempt does not see a stop before it is committed."""
    going = trio.Event()
    steps: list[Step[Nothing]] = []

    class Waiting(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            steps.append(step)
            await going.wait()
            return Result(exit=0)

    async with served(tmp_path, Waiting()) as (bench, disk), trio.open_nursery() as nursery:
        job = await bench.submit()
        await bench.happened(ev.StepApplying)
        disk.hold()
        nursery.start_soon(bench.cancel, job)
        await disk.knocked.wait()
        assert steps[0].stop is None
        disk.gate.set()
        await bench.happened(ev.StepStopRequested)
        assert steps[0].stop == StopInfo("cancel", "root", "no")
        going.set()
        await bench.ended(job)


async def test_an_unknown_commit_ends_the_daemon(tmp_path: Path) -> None:
    async with bench_on_disk(tmp_path, Plain()) as (bench, disk):
        with pytest.RaisesGroup(SystemExit, flatten_subgroups=True, allow_unwrapped=True):
            async with bench.serving(PLAIN, store=disk):
                disk.unknown = True
                with pytest.raises(WriterClosed):
                    await bench.submit()
        assert isinstance(bench.surroundings.deaths[0], CommitUnknown)


async def test_a_key_names_one_job(tmp_path: Path) -> None:
    """A key names one job, open or finished or in one batch."""
    async with served(tmp_path, Plain()) as (bench, _disk):
        engine = bench.engine
        found: list[tuple[int, bool]] = []

        async def submit() -> None:
            request = cmd.Submit(ROOT, "web", "one", key="k", request="r")
            submission = await engine.submit(request)
            found.append((submission.job, submission.created))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(submit)
        await bench.ended(1)
        await submit()
        assert sorted(found) == [(1, False)] * 5 + [(1, True)]
        with pytest.raises(KeyReused):
            await bench.submit(key="k", request="other")


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_keys_of_jobs_that_end_at_once(tmp_path: Path, cancel_first: bool) -> None:
    """A key is known although its job ends in the same batch."""
    async with served(tmp_path, Plain()) as (bench, disk):
        engine = bench.engine
        await engine.execute(cmd.StartDrain(ROOT))
        job = await bench.submit(key="k", request="r")
        disk.hold()
        answers: list[int] = []

        async def submit_again() -> None:
            answers.append(await bench.submit(key="k", request="r"))

        async def end() -> None:
            await engine.writer.execute(cmd.Cancel(ROOT, job))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.submit, "web", "two")
            await disk.knocked.wait()
            for one in (end, submit_again) if cancel_first else (submit_again, end):
                nursery.start_soon(one)
                await trio.testing.wait_all_tasks_blocked()
            disk.gate.set()
        assert answers == [job]


async def test_whoever_waits_when_the_engine_ends_is_told(tmp_path: Path) -> None:
    class Recording(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            await step.once("call", call)
            return Result(exit=0)

    async def call() -> int:
        disk.hold()
        return 1

    async with bench_on_disk(tmp_path, Recording()) as (bench, disk):
        with trio.fail_after(5):
            try:
                async with bench.serving(PLAIN, store=disk):
                    await bench.submit()
                    await bench.happened(ev.StepRecorded)
                    await disk.knocked.wait()
            except* WriterClosed:
                pass


async def test_closing_waits_until_what_was_taken_is_committed(tmp_path: Path) -> None:
    async with served(tmp_path, Plain()) as (bench, disk):
        engine = bench.engine
        async with trio.open_nursery() as nursery:
            disk.hold()
            nursery.start_soon(bench.submit)
            nursery.start_soon(bench.submit, "web", "two")
            await disk.knocked.wait()
            closed = trio.Event()

            async def close() -> None:
                await engine.writer.close()
                closed.set()

            nursery.start_soon(close)
            await trio.testing.wait_all_tasks_blocked()
            assert not closed.is_set()
            disk.gate.set()
            await closed.wait()
            with pytest.raises(WriterClosed):
                await bench.submit()
        store: Store = disk
        assert await store.job(2) is not None


async def test_closing_tells_no_adapter(tmp_path: Path) -> None:
    """What waits for the disk when the writer closes goes on waiting, to the end of the process."""
    going, told = trio.Event(), []

    class Waiting(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            await going.wait()
            try:
                await step.waiting_for("x" * 50_000)
            except WriterClosed as error:
                told.append(error)
            return Result(exit=0)

    async with served(tmp_path, Waiting()) as (bench, disk):
        await bench.submit()
        await bench.happened(ev.StepApplying)
        disk.fill()
        disk.knocked = trio.Event()
        going.set()
        await disk.knocked.wait()
        async with bench.engine.reading():
            pass  # the commit that knocked has failed by now
        await bench.engine.writer.close()
        await trio.testing.wait_all_tasks_blocked()
        assert told == []


async def test_a_reader_that_lags_is_cut_off() -> None:
    published = feed.Feed()
    async with published.subscribe() as lagging, published.subscribe() as reading:
        for _ in range(feed.DEPTH + 2):
            published.publish(())
            assert await reading.receive() == ()
        assert len([batch async for batch in lagging]) == feed.DEPTH
