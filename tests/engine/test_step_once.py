"""`once`: a call is made at most once unless it is known that it took no effect."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestrator.core.language.model import CallRecord
from orchestrator.engine.attempt.step_processes import KeyInUse
from orchestrator.plugin import CallLost, NotDone, StopRequested, Unknown
from tests.engine.step_bench import STOP, StepBench, content, open_step_bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[StepBench]:
    async with open_step_bench(tmp_path) as bench:
        yield bench


class Call:
    """Counts how often it is made."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.made = 0

    async def __call__(self) -> Any:
        self.made += 1
        await trio.lowlevel.checkpoint()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def interrupted(bench: StepBench) -> None:
    """The daemon died during the call `go`."""
    bench.journal.records["apply", "go"] = CallRecord("apply", "go")


async def test_value_is_remembered(bench: StepBench) -> None:
    call = Call({"ref": "/pipelines/1", "stages": ("a", "b")})
    value = await bench.step().once("go", call)
    assert value == {"ref": "/pipelines/1", "stages": ["a", "b"]}
    assert await bench.step().once("go", call) == value
    assert bench.step("cleanup").recall("apply", "go") == value
    assert call.made == 1


async def test_sensitive_value_stays_out_of_the_journal(bench: StepBench) -> None:
    await bench.step().once("to ken/../x", Call({"token": "s3cret"}), sensitive=True)
    assert "s3cret" not in repr(bench.journal.records)
    [file] = bench.paths().values.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "s3cret" in content(file)
    assert bench.step("cleanup").recall("apply", "to ken/../x") == {"token": "s3cret"}
    file.unlink()
    with pytest.raises(CallLost, match="file"):
        await bench.step().once("to ken/../x", Call(None), sensitive=True)


async def test_interrupted_call_without_recover_is_lost(bench: StepBench) -> None:
    interrupted(bench)
    call = Call(1)
    with pytest.raises(CallLost, match="go"):
        await bench.step().once("go", call)
    assert call.made == 0
    assert bench.step().recall("apply", "go") is None


async def test_recover_finds_the_value(bench: StepBench) -> None:
    interrupted(bench)
    call, recover = Call(1), Call(2)
    assert await bench.step().once("go", call, recover=recover) == 2
    assert await bench.step().once("go", call, recover=recover) == 2
    assert (call.made, recover.made) == (0, 1)


async def test_recover_finds_that_it_was_not_done(bench: StepBench) -> None:
    interrupted(bench)
    call = Call(1)
    assert await bench.step().once("go", call, recover=Call(NotDone())) == 1
    assert call.made == 1


async def test_recover_after_a_stop(bench: StepBench) -> None:
    """Recover finds that it was not done after a stop."""
    interrupted(bench)
    bench.journal.stop = STOP
    call = Call(1)
    with pytest.raises(StopRequested):
        await bench.step().once("go", call, recover=Call(NotDone()))
    assert call.made == 0


async def test_recover_cannot_tell(bench: StepBench) -> None:
    interrupted(bench)
    call = Call(1)
    with pytest.raises(CallLost, match="found out"):
        await bench.step().once("go", call, recover=Call(Unknown()))
    assert call.made == 0


async def test_stop_before_the_call(bench: StepBench) -> None:
    bench.journal.stop = STOP
    call = Call(1)
    with pytest.raises(StopRequested):
        await bench.step().once("go", call)
    assert await bench.step("cleanup").once("go", call) == 1
    assert await bench.step("cancel").once("go", call) == 1
    assert call.made == 2


async def test_call_that_fails_is_not_made_again_unasked(bench: StepBench) -> None:
    call = Call(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await bench.step().once("go", call)
    with pytest.raises(CallLost):
        await bench.step().once("go", call)
    assert call.made == 1


async def test_value_is_recorded_though_cancelled(bench: StepBench) -> None:
    with trio.CancelScope() as scope:

        async def call() -> int:
            scope.cancel()
            return 1

        await bench.step("acquire").once("go", call)
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert bench.step().recall("acquire", "go") == 1


async def test_value_that_json_cannot_hold(bench: StepBench) -> None:
    with pytest.raises(TypeError):
        await bench.step().once("go", Call(object()))


async def test_one_key_for_a_process_and_a_call(bench: StepBench) -> None:
    step = bench.step()
    await step.run("process", ["true"])
    await step.once("call", Call(1))
    with pytest.raises(KeyInUse):
        await step.once("process", Call(1))
    with pytest.raises(KeyInUse):
        await step.run("call", ["true"])
