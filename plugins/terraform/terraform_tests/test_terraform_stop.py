"""A stop in each phase: one SIGINT, the state saved, the lock gone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from orchestrator.plugin import Result, StopRequested
from terraform_tests.terraform_bench import Life, TerraformBench, open_terraform_bench, until
from tests.engine.step_bench import STOP

pytestmark = [pytest.mark.slow, pytest.mark.terraform]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[TerraformBench]:
    async with open_terraform_bench(tmp_path) as bench:
        yield bench


class Background:
    """An apply that goes on while the test does something else."""

    def __init__(self) -> None:
        self.result: Result | None = None
        self.stopped_before_it_began = False

    async def apply(self, life: Life) -> None:
        try:
            self.result = await life.apply()
        except StopRequested:
            self.stopped_before_it_began = True


def interrupts(life: Life, key: str = "apply") -> int:
    """How often terraform says that it was interrupted."""
    return life.stdout(key).count("nterrupt received") + life.stdout(key).count("Two interrupts")


async def test_a_stop_while_a_resource_is_made(bench: TerraformBench) -> None:
    begun, left = bench.steps.fifo("begun"), bench.steps.state_dir / "grandchild"
    command = f"(trap '' INT; echo $BASHPID$$ > {left}; exec sleep 1000) & echo x > {begun}; wait"
    life = bench.begin(bench.settings("apply", vars={"command": command}))
    await life.acquire()
    background = Background()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(background.apply, life)
        await trio.to_thread.run_sync(begun.read_text)
        await life.stop()
        await life.stop()
    result = background.result
    assert result is not None
    assert (result.exit, result.succeeded, result.stopped) == (1, False, True)
    assert result.reason == "stopped on request: 0 of 1 changes made"
    assert interrupts(life) == 1
    assert bench.lock is None
    assert [resource["instances"][0]["status"] for resource in bench.state["resources"]] == [
        "tainted"
    ]
    assert not life.step.is_dead()
    assert (await life.cleanup()).clean
    assert life.step.is_dead()
    assert (await life.cleanup()).clean


async def test_a_stop_while_the_state_is_uploaded(
    bench: TerraformBench,
) -> None:
    """A stop while the state is uploaded is one SIGINT, and patience."""
    bench.server.upload_seconds = 20
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    background = Background()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(background.apply, life)
        await bench.requested("POST")
        await life.stop()
        await life.stop()
        await until(lambda: interrupts(life))
        bench.server.release_uploads.set()
    result = background.result
    assert result is not None
    assert (result.exit, result.succeeded, result.stopped) == (0, True, False)
    assert interrupts(life) == 1
    assert bench.lock is None
    assert len(bench.state["resources"]) == 1
    assert (await life.cleanup()).clean


async def test_a_stop_between_plan_and_apply_applies_nothing(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    at_plan = trio.Event()
    background = Background()
    life.journal.after_intent = at_plan.set
    async with trio.open_nursery() as nursery:
        nursery.start_soon(background.apply, life)
        await at_plan.wait()
        life.journal.stop = STOP
    assert background.stopped_before_it_began
    assert bench.server.states == {}
    assert (await life.cleanup()).clean


async def test_a_stop_of_a_plan_that_waits(bench: TerraformBench) -> None:
    """A stop while a plan waits for the lock."""
    life = bench.begin(bench.settings("apply"))
    await life.acquire()
    bench.server.hold("name")
    held = bench.lock
    background = Background()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(background.apply, life)
        await until(lambda: "Acquiring state lock" in life.stdout("plan"))
        await life.stop()
    result = background.result
    assert result is not None
    assert (result.exit, result.stopped) == (1, True)
    assert (await life.cleanup()).clean, "terraform ended in order: the lock is somebody else's"
    assert bench.lock == held


async def test_a_stop_of_acquire_that_waits(bench: TerraformBench) -> None:
    """A stop of an acquire that waits for a lock."""
    bench.server.hold("name")
    held = bench.lock
    life = bench.begin(bench.settings("apply"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.acquire)
        await until(lambda: life.journal.waited_for)
        nursery.cancel_scope.cancel()
    assert (await life.cleanup()).clean
    assert bench.lock == held
    assert bench.requests("UNLOCK") == []


async def test_a_stop_of_init(bench: TerraformBench) -> None:
    life = bench.begin(bench.settings("apply"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.acquire)
        nursery.cancel_scope.cancel()
    assert (await life.cleanup()).clean
    assert bench.server.requests == []
