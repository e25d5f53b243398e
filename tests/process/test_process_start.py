"""A process starts once, ends, and its end is on disk."""

import os
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestrator.process.errors import ProcessNotStarted
from orchestrator.process.state import Exited, NotStarted, ProcessExit, Running, Void


async def test_exit_code_is_seen_and_recorded(bench: Any) -> None:
    directory = bench.directory()
    assert bench.host.look(directory) == NotStarted()
    await bench.host.start(directory, bench.python("process", "print('hi'); raise SystemExit(3)"))
    exit = await bench.host.wait(directory)
    assert exit == ProcessExit(code=3)
    assert bench.host.look(directory) == Exited(exit)
    assert bench.log() == "hi\n"


async def test_signal_is_told_from_an_exit_code(bench: Any) -> None:
    directory = bench.directory()
    code = "import os; os.kill(os.getpid(), 9)"
    await bench.host.start(directory, bench.python("process", code))
    assert await bench.host.wait(directory) == ProcessExit(signal=9)


async def test_start_twice_runs_once(bench: Any) -> None:
    directory = bench.directory()
    spec = bench.python("process", "print('ran')")
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(bench.host.start, directory, spec)
    assert await bench.host.wait(directory) == ProcessExit(code=0)
    await bench.host.start(directory, spec)
    assert bench.log() == "ran\n"


async def test_running_tool_leads_its_session(bench: Any) -> None:
    directory = bench.directory()
    fifo = bench.root / "fifo"
    os.mkfifo(fifo)
    await bench.host.start(directory, bench.spec("process", "cat", str(fifo)))
    now = bench.host.look(directory)
    assert isinstance(now, Running)
    assert now.session == now.pid
    fifo.write_text("let it end")
    assert (await bench.host.wait(directory)).code == 0


async def test_void_directory_never_starts(bench: Any) -> None:
    directory = bench.directory()
    assert bench.host.void(directory)
    assert bench.host.void(directory)
    await bench.host.start(directory, bench.python("process", "print('ran')"))
    assert bench.host.look(directory) == Void()
    with pytest.raises(ProcessNotStarted):
        await bench.host.wait(directory)
    assert not (bench.root / "process.log").exists()


async def test_started_directory_cannot_be_voided(bench: Any) -> None:
    directory = bench.directory()
    await bench.host.start(directory, bench.spec("process", "true"))
    assert not bench.host.void(directory)
    assert (await bench.host.wait(directory)).code == 0


async def test_waiting_where_nothing_started_raises(bench: Any, tmp_path: Path) -> None:
    with pytest.raises(ProcessNotStarted):
        await bench.host.wait(tmp_path)
