"""Every rung: ask, wait, force; in each phase of a step, on real processes."""

import os
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
import trio.testing

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.words import JobConclusion, StepConclusion
from orchestrator.engine.attempt import attempt
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.plugin import CLEAN, Cleanliness, Result, Step
from orchestrator.process.state import Running, look
from tests.engine.engine_bench import Bench, Nothing, Plain, open_bench, pipeline, python, step

pytestmark = pytest.mark.slow

COUNTING = """
import os, signal, sys
def stop(number, frame):
    open('signals', 'a').write(f'{number}\\n')
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
open(sys.argv[1] + '/begun', 'w').close()
open(sys.argv[1] + '/gate').read()
"""
STUBBORN = (
    "import signal, sys; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); signal.pause()"
)


def gates(bench: Bench) -> None:
    bench.root.joinpath("state").mkdir(mode=0o700, exist_ok=True)
    for name in ("begun", "gate"):
        os.mkfifo(bench.root / name)


async def begun(bench: Bench) -> None:
    """The tool has got so far that it handles signals."""
    with trio.fail_after(60):
        await trio.to_thread.run_sync((bench.root / "begun").read_bytes, abandon_on_cancel=True)


async def open_gate(bench: Bench) -> None:
    await trio.to_thread.run_sync((bench.root / "gate").write_text, "", abandon_on_cancel=True)


async def test_a_stop_in_apply(tmp_path: Path) -> None:
    """It is one signal, and waits for the tool."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        web = pipeline("web", (step("go", "command", *python(COUNTING, tmp_path)),))
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
            for _ in range(3):
                await bench.cancel(job)
            while not (bench.work(job) / "signals").exists():  # noqa: ASYNC110  the tool's own file
                await trio.sleep(0.01)
            await open_gate(bench)
            assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
            assert (bench.work(job) / "signals").read_text() == "15\n"
            end = await bench.finished_step(job)
            assert end.ending.conclusion is StepConclusion.CANCELLED and not end.forced


class Phases(Plain):
    """Waits in one phase for ever, or until `going` is set; counts what it is asked."""

    def __init__(self, waits_in: str) -> None:
        self.waits_in = waits_in
        self.begun = trio.Event()
        self.going = trio.Event()
        self.asked = trio.Event()
        self.called: list[str] = []

    async def acquire(self, step: Step[Nothing]) -> None:
        await self._in("acquire")

    async def apply(self, step: Step[Nothing]) -> Result:
        await self._in("apply")
        await step.run("after", ["true"])
        return Result(exit=0)

    async def cancel(self, step: Step[Nothing]) -> None:
        self.asked.set()
        await self._in("cancel")

    async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
        await self._in("cleanup")
        return CLEAN

    async def _in(self, phase: str) -> None:
        self.called.append(phase)
        if phase == self.waits_in:
            self.begun.set()
            await self.going.wait()


def plain(**fields: Any) -> StepDefinition:
    return step("go", "plain", **fields)


async def test_a_stop_in_acquire(tmp_path: Path) -> None:
    """It ends at once, and nothing is applied."""
    adapter = Phases("acquire")
    async with open_bench(tmp_path, adapter) as bench, bench.serving(pipeline("web", (plain(),))):
        job = await bench.submit()
        await adapter.begun.wait()
        await bench.cancel(job)
        assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
        assert adapter.called == ["acquire", "cleanup"]


async def test_a_stop_between_two_processes_is_not_lost(tmp_path: Path) -> None:
    adapter = Phases("apply")
    async with open_bench(tmp_path, adapter) as bench, bench.serving(pipeline("web", (plain(),))):
        job = await bench.submit()
        await adapter.begun.wait()
        await bench.cancel(job)
        await adapter.asked.wait()
        adapter.going.set()
        assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
        end = await bench.finished_step(job)
        assert end.ending.reason == "stopped before it began"
        assert not bench.all(ev.StepRecorded)


async def test_a_stop_in_cleanup_lets_it_go_on(tmp_path: Path) -> None:
    adapter = Phases("cleanup")
    async with open_bench(tmp_path, adapter) as bench, bench.serving(pipeline("web", (plain(),))):
        job = await bench.submit()
        await adapter.begun.wait()
        await bench.cancel(job)
        await bench.happened(ev.StepStopRequested)
        adapter.going.set()
        ended = await bench.ended(job)
        assert not ended.dirty
        assert (await bench.finished_step(job)).ending.conclusion is StepConclusion.SUCCESS


async def test_a_step_waits_for_its_cancel(tmp_path: Path) -> None:
    """A step does not end before its cancel has."""

    class Brief(Phases):
        async def apply(self, step: Step[Nothing]) -> Result:
            await begun(bench)
            return Result(exit=0)

    adapter = Brief("cancel")
    async with open_bench(tmp_path, adapter) as bench:
        gates(bench)
        async with bench.serving(pipeline("web", (plain(),))):
            job = await bench.submit()
            await bench.happened(ev.StepApplying)
            await bench.cancel(job)
            await adapter.begun.wait()
            await trio.to_thread.run_sync((bench.root / "begun").write_text, "")
            await trio.testing.wait_all_tasks_blocked()
            assert not bench.all(ev.StepApplied)
            adapter.going.set()
            assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED


async def test_a_force_arms_itself(tmp_path: Path) -> None:
    """A force arms itself, and fires after the cool-off."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        run = python(STUBBORN, tmp_path / "begun")
        web = pipeline("web", (step("go", "command", *run),), force_after=0.3)
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
            await bench.cancel(job, force=True)
            requested = await bench.happened(ev.JobForceRequested)
            assert requested.job == job
            assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
            assert len(bench.all(ev.JobForced)) == 1
            end = await bench.finished_step(job)
            assert end.forced and end.finding is None
            assert not alive(bench, job)


def alive(bench: Bench, job: int) -> list[Path]:
    folders = (bench.attempt(job) / "processes").iterdir()
    return [folder for folder in folders if folder.is_dir() and isinstance(look(folder), Running)]


async def test_the_log_names_what_is_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phase that the step is in, as `show` has it, not the one that it was in at first."""
    told = structlog.testing.LogCapture()
    debug = structlog.make_filtering_bound_logger("debug")
    monkeypatch.setattr(attempt, "log", structlog.wrap_logger(None, [told], debug))
    async with open_bench(tmp_path) as bench:
        gates(bench)
        run = python(STUBBORN, tmp_path / "begun")
        web = pipeline("web", (step("go", "command", *run),), force_after=0)
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
            await bench.cancel(job, force=True)
            await bench.ended(job)
    [forced] = [line for line in told.entries if line["event"] == "ending by force"]
    assert forced["phase"] == "cancelling"


async def test_a_force_in_cleanup_is_dirty(tmp_path: Path) -> None:
    """A force in cleanup is dirty, and closes the environment."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        cleanup = python(STUBBORN, tmp_path / "begun")
        only = step("go", "command", config={"run": ["true"], "cleanup": cleanup})
        async with bench.serving(pipeline("web", (only,), force_after=0)) as engine:
            job = await bench.submit()
            await begun(bench)
            await bench.cancel(job, force=True)
            ended = await bench.ended(job)
            assert ended.dirty
            assert "ended by force" in (await bench.happened(ev.Quarantined)).reason
            assert not alive(bench, job)
            async with engine.reading() as world:
                assert world.environment("one").quarantine is not None


@pytest.mark.slow
async def test_a_timeout_asks_and_forces_after_grace(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        gates(bench)
        run = python(STUBBORN, tmp_path / "begun")
        only = step("go", "command", *run, timeout=5, grace=0.2)
        async with bench.serving(pipeline("web", (only,))):
            job = await bench.submit()
            await begun(bench)
            assert (await bench.ended(job)).conclusion is JobConclusion.TIMED_OUT
            assert "grace" in (await bench.happened(ev.StepForced)).reason
            assert not alive(bench, job)


async def test_a_force_ends_an_acquire(tmp_path: Path) -> None:
    """A force ends an acquire that may not be interrupted."""

    class Uninterruptible(Plain):
        async def acquire(self, step: Step[Nothing]) -> None:
            await step.run("go", python(STUBBORN, tmp_path / "begun"), stop_signal=None)

    async with open_bench(tmp_path, Uninterruptible()) as bench:
        gates(bench)
        async with bench.serving(pipeline("web", (plain(),), force_after=0)):
            job = await bench.submit()
            await begun(bench)
            await bench.cancel(job)
            await bench.happened(ev.StepStopRequested)
            assert alive(bench, job)
            await bench.cancel(job, force=True)
            assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
            assert not alive(bench, job)


class Waiting(Plain):
    """Its first life neither ends nor stops; in the second it stops when it is asked."""

    def __init__(self) -> None:
        self.first_life = True
        self.asked = trio.Event()
        self.stopped = trio.Event()

    async def apply(self, step: Step[Nothing]) -> Result:
        await self.stopped.wait()
        return Result(exit=0)

    async def cancel(self, step: Step[Nothing]) -> None:
        self.asked.set()
        if self.first_life:
            await trio.sleep_forever()
        self.stopped.set()


async def test_a_stop_before_a_restart_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the stop is carried out before the attempt is prepared."""
    adapter, gate = Waiting(), trio.Event()
    prepare = Workbench.prepare

    async def at_the_gate(self: Workbench, ref: StepRef, nursery: trio.Nursery) -> Any:
        await gate.wait()
        return await prepare(self, ref, nursery)

    async with open_bench(tmp_path, adapter) as bench:
        async with bench.serving(pipeline("web", (plain(),))):
            job = await bench.submit()
            await bench.happened(ev.StepApplying)
            await bench.cancel(job)
            await adapter.asked.wait()
        adapter.first_life = False
        monkeypatch.setattr(Workbench, "prepare", at_the_gate)
        async with bench.serving(pipeline("web", (plain(),))):
            await trio.testing.wait_all_tasks_blocked()
            gate.set()
            with trio.fail_after(20):
                assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED


async def test_a_force_before_a_restart_is_carried_out(tmp_path: Path) -> None:
    applying, going_on = trio.Event(), trio.Event()

    class Deaf(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            applying.set()
            with trio.CancelScope(shield=True):
                await going_on.wait()
            await trio.sleep_forever()
            raise AssertionError

    async with open_bench(tmp_path, Deaf()) as bench:
        web = pipeline("web", (plain(),), force_after=0)
        async with bench.serving(web):
            job = await bench.submit()
            await applying.wait()
            await bench.cancel(job, force=True)
            await bench.happened(ev.StepForced)
            going_on.set()
        assert not bench.all(ev.StepFinished)
        async with bench.serving(web):
            assert (await bench.ended(job)).conclusion is JobConclusion.CANCELLED
