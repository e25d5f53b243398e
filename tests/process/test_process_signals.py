"""A signal reaches the tool's pid, at most once for each id, whoever is killed meanwhile."""

import os
import signal
from functools import partial

import pytest
import trio

from orchestrator.process.state import ProcessExit, Running
from tests.process.process_bench import Bench

# Writes a line for each SIGINT, and leaves when the gate opens.
COUNTER = """
import signal
log = os.open("signals", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
signal.signal(signal.SIGINT, lambda *_: os.write(log, b"INT\\n"))
os.write(log, b"ready\\n")
"""


def delivered(bench: Bench) -> int:
    path = bench.root / "signals"
    return path.read_text().count("INT") if path.exists() else 0


def has_delivered(bench: Bench, times: int) -> bool:
    return delivered(bench) == times


async def start_counter(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated(code=COUNTER))
    await bench.until((bench.root / "signals").exists)
    await bench.until(lambda: "ready" in (bench.root / "signals").read_text())


async def finish(bench: Bench) -> None:
    """The tool ends only after every signal that was sent to it was handled."""
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)


@pytest.mark.parametrize("signal_id", ["stop-1", "job 1/step.x:stop", "..", "a.claim", "ü"])
async def test_same_id_is_delivered_once(bench: Bench, signal_id: str) -> None:
    await start_counter(bench)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(bench.host.signal_once, bench.directory(), signal_id, signal.SIGINT)
    assert await bench.host.signal_once(bench.directory(), signal_id, signal.SIGINT)
    await bench.until(lambda: delivered(bench))
    await finish(bench)
    assert delivered(bench) == 1


async def test_each_id_is_delivered(bench: Bench) -> None:
    await start_counter(bench)
    for number in range(3):
        assert await bench.host.signal_once(bench.directory(), f"{number}", signal.SIGINT)
        await bench.until(partial(has_delivered, bench, number + 1))
    await finish(bench)


async def test_nobody_but_the_tool_gets_it(bench: Bench) -> None:
    script = "sleep 60 & touch ready; wait"
    await bench.host.start(bench.directory(), bench.spec("process", "sh", "-c", script))
    await bench.until((bench.root / "ready").exists)
    assert await bench.host.signal_once(bench.directory(), "stop", signal.SIGTERM)
    exit = await bench.host.wait(bench.directory())
    assert (exit.signal, exit.alone) == (signal.SIGTERM, False)


async def test_nothing_to_signal(bench: Bench) -> None:
    assert not await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)
    await bench.host.start(bench.directory(), bench.spec("process", "true"))
    await bench.host.wait(bench.directory())
    assert not await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)


async def test_after_the_tools_end_with_descendants_left(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.spec("process", "sh", "-c", "sleep 60 &"))
    assert not (await bench.host.wait(bench.directory())).alone
    assert not await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)


async def test_the_supervisor_delivers_once(bench: Bench) -> None:
    """The daemon dies after asking, and the supervisor delivers once."""
    await start_counter(bench)
    os.kill(bench.supervisor(), signal.SIGSTOP)
    daemon = bench.daemon(bench.spec("process", "true"), task="stop")
    await bench.until((bench.directory() / "signals" / "stop.2").exists)
    await trio.sleep(0.05)  # it may or may not have woken the supervisor before it dies
    daemon.kill()
    os.kill(bench.supervisor(), signal.SIGCONT)
    assert await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)
    await bench.until(lambda: delivered(bench))
    await finish(bench)
    assert delivered(bench) == 1


async def test_keeper_is_not_needed(bench: Bench) -> None:
    await start_counter(bench)
    bench.kill(bench.keeper())
    assert await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)
    await bench.until(lambda: delivered(bench))
    await finish(bench)


async def test_the_daemon_delivers(bench: Bench) -> None:
    """The supervisor dies before it took it up, and the daemon delivers."""
    await start_counter(bench)
    os.kill(bench.supervisor(), signal.SIGSTOP)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.host.signal_once, bench.directory(), "stop", signal.SIGINT)
        await bench.until((bench.directory() / "signals" / "stop.2").exists)
        bench.kill(bench.supervisor())
    await bench.until(lambda: delivered(bench))
    assert await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)
    bench.open_gate()
    await bench.until(lambda: not isinstance(bench.host.look(bench.directory()), Running))
    assert delivered(bench) == 1


@pytest.mark.parametrize("supervised", [True, False])
async def test_what_was_taken_up_is_never_resent(bench: Bench, supervised: bool) -> None:
    """What was taken up by one who died is never sent again."""
    await start_counter(bench)
    if not supervised:
        bench.kill(bench.supervisor())
    (bench.directory() / "signals").mkdir()
    (bench.directory() / "signals" / "stop.claim").touch()  # killed between the claim and `kill`
    assert await bench.host.signal_once(bench.directory(), "stop", signal.SIGINT)
    bench.open_gate()
    await bench.until(lambda: not isinstance(bench.host.look(bench.directory()), Running))
    assert delivered(bench) == 0


async def test_asked_while_starting_is_delivered_to_the_tool(bench: Bench) -> None:
    log = bench.root / "held.log"
    os.mkfifo(log)  # the supervisor opens it between `started` and the fork
    spec = bench.spec("process", "sleep", "60", stdout=str(log), stderr=str(log))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.host.start, bench.directory(), spec)
        await bench.until((bench.directory() / "started").exists)
        nursery.start_soon(bench.host.signal_once, bench.directory(), "stop", signal.SIGTERM)
        await bench.until((bench.directory() / "signals" / "stop.15").exists)
        reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    assert await bench.host.wait(bench.directory()) == ProcessExit(signal=signal.SIGTERM)
    os.close(reader)
