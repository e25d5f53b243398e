"""Adapters that raise, return rubbish or hang in each phase: their own step fails, nothing else."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.words import JobConclusion, StepConclusion
from orchestrator.plugin import (
    AdapterError,
    CallLost,
    Cleanliness,
    ProcessLost,
    Result,
    Step,
    StopRequested,
)
from tests.engine.engine_bench import ROOT, Nothing, Plain, open_bench, pipeline, step

pytestmark = pytest.mark.slow


class Interrupt(BaseException):
    """Neither an Exception nor one of Python's own."""


NO_NUMBER = Result(exit="1")  # type: ignore[arg-type]  # what misbehaves
NO_TEXT = Cleanliness(found=5)  # type: ignore[arg-type]  # what misbehaves


class Bad(Plain):
    """Does `act` in one phase."""

    def __init__(self, phase: str, act: Callable[[Step[Nothing]], Awaitable[Any]]) -> None:
        self.phase = phase
        self.act = act

    async def check(self, step: Step[Nothing]) -> Any:
        return await self._in("check", step, [])

    async def acquire(self, step: Step[Nothing]) -> None:
        await self._in("acquire", step, None)

    async def apply(self, step: Step[Nothing]) -> Any:
        return await self._in("apply", step, Result(exit=0))

    async def cleanup(self, step: Step[Nothing]) -> Any:
        return await self._in("cleanup", step, Cleanliness())

    async def _in(self, phase: str, step: Step[Nothing], default: Any) -> Any:
        return await self.act(step) if phase == self.phase else default


def raising(error: BaseException) -> Callable[[Step[Nothing]], Awaitable[Any]]:
    async def act(step: Step[Nothing]) -> None:
        raise error

    return act


def returning(value: object) -> Callable[[Step[Nothing]], Awaitable[Any]]:
    async def act(step: Step[Nothing]) -> object:
        return value

    return act


async def in_a_nursery(step: Step[Nothing]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raising(ProcessLost("gone")), step)
        await trio.sleep_forever()


async def test_a_check_is_not_called(tmp_path: Path) -> None:
    """A check that need not come first is not called."""
    web = pipeline("web", (step("go", "plain", checked_first=False),))
    adapter = Bad("check", raising(AdapterError("away")))
    async with open_bench(tmp_path, adapter) as bench, bench.serving(web):
        assert (await bench.ended(await bench.submit())).conclusion is JobConclusion.SUCCESS


RAISED = [
    ValueError("no"),
    SystemExit(3),
    KeyboardInterrupt(),
    Interrupt("no"),
    ExceptionGroup("two", [ValueError("one"), KeyError("other")]),
    BaseExceptionGroup("two", [SystemExit(1), Interrupt()]),
]


@pytest.mark.parametrize("phase", ["check", "acquire", "apply", "cleanup"])
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
async def test_whatever_an_adapter_raises_fails_its_step_only(
    tmp_path: Path, phase: str, error: BaseException
) -> None:
    async with open_bench(tmp_path, Bad(phase, raising(error))) as bench:
        other = pipeline("other", (step("go", "command", "true"),))
        async with bench.serving(pipeline("web", (step("go", "plain"),)), other):
            job = await bench.submit()
            ended = await bench.ended(job)
            assert ended.conclusion is JobConclusion.FAILURE
            assert ended.dirty == (phase == "cleanup")
            end = await bench.finished_step(job)
            assert f"plugin error: {phase} of plain raised {type(error).__name__}" in (
                end.finding.found if end.finding else end.ending.reason
            )
            assert "Traceback" in bench.log(job)
            job = await bench.submit("other", "two")
            assert (await bench.ended(job)).conclusion is JobConclusion.SUCCESS


@pytest.mark.parametrize(
    ("act", "conclusion", "reason"),
    [
        (raising(AdapterError("no such chart")), StepConclusion.FAILURE, "no such chart"),
        (raising(AdapterError("\udcff.tf")), StepConclusion.FAILURE, "?.tf"),
        (raising(ProcessLost("gone")), StepConclusion.LOST, "gone"),
        (raising(CallLost("gone")), StepConclusion.LOST, "gone"),
        (raising(StopRequested("x")), StepConclusion.CANCELLED, "stopped before it began"),
        (in_a_nursery, StepConclusion.LOST, "gone"),
        (returning(None), StepConclusion.FAILURE, "apply of plain returned NoneType"),
        (returning(NO_NUMBER), StepConclusion.FAILURE, "can't be journalled"),
        (returning(Result(outputs={"x": object()})), StepConclusion.FAILURE, "can't be journalled"),
        (returning(Result(summary="\udcff")), StepConclusion.FAILURE, "can't be journalled"),
    ],
    ids=[
        "raises an error",
        "raises an error of odd bytes",
        "raises that its process is lost",
        "raises that its call is lost",
        "raises that a stop was asked for",
        "raises in a nursery",
        "returns nothing",
        "returns a text as its exit",
        "returns an output that is no value",
        "returns a summary of odd bytes",
    ],
)
async def test_what_apply_raises_or_returns_is_read(
    tmp_path: Path,
    act: Callable[[Step[Nothing]], Awaitable[Any]],
    conclusion: StepConclusion,
    reason: str,
) -> None:
    async with open_bench(tmp_path, Bad("apply", act)) as bench:
        async with bench.serving(pipeline("web", (step("go", "plain"),))):
            job = await bench.submit()
            assert not (await bench.ended(job)).dirty
            end = (await bench.finished_step(job)).ending
            assert end.conclusion is conclusion and reason in end.reason
        async with bench.serving():  # what was journalled can be read again
            assert (await bench.finished_step(job)).ending == end


@pytest.mark.parametrize("value", [None, NO_TEXT, "dirty"])
async def test_rubbish_from_a_cleanup_is_dirty(tmp_path: Path, value: object) -> None:
    async with open_bench(tmp_path, Bad("cleanup", returning(value))) as bench:
        async with bench.serving(pipeline("web", (step("go", "plain"),))) as engine:
            job = await bench.submit()
            assert (await bench.ended(job)).dirty
            await engine.execute(cmd.Recheck(ROOT, "one"))
            assert "recheck failed" in str((await bench.happened(ev.Rechecked)).finding)
        async with bench.serving():
            pass


async def say_five(step: Step[Any]) -> None:
    await step.waiting_for(5)  # type: ignore[arg-type]  # what misbehaves


async def warn_five(step: Step[Any]) -> None:
    step.warn(5)  # type: ignore[arg-type]  # what misbehaves


async def call_five(step: Step[Any]) -> None:
    await step.once(5, returning("x")(step))  # type: ignore[arg-type]  # what misbehaves


async def name_five(step: Step[Any]) -> None:
    step.output(5, "x")  # type: ignore[arg-type]  # what misbehaves


@pytest.mark.parametrize("act", [say_five, warn_five, name_five])
async def test_other_types_never_reach_the_journal(
    tmp_path: Path, act: Callable[[Step[Nothing]], Awaitable[Any]]
) -> None:
    """What an adapter says in other types never reaches the journal."""
    async with open_bench(tmp_path, Bad("apply", act)) as bench:
        async with bench.serving(pipeline("web", (step("go", "plain"),))):
            job = await bench.submit()
            assert (await bench.ended(job)).conclusion is JobConclusion.FAILURE
        async with bench.serving():
            assert "plugin error" in (await bench.finished_step(job)).ending.reason


async def test_traits_that_raise(tmp_path: Path) -> None:
    """They are no matter of a running daemon."""

    class Untraitable(Plain):
        def traits(self, config: Nothing) -> Any:
            raise SystemExit(1)

    web = pipeline("web", (step("go", "plain"),))
    async with open_bench(tmp_path, Untraitable()) as bench, bench.serving(web):
        assert (await bench.ended(await bench.submit())).conclusion is JobConclusion.SUCCESS
