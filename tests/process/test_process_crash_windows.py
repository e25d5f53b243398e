"""Everything of ours is killed at every moment: no tool runs twice, no end is made up.

A FIFO where a supervisor expects a file holds it there until somebody opens the other end.
"""

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
import trio

from orchestrator.process.errors import EndUnknown, ProcessNeverRan
from orchestrator.process.state import (
    Exited,
    Lost,
    NeverRan,
    NotStarted,
    ProcessExit,
    Running,
    Starting,
    Void,
)
from tests.process.process_bench import Bench
from tests.proof_lines import PROPERTIES, CountProof
from tests.seed_budget import in_chunks

pytestmark = pytest.mark.slow

# --- between the intent and the supervisor


async def intend(bench: Bench) -> subprocess.Popen[bytes]:
    """A daemon has asked, and the keeper is stopped before it takes the request."""
    await bench.host.start(bench.directory("first"), bench.spec("first", "true"))
    os.kill(bench.keeper(), signal.SIGSTOP)
    daemon = bench.daemon(bench.python("process", ""))
    order = "/memfd:order (deleted)"
    await bench.until(lambda: order in files_of(daemon.pid))
    return daemon


def files_of(pid: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(link.readlink()))
    return found


async def test_daemon_dies_after_asking(bench: Bench) -> None:
    """The daemon dies after asking, and the tool runs once."""
    daemon = await intend(bench)
    await trio.to_thread.run_sync(daemon.kill)
    os.kill(bench.keeper(), signal.SIGCONT)
    await bench.host.start(bench.directory(), bench.python("process", ""))
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=0)
    assert bench.run_count() == 1


async def test_the_next_daemon_voids(bench: Bench) -> None:
    """The daemon dies after asking, and the next one voids."""
    daemon = await intend(bench)
    daemon.kill()
    assert bench.host.look(bench.directory()) == NotStarted()
    assert bench.host.void(bench.directory())
    keeper = bench.keeper()
    os.kill(keeper, signal.SIGCONT)
    await bench.host.start(bench.directory("later"), bench.spec("later", "true"))
    await bench.host.wait(bench.directory("later"))  # the keeper takes requests in order
    assert bench.host.look(bench.directory()) == Void()
    assert bench.run_count() == 0


async def test_keeper_dies_before_it_takes_the_request(bench: Bench) -> None:
    daemon = await intend(bench)
    bench.kill(bench.keeper())
    await bench.told(daemon, "started")
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=0)
    assert bench.run_count() == 1


# --- between `started` and `pid`


async def hold_before_pid(bench: Bench) -> subprocess.Popen[bytes]:
    """The supervisor has claimed and forked; its child waits at the gate."""
    bench.directory().mkdir(parents=True)
    os.mkfifo(bench.directory() / "pid.new")
    daemon = bench.daemon(bench.gated())
    await bench.until(lambda: bench.host.look(bench.directory()) == Starting())
    await bench.until(lambda: children_of(bench.supervisor()))
    return daemon


def children_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


async def test_supervisor_dies_before_pid_and_nothing_is_executed(bench: Bench) -> None:
    daemon = await hold_before_pid(bench)
    [child] = children_of(bench.supervisor())
    bench.kill(bench.supervisor())
    await bench.until(lambda: bench.is_gone(child))
    assert bench.host.look(bench.directory()) == NeverRan()
    assert bench.host.is_tree_dead(bench.directory())
    with pytest.raises(ProcessNeverRan):
        await bench.host.wait(bench.directory())
    assert await trio.to_thread.run_sync(daemon.wait) != 0
    await bench.host.start(bench.directory(), bench.python("process", ""))
    assert bench.host.look(bench.directory()) == NeverRan()
    assert bench.run_count() == 0


async def test_all_three_die_before_pid(bench: Bench) -> None:
    """The daemon and the keeper die before `pid`, and then the supervisor."""
    daemon = await hold_before_pid(bench)
    daemon.kill()
    bench.kill(bench.keeper())
    assert bench.host.look(bench.directory()) == Starting()
    assert not bench.host.void(bench.directory())
    assert not bench.host.is_tree_dead(bench.directory())
    bench.kill(bench.supervisor())
    await bench.until(lambda: bench.host.look(bench.directory()) == NeverRan())
    assert bench.run_count() == 0


async def test_daemon_and_keeper_die_before_pid(bench: Bench) -> None:
    """The daemon and the keeper die before `pid`, and the tool runs."""
    log = bench.root / "held.log"
    os.mkfifo(log)  # the supervisor opens it between `started` and the fork
    daemon = bench.daemon(bench.python("process", "", stdout=str(log), stderr=str(log)))
    await bench.until(lambda: bench.host.look(bench.directory()) == Starting())
    daemon.kill()
    bench.kill(bench.keeper())
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=0)
    os.close(reader)
    assert bench.run_count() == 1


async def test_tool_dies_at_the_gate(bench: Bench) -> None:
    bench.directory().mkdir(parents=True)
    await bench.host.start(bench.directory("first"), bench.spec("first", "true"))
    os.mkfifo(bench.directory() / "pid.new")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.host.start, bench.directory(), bench.python("process", ""))
        await bench.until(lambda: bench.host.look(bench.directory()) == Starting())
        await bench.until(lambda: children_of(bench.supervisor()))
        os.kill(children_of(bench.supervisor())[0], signal.SIGKILL)
        reader = os.open(bench.directory() / "pid.new", os.O_RDONLY | os.O_NONBLOCK)
    # What stands at `pid` now is the test's FIFO; `status` is read before it.
    await bench.until((bench.directory() / "status").exists)
    assert await bench.host.wait(bench.directory()) == ProcessExit(signal=9)
    os.close(reader)
    assert bench.run_count() == 0


# --- while the tool runs


async def test_the_running_tool_does_not_notice(bench: Bench) -> None:
    """The daemon and the keeper die, and the running tool does not notice."""
    daemon = bench.daemon(bench.gated())
    await bench.told(daemon, "started")
    daemon.kill()
    bench.kill(bench.keeper())
    assert isinstance(bench.host.look(bench.directory()), Running)
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)
    assert bench.run_count() == 1


async def test_supervisor_dies_while_the_tool_runs(bench: Bench) -> None:
    """The supervisor dies, and the tool is waited for, then lost."""
    await bench.host.start(bench.directory(), bench.gated())
    async with trio.open_nursery() as nursery:
        ended = trio.Event()
        nursery.start_soon(expect_lost, bench, ended)
        await trio.testing.wait_all_tasks_blocked()
        bench.kill(bench.supervisor())
        await bench.until(lambda: runs_alone(bench))
        assert not bench.host.is_tree_dead(bench.directory())
        assert not ended.is_set()
        bench.open_gate()
    assert isinstance(bench.host.look(bench.directory()), Lost)
    assert bench.host.is_tree_dead(bench.directory())
    await bench.host.start(bench.directory(), bench.python("process", ""))
    assert bench.run_count() == 1


def runs_alone(bench: Bench) -> bool:
    seen = bench.host.look(bench.directory())
    return isinstance(seen, Running) and not seen.supervised


async def expect_lost(bench: Bench, ended: trio.Event) -> None:
    with pytest.raises(EndUnknown, match="exit status unknown"):
        await bench.host.wait(bench.directory())
    ended.set()


async def test_killed_tool_is_seen(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated())
    os.kill(bench.tool(), signal.SIGKILL)
    assert await bench.host.wait(bench.directory()) == ProcessExit(signal=9)


# --- between the tool's end and `status`


async def end_unseen(bench: Bench) -> None:
    """The tool has ended while its supervisor was stopped: a zombie, no `status`."""
    daemon = bench.daemon(bench.gated())
    await bench.told(daemon, "started")
    os.kill(bench.supervisor(), signal.SIGSTOP)
    bench.open_gate()
    await bench.until(lambda: bench.is_gone(bench.tool()))
    daemon.kill()


async def test_daemon_and_keeper_die_before_status(bench: Bench) -> None:
    await end_unseen(bench)
    bench.kill(bench.keeper())
    assert isinstance(bench.host.look(bench.directory()), Running)
    os.kill(bench.supervisor(), signal.SIGCONT)
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)


async def test_supervisor_dies_before_status(bench: Bench) -> None:
    await end_unseen(bench)
    bench.kill(bench.supervisor())
    with pytest.raises(EndUnknown):
        await bench.host.wait(bench.directory())
    assert isinstance(bench.host.look(bench.directory()), Lost)


async def test_supervisor_dies_while_it_writes_status(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated())
    os.mkfifo(bench.directory() / "status.new")
    bench.open_gate()
    tool = bench.tool()
    await bench.until(lambda: not Path(f"/proc/{tool}").exists())  # reaped
    bench.kill(bench.supervisor())
    with pytest.raises(EndUnknown):
        await bench.host.wait(bench.directory())


# --- between `status` and its observation


async def test_everybody_dies_before_status_is_observed(bench: Bench) -> None:
    await end_unseen(bench)
    os.kill(bench.supervisor(), signal.SIGCONT)
    await bench.until(lambda: (bench.directory() / "status").exists())
    bench.kill(bench.keeper())
    bench.kill(bench.supervisor())
    assert bench.host.look(bench.directory()) == Exited(ProcessExit(code=7))
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)


# --- anywhere


async def test_another_boot_means_dead(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.spec("process", "true"))
    await bench.host.wait(bench.directory())
    (bench.directory() / "status").unlink()
    (bench.directory() / "started").write_text("1 1 another-boot\n")
    assert isinstance(bench.host.look(bench.directory()), Lost)
    assert bench.host.is_tree_dead(bench.directory())
    with pytest.raises(EndUnknown, match="host went down"):
        await bench.host.wait(bench.directory())


async def test_an_emptied_status_is_none(bench: Bench) -> None:
    """A status that a power cut emptied is no status."""
    await bench.host.start(bench.directory(), bench.spec("process", "true"))
    await bench.host.wait(bench.directory())
    await bench.until(lambda: bench.is_gone(bench.supervisor()))
    (bench.directory() / "status").write_bytes(b"")
    assert isinstance(bench.host.look(bench.directory()), Lost)


async def test_claim_that_a_power_cut_emptied_is_lost(bench: Bench) -> None:
    bench.directory().mkdir(parents=True)
    (bench.directory() / "started").write_bytes(b"")
    assert isinstance(bench.host.look(bench.directory()), Lost)
    assert not bench.host.void(bench.directory())
    assert bench.host.is_tree_dead(bench.directory())


@in_chunks("crash windows", 1)
async def test_kills_at_random_moments(bench: Bench, seeds: range, count_proof: CountProof) -> None:
    """Whatever is killed when: at most one run, and a success only of a run that completed."""
    count_proof(PROPERTIES, {"seeds": len(seeds)})
    chance = random.Random(seeds[0])
    await bench.host.start(bench.directory("first"), bench.spec("first", "true"))
    daemon = bench.daemon(bench.python("process", "open('runs', 'a').write('completed\\n')"))
    await bench.told(daemon, "asking")
    for _ in range(4):
        await trio.sleep(chance.random() * 0.01)
        victim = chance.choice(["keeper", "supervisor", "daemon"])
        if victim == "daemon":
            daemon.kill()
        elif victim == "keeper":
            bench.kill(bench.keeper())
        elif (bench.directory() / "started").exists():
            bench.kill(bench.supervisor())
    daemon.kill()
    await bench.host.start(bench.directory(), bench.python("process", ""))
    try:
        exit = await bench.host.wait(bench.directory())
    except ProcessNeverRan:
        assert bench.run_count() == 0
    except EndUnknown:
        assert bench.run_count() <= 1
    else:
        assert exit == ProcessExit(code=0)
        assert bench.run_count() == 1
    assert bench.host.is_tree_dead(bench.directory())
