"""One keeper serves all, is replaced when it is dead, old or hung, and sleeps when idle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from orchestrator.process import keeper
from orchestrator.process.host import ProcessHost
from orchestrator.process.link import keeper_version
from orchestrator.process.state import ProcessExit
from tests.process.process_bench import Bench


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def private_kilobytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":") for line in rollup.splitlines()[1:])
    return int(fields["Private_Dirty"].split()[0])


def keepers(bench: Bench) -> list[int]:
    """The living keepers of this bench."""
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    alive = (pid for pid in pids if not bench.is_gone(pid))
    named = [pid for pid in alive if str(bench.runtime_dir) in command_of(pid)]
    # Supervisors are its forks, in their processes' directories.
    return [pid for pid in named if Path(f"/proc/{pid}/cwd").readlink() == bench.runtime_dir]


async def run(bench: Bench, name: str, host: ProcessHost | None = None) -> ProcessExit:
    chosen = host or bench.host
    await chosen.start(bench.directory(name), bench.spec(name, "sh", "-c", f"echo {name}"))
    exit: ProcessExit = await chosen.wait(bench.directory(name))
    assert bench.log(name) == f"{name}\n"
    return exit


async def test_fifty_at_once_through_one_keeper(bench: Bench) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(run, bench, f"p{number}")
    assert keepers(bench) == [bench.keeper()]


async def test_hosts_that_start_at_once_share_a_keeper(bench: Bench) -> None:
    hosts = [ProcessHost(bench.runtime_dir) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for number, host in enumerate(hosts):
            nursery.start_soon(run, bench, f"p{number}", host)
    assert keepers(bench) == [bench.keeper()]
    for host in hosts:
        host.close()


async def test_dead_keeper_is_replaced(bench: Bench) -> None:
    """A dead keeper is replaced, and its tools go on."""
    await bench.host.start(bench.directory(), bench.gated())
    dead = bench.keeper()
    bench.kill(dead)
    assert await run(bench, "next") == ProcessExit(code=0)
    assert bench.keeper() != dead
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)


async def test_keeper_ends_with_the_last_daemon(bench: Bench) -> None:
    """The keeper ends with the last daemon, and its tools go on."""
    daemon = bench.daemon(bench.gated())
    await bench.told(daemon, "started")
    await run(bench, "meanwhile")
    daemon.kill()
    daemon.wait()
    assert keepers(bench) == [bench.keeper()]  # a second daemon is connected
    bench.host.close()
    await bench.until(lambda: bench.is_gone(bench.keeper()))
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)
    assert await run(bench, "next") == ProcessExit(code=0)


async def test_keeper_of_other_code_is_replaced(bench: Bench) -> None:
    """A keeper that runs other code is replaced, and its tools go on."""
    bench.runtime_dir.mkdir(mode=0o700)
    command = [sys.executable, "-I", "-S", "-E", keeper.__file__, str(bench.runtime_dir)]
    await trio.run_process([*command, "old"], stdin=subprocess.DEVNULL)
    old = bench.keeper()
    assert keepers(bench) == [old]
    await bench.host.start(bench.directory(), bench.gated())
    assert keepers(bench) == [bench.keeper()] != [old]
    assert keeper_version() in command_of(bench.keeper())
    bench.open_gate()
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=7)


@pytest.mark.slow
async def test_hung_keeper_is_replaced(bench: Bench) -> None:
    host = ProcessHost(bench.runtime_dir, keeper_patience=2)
    await run(bench, "first", host)
    hung = bench.keeper()
    os.kill(hung, signal.SIGSTOP)
    with trio.fail_after(30):
        assert await run(bench, "second", host) == ProcessExit(code=0)
    os.kill(bench.keeper(), signal.SIGSTOP)
    another = ProcessHost(bench.runtime_dir, keeper_patience=2)  # it has no connection yet
    with trio.fail_after(30):
        assert await run(bench, "third", another) == ProcessExit(code=0)
    assert bench.is_gone(hung)
    host.close()
    another.close()


async def test_long_runtime_directory_does(bench: Bench) -> None:
    bench.runtime_dir = bench.root / ("d" * 120)
    host = ProcessHost(bench.runtime_dir)
    assert await run(bench, "first", host) == ProcessExit(code=0)
    host.close()


@pytest.mark.slow
async def test_idle_keeper_and_supervisor_sleep(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated())
    await bench.until(bench.run_count)
    idle = [bench.keeper(), bench.supervisor()]
    await trio.testing.wait_all_tasks_blocked(cushion=0.1)
    before = [wake_ups(pid) for pid in idle]
    await trio.sleep(0.5)
    assert [wake_ups(pid) for pid in idle] == before


def wake_ups(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


async def test_supervisor_needs_little_memory_of_its_own(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated())
    assert private_kilobytes(bench.supervisor()) < 3 * 1024


async def test_finished_supervisors_leave_no_zombies(bench: Bench) -> None:
    for number in range(3):
        await run(bench, f"p{number}")
    pids = [bench.supervisor(f"p{number}") for number in range(3)]
    await bench.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
