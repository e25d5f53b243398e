"""A look at what was left behind, on real processes: stopped, forced, at its limit, adopted."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import StepDefinition
from orchestrator.engine.engine import Engine
from orchestrator.plugin import Cleanliness, Step
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
from tests.engine.test_stop_ladder import STUBBORN, begun, gates, open_gate
from tests.process.process_bench import pids_below

pytestmark = pytest.mark.slow

LEFT = "test -e {0}/left || {{ touch {0}/left; exit 1; }}; "
"""The first run of this cleanup finds something, and what follows is for the look."""
TOLD = "import signal, sys; signal.signal(15, lambda *_: sys.exit(3)); " + (
    "open(sys.argv[1], 'w'); signal.pause()"
)


def leaving(root: Path, look: Iterable[str], **fields: float) -> StepDefinition:
    """A step that leaves something; `look` is what runs when that is looked at again."""
    quoted = " ".join(f"'{word}'" if "'" not in word else f'"{word}"' for word in look)
    cleanup = ["sh", "-c", LEFT.format(root) + f"exec {quoted}"]
    return step("go", "command", config={"run": ["true"], "cleanup": cleanup}, **fields)


async def looking(bench: Bench, engine: Engine) -> None:
    """The step has left something, and a look at it is at work."""
    await bench.ended(await bench.submit())
    await engine.execute(cmd.Recheck(ROOT, "one"))
    await begun(bench)


async def found(bench: Bench) -> str:
    """What the first look tells."""
    finding = (await bench.happened(ev.Rechecked)).finding
    assert finding is not None
    return finding.found


def tools(bench: Bench) -> list[int]:
    """The processes that the attempt runs, without their supervisors."""
    return [pid for pid in pids_below(bench.root) if b"signal.pause" in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def stop(*, force: bool = False) -> cmd.StopRecheck:
    return cmd.StopRecheck(ROOT, "one", round=1, force=force, reason="enough")


async def test_a_stop_asks_and_waits(tmp_path: Path) -> None:
    class Told(Plain):
        looks = 0

        async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
            self.looks += 1
            if self.looks > 1:
                await step.run("look", python(TOLD, tmp_path / "begun"), stop_signal=15)
            return Cleanliness(found="a lock")

    web = pipeline("web", (step("go", "plain"),))
    async with open_bench(tmp_path, Told()) as bench:
        gates(bench)
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            await engine.execute(stop())
            assert await found(bench) == "a lock (recheck failed: it was stopped)"
            assert tools(bench) == []
            assert bench.all(ev.QuarantineLifted) == []


async def test_a_stop_waits_for_the_unstoppable(tmp_path: Path) -> None:
    """The command that an author gave as cleanup gets no signal."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        look = ["sh", "-c", f": >{tmp_path}/begun; cat {tmp_path}/gate"]
        web = pipeline("web", (leaving(tmp_path, look),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            await engine.execute(stop())
            await open_gate(bench)
            assert (await found(bench)).endswith("(recheck failed: it was stopped)")


async def test_a_force_kills(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        gates(bench)
        web = pipeline("web", (leaving(tmp_path, python(STUBBORN, tmp_path / "begun")),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            await engine.execute(stop())
            await engine.execute(stop(force=True))
            assert (await found(bench)).endswith("(recheck failed: it was ended by force)")
            assert tools(bench) == []


async def test_the_limit_kills(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        gates(bench)
        look = python(STUBBORN, tmp_path / "begun")
        web = pipeline("web", (leaving(tmp_path, look, cleanup_timeout=5),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            assert "ended by force" in await found(bench)
            asked = await bench.happened(ev.RecheckStopRequested)
            assert asked.stop.reason == "its recheck took longer than cleanup_timeout: 5s"
            assert tools(bench) == []


async def test_a_stop_is_not_lost_by_a_restart(tmp_path: Path) -> None:
    """The next daemon adopts what the look runs, and ends it."""
    async with open_bench(tmp_path) as bench:
        gates(bench)
        web = pipeline("web", (leaving(tmp_path, python(STUBBORN, tmp_path / "begun")),))
        async with bench.serving(web) as engine:
            await looking(bench, engine)
            await engine.execute(stop())
        assert tools(bench) != []
        async with bench.serving(web) as engine:
            await engine.execute(stop(force=True))
            assert "ended by force" in await found(bench)
            assert tools(bench) == []


async def test_two_failures_are_told_once(tmp_path: Path) -> None:
    class Fails(Plain):
        async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
            raise RuntimeError("boom")

    web = pipeline("web", (step("go", "plain"),))
    async with open_bench(tmp_path, Fails()) as bench, bench.serving(web) as engine:
        await bench.ended(await bench.submit())
        for times in (1, 2):
            await engine.execute(cmd.Recheck(ROOT, "one"))
            finding = (await bench.happened(ev.Rechecked, times)).finding
            assert finding is not None and finding.found.count("recheck failed") == 1


async def test_an_adapter_that_stays_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.attempt.adapter_call.PATIENCE_AFTER_FORCE", 0.1)
    over = trio.Event()

    class Stays(Plain):
        looks = 0

        async def cleanup(self, step: Step[Nothing]) -> Cleanliness:
            self.looks += 1
            if self.looks > 1:
                (tmp_path / "begun").write_text("")
                with trio.CancelScope(shield=True):
                    await over.wait()
            return Cleanliness(found="a lock")

    web = pipeline("web", (step("go", "plain"),))
    async with open_bench(tmp_path, Stays()) as bench, bench.serving(web) as engine:
        await bench.ended(await bench.submit())
        await engine.execute(cmd.Recheck(ROOT, "one"))
        while not (tmp_path / "begun").exists():  # noqa: ASYNC110  the adapter's own file
            await trio.sleep(0.01)
        await engine.execute(stop(force=True))
        assert "did not end within 0.1 s" in await found(bench)
        over.set()
