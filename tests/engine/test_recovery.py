"""A daemon is killed in every phase; the next one goes on with the same tools."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from orchestrator.core.language import events as ev
from orchestrator.core.language.words import JobConclusion
from tests.engine.engine_bench import Bench, open_bench, pipeline, step
from tests.engine.recovery_adapter import Waiting

pytestmark = pytest.mark.slow

WEB = pipeline("web", (step("go", "waiting"),), force_after=0)
PHASES = ["acquire", "apply", "cleanup"]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    for name in ("begun", "gate"):
        os.mkfifo(tmp_path / name)
    async with open_bench(tmp_path, Waiting(tmp_path)) as made:
        yield made


@contextmanager
def daemon(bench: Bench, waits_in: str) -> Iterator["subprocess.Popen[str]"]:
    """Another daemon with a job, whose tool of this phase waits; killed at the end."""
    (bench.root / "waits_in").write_text(waits_in)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.recovery_daemon", str(bench.root)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def begun(bench: Bench) -> None:
    """The tool waits at its gate."""
    with trio.fail_after(60):
        await trio.to_thread.run_sync((bench.root / "begun").read_bytes, abandon_on_cancel=True)


async def open_gate(bench: Bench) -> None:
    with trio.fail_after(60):
        write = (bench.root / "gate").write_text
        await trio.to_thread.run_sync(write, "", abandon_on_cancel=True)


def told(process: "subprocess.Popen[str]", line: str) -> None:
    """Return when the daemon says so."""
    assert process.stdout is not None
    while (said := process.stdout.readline().strip()) != line:
        assert said, f"the daemon ended before it said {line}"


def signals(bench: Bench) -> list[str]:
    path = bench.root / "signals"
    return path.read_text().splitlines() if path.exists() else []


def pids(bench: Bench) -> list[tuple[str, int]]:
    words = [line.split() for line in (bench.root / "pids").read_text().splitlines()]
    return [(phase, int(pid)) for phase, pid in words]


@pytest.mark.parametrize("phase", PHASES)
async def test_a_killed_daemon_is_not_noticed(bench: Bench, phase: str) -> None:
    with daemon(bench, phase):
        await begun(bench)
    before = pids(bench)
    async with bench.serving(WEB) as engine:
        await open_gate(bench)
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS
        lines = await engine.store.events(0, 1000)
    assert [name for name, _ in pids(bench)] == PHASES
    assert pids(bench)[: len(before)] == before
    assert [id for id, _ in lines] == list(range(1, len(lines) + 1))
    assert sum(isinstance(line.event, ev.StepStarted) for _, line in lines) == 1
    assert not signals(bench)


@pytest.mark.parametrize(
    ("phase", "got", "conclusion"),
    [
        ("acquire", ["acquire 15"], JobConclusion.CANCELLED),
        ("apply", ["apply 15"], JobConclusion.CANCELLED),
        ("cleanup", [], JobConclusion.SUCCESS),
    ],
)
async def test_a_cancel_after_a_restart_is_delivered_once(
    bench: Bench, phase: str, got: list[str], conclusion: JobConclusion
) -> None:
    with daemon(bench, phase):
        await begun(bench)
    async with bench.serving(WEB):
        await bench.cancel(1)
        if phase == "cleanup":
            await open_gate(bench)
        assert (await bench.ended(1)).conclusion is conclusion
    assert signals(bench) == got


async def test_a_stop_before_the_kill(bench: Bench) -> None:
    """A stop that was asked for before the kill is delivered once."""
    with daemon(bench, "apply") as process:
        await begun(bench)
        os.kill(tool := pids(bench)[-1][1], 19)  # stopped: it handles nothing before it goes on
        assert process.stdin is not None
        process.stdin.write("cancel\n")
        process.stdin.flush()
        told(process, "ready")
        told(process, "cancelled")
    async with bench.serving(WEB):
        os.kill(tool, 18)
        assert (await bench.ended(1)).conclusion is JobConclusion.CANCELLED
    assert signals(bench) == ["apply 15"]


async def test_killed_again_and_again(bench: Bench) -> None:
    """A daemon that is killed again and again loses nothing."""
    with daemon(bench, "apply"):
        await begun(bench)
    for _ in range(3):
        with daemon(bench, "apply") as process:
            told(process, "ready")
    async with bench.serving(WEB):
        await open_gate(bench)
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS
    assert [name for name, _ in pids(bench)] == PHASES


async def test_an_unseen_end_is_recorded(bench: Bench) -> None:
    """A tool that ended while no daemon ran is recorded."""
    with daemon(bench, "apply"):
        await begun(bench)
    await open_gate(bench)
    async with bench.serving(WEB):
        assert (await bench.ended(1)).conclusion is JobConclusion.SUCCESS
        assert (await bench.finished_step(1)).ending.exit == 0
