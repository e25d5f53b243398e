"""What a look promises: what counts, what it kills, what it hides, and that it ends no daemon."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import FileSecret, SecretUse, StepDefinition
from orchestrator.core.language.model import Finding, StepRef
from orchestrator.core.rules.wanted import VerifyAgain
from orchestrator.engine.attempt.look import Look
from orchestrator.engine.attempt.workbench import StepUnusable, Workbench
from orchestrator.engine.engine import Engine
from orchestrator.engine.paths import Paths
from orchestrator.plugin import CLEAN, AdapterError, Cleanliness, Result, Step
from orchestrator.process.errors import TreeNotDead
from orchestrator.process.host import ProcessHost
from orchestrator.process.state import Running, look
from tests.engine.engine_bench import (
    ROOT,
    Bench,
    Nothing,
    Plain,
    open_bench,
    pipeline,
    python,
    step,
)
from tests.engine.test_looks import TOLD, found, leaving, looking, stop, tools
from tests.engine.test_stop_ladder import STUBBORN, begun, gates, open_gate

pytestmark = pytest.mark.slow

WEB = pipeline("web", (step("go", "plain"),))
SECRET = "correct horse"


class Looks(Plain):
    """Leaves a lock; `act` is what a look at it does."""

    def __init__(self, act: Callable[[Step[Any]], Awaitable[Cleanliness]]) -> None:
        self.act = act
        self.looks = 0

    async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
        self.looks += 1
        return Cleanliness(found="a lock") if self.looks == 1 else await self.act(step)


async def ask(bench: Bench, engine: Engine) -> None:
    """A job has left a lock, and somebody asks for a look."""
    await bench.ended(await bench.submit())
    await engine.execute(cmd.Recheck(ROOT, "one"))


async def test_a_living_tool_is_not_clean(tmp_path: Path) -> None:
    """Whatever the adapter says."""

    class Leaves(Looks):
        async def apply(self, step: Step[Nothing]) -> Result:
            async with trio.open_nursery() as nursery:
                argv = python(TOLD, tmp_path / "begun")
                nursery.start_soon(lambda: step.run("go", argv, stop_signal=15))
                await begun(bench)
                nursery.cancel_scope.cancel()
            return Result(exit=0)

    async def says_clean(step: Step[Any]) -> Cleanliness:
        return CLEAN

    async with open_bench(tmp_path, Leaves(says_clean)) as bench:
        gates(bench)
        async with bench.serving(WEB) as engine:
            await ask(bench, engine)
            [pid] = tools(bench)
            assert await found(bench) == f"a lock (recheck failed: its process {pid} is at work)"
            assert tools(bench) == [pid] and not bench.all(ev.QuarantineLifted)


def fails_beside(tmp_path: Path) -> Callable[[Step[Any]], Awaitable[Cleanliness]]:
    """A look that starts a tool and fails."""

    async def act(step: Step[Any]) -> Cleanliness:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                argv = python(STUBBORN, tmp_path / "begun")
                nursery.start_soon(lambda: step.run("look", argv, stop_signal=15))
                with trio.fail_after(60):
                    await trio.to_thread.run_sync((tmp_path / "begun").read_bytes)
                scope.cancel()
        raise AdapterError("no luck")

    return act


async def test_what_a_failed_look_ran_is_killed(tmp_path: Path) -> None:
    async with open_bench(tmp_path, Looks(fails_beside(tmp_path))) as bench:
        gates(bench)
        async with bench.serving(WEB) as engine:
            await ask(bench, engine)
            assert await found(bench) == "a lock (recheck failed: no luck)"
            assert tools(bench) == []


async def test_survivors_of_a_failed_look_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_vain(self: ProcessHost, directory: Path) -> None:
        raise TreeNotDead("still alive: [7]")

    monkeypatch.setattr(ProcessHost, "kill_tree", in_vain)
    async with open_bench(tmp_path, Looks(fails_beside(tmp_path))) as bench:
        gates(bench)
        async with bench.serving(WEB) as engine:
            await ask(bench, engine)
            assert await found(bench) == "a lock (recheck failed: no luck; still alive: [7])"


@pytest.mark.parametrize("error", [StepUnusable("gone"), RuntimeError("boom")], ids=repr)
async def test_a_look_that_cannot_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What an earlier daemon started for it is killed, and the daemon lives."""

    async def prepare(self: Workbench, *arguments: Any) -> None:
        raise error

    async with open_bench(tmp_path) as bench:
        gates(bench)
        web = pipeline("web", (leaving(tmp_path, python(STUBBORN, tmp_path / "begun")),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
        assert tools(bench) != []
        monkeypatch.setattr(Workbench, "prepare_recheck", prepare)
        async with bench.serving(web):
            assert str(error) in await found(bench)
            assert tools(bench) == []


async def test_clean_after_a_force_counts_not(tmp_path: Path) -> None:
    """What the adapter would have seen was killed under it."""

    async def shields(step: Step[Any]) -> Cleanliness:
        with trio.CancelScope(shield=True):
            await step.run("look", python(STUBBORN, tmp_path / "begun"), stop_signal=15)
        return CLEAN

    async with open_bench(tmp_path, Looks(shields)) as bench:
        gates(bench)
        async with bench.serving(WEB) as engine:
            await ask(bench, engine)
            await begun(bench)
            await engine.execute(stop(force=True))
            assert await found(bench) == "a lock (recheck failed: it was ended by force)"
            assert not bench.all(ev.QuarantineLifted)


@pytest.mark.parametrize("stays", [False, True])
async def test_survivors_of_a_force_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: bool
) -> None:
    """However long it takes to know of them, and whether the adapter ends or not."""
    monkeypatch.setattr("orchestrator.engine.attempt.adapter_call.PATIENCE_AFTER_FORCE", 0.1)
    over = trio.Event()

    async def slowly_in_vain(self: ProcessHost, directory: Path) -> None:
        await trio.sleep(0.3)
        raise TreeNotDead("still alive: [7]")

    async def runs(step: Step[Any]) -> Cleanliness:
        try:
            await step.run("look", python(STUBBORN, tmp_path / "begun"), stop_signal=15)
        finally:
            if stays:
                with trio.CancelScope(shield=True):
                    await over.wait()
        raise AssertionError

    monkeypatch.setattr(ProcessHost, "kill_tree", slowly_in_vain)
    async with open_bench(tmp_path, Looks(runs)) as bench:
        gates(bench)
        async with bench.serving(WEB) as engine:
            await ask(bench, engine)
            await begun(bench)
            await engine.execute(stop(force=True))
            with trio.move_on_after(30):
                await bench.happened(ev.Rechecked)
            over.set()
            text = await found(bench)
            assert text.endswith("; still alive: [7])")
            assert ("did not end" in text) is stays


@pytest.mark.parametrize("phase", ["apply", "cleanup"])
async def test_survivors_are_told_of_attempts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """An adapter that stays after a force does not hide them."""
    monkeypatch.setattr("orchestrator.engine.attempt.adapter_call.PATIENCE_AFTER_FORCE", 0.1)
    over, at_work = trio.Event(), trio.Event()

    async def slowly_in_vain(self: ProcessHost, directory: Path) -> None:
        await trio.sleep(0.3)
        raise TreeNotDead("still alive: [7]")

    class Stays(Plain):
        async def apply(self, step: Step[Nothing]) -> Result:
            await self._in("apply", step)
            return Result(exit=0)

        async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
            await self._in("cleanup", step)
            return CLEAN

        async def _in(self, wanted: str, step: Step[Nothing]) -> None:
            if wanted != phase:
                return
            try:
                at_work.set()
                await step.run("go", python(STUBBORN, tmp_path / "begun"), stop_signal=15)
            finally:
                with trio.CancelScope(shield=True):
                    await over.wait()

    monkeypatch.setattr(ProcessHost, "kill_tree", slowly_in_vain)
    web = pipeline("web", (step("go", "plain"),), force_after=0)
    async with open_bench(tmp_path, Stays()) as bench:
        gates(bench)
        async with bench.serving(web):
            job = await bench.submit()
            await begun(bench)
            await bench.cancel(job, force=True)
            with trio.move_on_after(30):
                await bench.happened(ev.Quarantined)
            over.set()
            reason = (await bench.happened(ev.Quarantined)).reason
            assert reason.endswith("did not end within 0.1 s after force; still alive: [7]")


async def test_the_first_answer_counts(tmp_path: Path) -> None:
    """A look that has come to its end has looked: a stop that comes then finds it over."""
    asked, going = trio.Event(), trio.Event()

    async def ends(step: Step[Any]) -> Cleanliness:
        asked.set()
        await going.wait()
        return CLEAN

    async with open_bench(tmp_path, Looks(ends)) as bench, bench.serving(WEB) as engine:
        await bench.ended(await bench.submit())
        effect = VerifyAgain("one", Finding(StepRef(1, "go"), "a lock"), 1)
        one = Look(effect, engine.store, engine.workbench, None)
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as listening:
                listening.start_soon(one.lead, nursery)
                await asked.wait()
                listening.cancel_scope.cancel()  # nobody hears the first answer before the second
            going.set()
            await trio.testing.wait_all_tasks_blocked()
            await one.stop()
        async with trio.open_nursery() as nursery:
            assert await one.lead(nursery) is None


def hiding(root: Path) -> dict[str, Any]:
    file = root / "token"
    file.write_text(SECRET)
    file.chmod(0o600)
    return {"secrets": {"token": FileSecret(path=str(file))}}


def knowing() -> StepDefinition:
    return step("go", "plain", env={"TOKEN": SecretUse(secret="token")})


@pytest.mark.parametrize("fails", [False, True])
async def test_a_look_tells_no_secret(tmp_path: Path, fails: bool) -> None:
    """Neither in its verdict, nor in why it has none."""

    async def tells(step: Step[Any]) -> Cleanliness:
        step.log(f"looked with {SECRET}")
        if fails:
            raise AdapterError(f"refused: {SECRET}")
        return Cleanliness(found=f"a lock of {SECRET}", commands=(f"unlock {SECRET}",))

    web = pipeline("web", (knowing(),))
    async with (
        open_bench(tmp_path, Looks(tells)) as bench,
        bench.serving(web, **hiding(tmp_path)) as engine,
    ):
        await ask(bench, engine)
        finding = (await bench.happened(ev.Rechecked)).finding
        assert finding is not None and "***" in finding.found
        assert SECRET not in f"{finding.found}{finding.commands}"
        assert SECRET not in bench.log(1)


async def test_secrets_are_gone_before_it_tells(tmp_path: Path) -> None:
    """A log that somebody reads at once after a look has none."""
    kept: list[StepRef] = []

    async def looks(step: Step[Any]) -> Cleanliness:
        kept.extend(engine.workbench.secrets.unfinished())
        return CLEAN

    web = pipeline("web", (knowing(),))
    async with (
        open_bench(tmp_path, Looks(looks)) as bench,
        bench.serving(web, **hiding(tmp_path)) as engine,
    ):
        await ask(bench, engine)
        await bench.happened(ev.Rechecked)
        assert [ref.job for ref in kept] == [1]
        assert not list(engine.workbench.secrets.unfinished())


class Tells(Looks):
    """Has a sensitive output."""

    async def apply(self, step: Step[Nothing]) -> Result:
        return Result(exit=0, outputs={"password": SECRET}, sensitive=("password",))


async def test_a_deleted_job_ends_no_daemon(tmp_path: Path) -> None:
    """People may delete the directories of finished jobs."""

    async def looks(step: Step[Any]) -> Cleanliness:
        return Cleanliness(found="a lock yet")

    async with open_bench(tmp_path, Tells(looks)) as bench, bench.serving(WEB) as engine:
        await bench.ended(await bench.submit())
        shutil.rmtree(Paths(bench.state_dir).job(1))
        await engine.execute(cmd.Recheck(ROOT, "one"))
        assert await found(bench) == "a lock yet"
        assert bench.surroundings.deaths == []


async def test_what_cannot_be_forgotten_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of a look is what ends it: an error before would be met again at each start."""

    def hidden(self: Workbench, *arguments: Any) -> None:
        raise RuntimeError("boom")

    async def looks(step: Step[Any]) -> Cleanliness:
        return Cleanliness(found="a lock yet")

    async with open_bench(tmp_path, Looks(looks)) as bench, bench.serving(WEB) as engine:
        await bench.ended(await bench.submit())
        monkeypatch.setattr(Workbench, "hidden", hidden)
        await engine.execute(cmd.Recheck(ROOT, "one"))
        assert await found(bench) == "a lock yet"


@pytest.mark.parametrize("lost", ["deleted", "emptied by a power cut"])
async def test_leftovers_of_a_lost_job(tmp_path: Path, lost: str) -> None:
    """The daemon starts, and their secrets go."""

    async def looks(step: Step[Any]) -> Cleanliness:
        return CLEAN

    async with open_bench(tmp_path, Tells(looks)) as bench:
        async with bench.serving(WEB) as engine:
            await bench.ended(await bench.submit())
            sources = engine.workbench.secrets
            await sources.given(StepRef(1, "go"), (), {}, {"token": SECRET})
        if lost == "deleted":
            shutil.rmtree(Paths(bench.state_dir).job(1))
        else:
            Paths(bench.state_dir).sensitive_outputs(StepRef(1, "go")).write_text("")
        async with bench.serving(WEB) as engine:
            with trio.fail_after(20):
                while list(engine.workbench.secrets.unfinished()):  # noqa: ASYNC110  files
                    await trio.sleep(0.01)


async def test_the_log_says_what_is_a_look(tmp_path: Path) -> None:
    """And what a stop of it waits for; a restart does not say it again."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        tool = ["sh", "-c", f"echo looking; : >{tmp_path}/begun; cat {tmp_path}/gate"]
        web = pipeline("web", (leaving(tmp_path, tool),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            [place] = (bench.attempt(1) / "processes").glob("recheck-1-*/")
            state = look(place)
            assert isinstance(state, Running)
        async with bench.serving(web) as engine:
            await engine.execute(stop())
            waits = f"recheck-1: stopping when {state.pid} ends, which must not be interrupted"
            with trio.fail_after(20):
                while waits not in bench.log(1).splitlines():  # noqa: ASYNC110  a file
                    await trio.sleep(0.01)
            await open_gate(bench)
            await found(bench)
        lines = bench.log(1).splitlines()
        [head] = [line for line in lines if line.startswith("recheck-1 20")]
        assert lines.index(head) < lines.index("looking")
