"""Steps that ask people: answers, restarts, stops, and questions that become moot."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
import trio

from orchestrator.builtin.approval import ApprovalAdapter
from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import OutcomeRule, PipelineDefinition
from orchestrator.core.language.model import Finished
from orchestrator.core.language.words import JobConclusion, Outcome, Section, StepConclusion
from orchestrator.core.rules.approvals import awaited
from orchestrator.plugin import CLEAN, Cleanliness, Question, Result, Role, Step
from tests.engine.engine_bench import ROOT, Bench, Nothing, Plain, open_bench, pipeline, step
from tests.simulation.fake_adapter import FakeAdapter

pytestmark = pytest.mark.slow

GO = Question("go on?", roles=(Role.ADMIN,))


class Asks(Plain):
    """Asks in its acquire and in its apply."""

    name = "asks"

    async def acquire(self, step: Step[Nothing]) -> None:
        answer = await step.ask("go", GO)
        step.log(f"acquire: {answer.approved} {answer.by} {answer.comment}")

    async def apply(self, step: Step[Nothing]) -> Result:
        answer = await step.ask("go", GO)
        step.log(f"apply: {answer.approved} {answer.by} {answer.comment}")
        return Result(ok=answer.approved, reason=answer.comment)


class Elsewhere(Plain):
    """Asks until the judgment comes from elsewhere, as a remote pipeline's may."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.judged = trio.Event()
        self.found_moot = trio.Event()
        self.go_on = trio.Event()

    async def apply(self, step: Step[Nothing]) -> Result:
        if self.judged.is_set():
            await step.withdraw("judgment")
        else:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(step.ask, "judgment", GO)
                await self.judged.wait()
                tasks.cancel_scope.cancel()
        self.found_moot.set()
        await self.go_on.wait()
        return Result(exit=0)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
async def bench(tmp_path: Path, elsewhere: Elsewhere) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path, ApprovalAdapter(), Asks(), elsewhere) as bench:
        yield bench


def asks(uses: str = "asks", **fields: object) -> PipelineDefinition:
    return pipeline("web", [step("go", uses, touches=False, **fields)])


def approve(comment: str = "fine", step: str | None = None) -> cmd.Approve:
    return cmd.Approve(caller=ROOT, job=1, step=step, comment=comment)


def reject(comment: str = "no", step: str | None = None) -> cmd.Reject:
    return cmd.Reject(caller=ROOT, job=1, step=step, comment=comment)


async def end_of(bench: Bench) -> Finished:
    await bench.ended(1)
    return await bench.finished_step(1)


def open_questions(bench: Bench) -> list[str]:
    return [one.what for one in awaited(bench.engine.writer.world)]


async def test_answers_come_to_acquire_and_to_apply(bench: Bench) -> None:
    async with bench.serving(asks()) as engine:
        await bench.submit()
        await bench.happened(ev.StepAsked)
        await engine.execute(approve("one"))
        await bench.happened(ev.StepAsked, 2)
        assert open_questions(bench) == ["step go of job 1"]
        await engine.execute(reject("two", step="go"))
        end = await end_of(bench)
    assert end.ending.reason == "two"
    assert bench.log(1).splitlines() == ["acquire: True root one", "apply: False root two"]


async def test_an_answer_is_remembered(
    bench: Bench,
) -> None:
    """An answer that was given is remembered, and a question waits on."""
    async with bench.serving(asks()) as engine:
        await bench.submit()
        await bench.happened(ev.StepAsked)
        await engine.execute(approve("one"))
        await bench.happened(ev.StepAsked, 2)
    async with bench.serving(asks()) as engine:
        assert open_questions(bench) == ["step go of job 1"]
        await engine.execute(approve("two", step="go"))
        end = await end_of(bench)
    assert end.ending.conclusion is StepConclusion.SUCCESS
    assert len(bench.all(ev.StepAsked)) == 2
    assert not bench.all(ev.StepQuestionWithdrawn)


async def test_preparing_goes_on_after_a_restart(bench: Bench) -> None:
    """A job that prepares is led on after a restart."""
    prepares = asks(section=Section.BEFORE)
    async with bench.serving(prepares) as engine:
        await bench.submit()
        await bench.happened(ev.StepAsked)
    async with bench.serving(prepares) as engine:
        await engine.execute(approve())
        await bench.happened(ev.StepAsked, 2)
        await engine.execute(approve(step="go"))
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS


@pytest.mark.parametrize("answers", [0, 1], ids=["acquire", "apply"])
async def test_a_stop_ends_the_wait(bench: Bench, answers: int) -> None:
    async with bench.serving(asks()) as engine:
        await bench.submit()
        await bench.happened(ev.StepAsked)
        if answers:
            await engine.execute(approve())
            await bench.happened(ev.StepAsked, 2)
        await bench.cancel(1)
        assert (await bench.ended(1)).conclusion is JobConclusion.CANCELLED
        assert not open_questions(bench)


async def test_what_has_become_moot_is_withdrawn(bench: Bench, elsewhere: Elsewhere) -> None:
    async with bench.serving(asks("elsewhere")):
        await bench.submit()
        await bench.happened(ev.StepAsked)
        elsewhere.judged.set()
        await bench.happened(ev.StepQuestionWithdrawn)
        assert not open_questions(bench)
        elsewhere.go_on.set()
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS


async def test_what_became_moot_is_withdrawn(bench: Bench, elsewhere: Elsewhere) -> None:
    """What became moot while no daemon ran is withdrawn."""
    async with bench.serving(asks("elsewhere")):
        await bench.submit()
        await bench.happened(ev.StepAsked)
    elsewhere.judged.set()
    async with bench.serving(asks("elsewhere")):
        await elsewhere.found_moot.wait()
        assert not open_questions(bench)
        elsewhere.go_on.set()
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS


async def test_the_fake_adapter_asks_too(tmp_path: Path) -> None:
    async with open_bench(tmp_path, FakeAdapter()) as bench:
        config = {"apply": ["ask"], "cleanup": []}
        async with bench.serving(asks("fake", config=config)) as engine:
            await bench.submit()
            await bench.happened(ev.StepAsked)
            await engine.execute(cmd.Reject(caller=ROOT, job=1))
            end = await end_of(bench)
    assert end.ending.reason == "apply-0: root said no"


class AsksRubbish(Plain):
    """Asks what the journal could not give back."""

    name = "rubbish"

    async def apply(self, step: Step[Nothing]) -> Result:
        await step.ask("go", Question("go on?", roles=("nobody",)))  # type: ignore[arg-type]  # the rubbish
        return Result(exit=0)


async def test_what_cannot_be_asked_fails_the_step(tmp_path: Path) -> None:
    async with open_bench(tmp_path, AsksRubbish()) as bench, bench.serving(asks("rubbish")):
        await bench.submit()
        end = await end_of(bench)
    assert "plugin error: apply of rubbish raised ValidationError" in end.ending.reason


class CleansByAsking(Plain):
    """Asks where nobody may be asked."""

    name = "cleans"

    async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
        await step.ask("go", GO)
        return CLEAN


async def test_a_cleanup_may_not_ask(tmp_path: Path) -> None:
    async with open_bench(tmp_path, CleansByAsking()) as bench, bench.serving(asks("cleans")):
        await bench.submit()
        assert (await bench.ended(1)).dirty
        found = await bench.happened(ev.Quarantined)
        assert "people are asked in acquire and apply only" in found.reason


# --- the adapter `approval` --------------------------------------------------------------------


def approval(**fields: object) -> PipelineDefinition:
    config = {"message": "release?", "roles": ["admin"], "expires": "4h"} | fields
    rules = (OutcomeRule("status expired", Outcome.WARN),)
    given = {"config": config, "touches": False, "takes_slot": False, "outcomes": rules}
    return pipeline("web", [step("go", "approval", has_acquire=False, has_cleanup=False, **given)])


async def test_an_approval_that_is_given(bench: Bench) -> None:
    async with bench.serving(approval()) as engine:
        await bench.submit()
        asked = await bench.happened(ev.StepAsked)
        assert (asked.question.text, asked.question.rule.expires) == ("release?", 14400.0)
        await engine.execute(approve())
        await bench.ended(1)
        done = (await bench.job(1)).step("go")
    assert done.outputs == {"approved_by": "root", "comment": "fine"}
    assert done.summary == "approved by root: fine"


async def test_an_approval_that_is_refused(bench: Bench) -> None:
    async with bench.serving(approval()) as engine:
        await bench.submit()
        await bench.happened(ev.StepAsked)
        await engine.execute(reject("not today"))
        end = await end_of(bench)
    assert end.ending.conclusion is StepConclusion.FAILURE
    assert end.ending.reason == "rejected by root: not today"


async def test_an_approval_that_nobody_gives(bench: Bench) -> None:
    """An approval that nobody gives ends as its rules say."""
    async with bench.serving(approval(expires=0.01)):
        await bench.submit()
        end = await end_of(bench)
    assert end.ending.conclusion is StepConclusion.WARNING
    assert end.ending.reason == "nobody answered within 0.01 s"


async def test_an_approval_that_is_cancelled_says_by_whom(bench: Bench) -> None:
    async with bench.serving(approval()):
        await bench.submit()
        await bench.happened(ev.StepAsked)
        await bench.cancel(1)
        end = await end_of(bench)
    assert end.ending.conclusion is StepConclusion.CANCELLED
    assert "by root" in end.ending.reason
