"""The whole tree is found, swept and killed, also when its supervisor is dead."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from orchestrator.process import tree
from orchestrator.process.errors import EndUnknown, ToolStillRuns
from orchestrator.process.host import ProcessHost
from orchestrator.process.state import Exited, Lost, ProcessExit, Running
from tests import needs
from tests.process.process_bench import Bench

# Leaves a grandchild: double-forked, in a session of its own, deaf to SIGTERM.
DAEMONIZED = """
import signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("grandchild", "w").write(f"{os.getpid()}\\n")
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists("grandchild") or not open("grandchild").read().endswith("\\n"):
    time.sleep(0.005)
"""
ENDLESS = DAEMONIZED + "open('ready', 'w').close(); time.sleep(600)"


def grandchild(bench: Bench) -> int:
    return int((bench.root / "grandchild").read_text())


async def start_endless(bench: Bench, host: ProcessHost | None = None) -> None:
    await (host or bench.host).start(bench.directory(), bench.python("process", ENDLESS))
    await bench.until((bench.root / "ready").exists)


async def test_tool_without_descendants_leaves_nothing_to_sweep(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.spec("process", "sh", "-c", "true & wait"))
    assert (await bench.host.wait(bench.directory())).alone
    assert bench.host.is_tree_dead(bench.directory())
    await bench.host.sweep(bench.directory())


async def test_exit_is_seen_while_descendants_live(bench: Bench) -> None:
    """The exit is seen while descendants live, and they are swept."""
    await bench.host.start(bench.directory(), bench.python("process", DAEMONIZED + "os._exit(4)"))
    assert await bench.host.wait(bench.directory()) == ProcessExit(code=4, alone=False)
    assert not bench.host.is_tree_dead(bench.directory())
    assert not bench.is_gone(grandchild(bench))
    await bench.host.sweep(bench.directory(), grace=0.1)
    assert bench.is_gone(grandchild(bench))
    assert bench.host.is_tree_dead(bench.directory())
    assert bench.is_gone(bench.supervisor())


async def test_sweep_asks_with_sigterm_first(bench: Bench) -> None:
    child = """
import signal, sys, time
def leave(*_):
    open("asked", "w").close()
    os._exit(0)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, leave)
    open("ready", "w").close()
    time.sleep(600)
while not os.path.exists("ready"):
    time.sleep(0.005)
"""
    await bench.host.start(bench.directory(), bench.python("process", child))
    await bench.host.wait(bench.directory())
    with trio.fail_after(10):
        await bench.host.sweep(bench.directory(), grace=60)
    assert (bench.root / "asked").exists()


async def test_supervisor_ends_by_itself(bench: Bench) -> None:
    """The supervisor ends by itself when what was left ends."""
    os.mkfifo(bench.root / "gate")
    await bench.host.start(bench.directory(), bench.spec("process", "sh", "-c", "cat gate &"))
    assert not (await bench.host.wait(bench.directory())).alone
    bench.open_gate()
    await bench.until(lambda: bench.is_gone(bench.supervisor()))
    assert bench.host.is_tree_dead(bench.directory())


async def test_running_tool_is_not_swept(bench: Bench) -> None:
    await bench.host.start(bench.directory(), bench.gated())
    with pytest.raises(ToolStillRuns):
        await bench.host.sweep(bench.directory())
    assert isinstance(bench.host.look(bench.directory()), Running)


async def test_kill_takes_the_daemonized_grandchild_too(bench: Bench) -> None:
    await start_endless(bench)
    await bench.host.kill_tree(bench.directory())
    assert bench.is_gone(grandchild(bench))
    assert bench.host.is_tree_dead(bench.directory())
    exit = await bench.host.wait(bench.directory())
    assert exit.signal == signal.SIGKILL
    await bench.host.kill_tree(bench.directory())


async def test_kill_where_nothing_runs_does_nothing(bench: Bench) -> None:
    await bench.host.kill_tree(bench.directory())
    assert bench.host.void(bench.directory())
    await bench.host.kill_tree(bench.directory())


async def test_tree_without_a_supervisor_is_killed(bench: Bench) -> None:
    """The tree of a dead supervisor is found and killed."""
    await start_endless(bench)
    bench.kill(bench.supervisor())
    os.kill(bench.tool(), signal.SIGKILL)
    await bench.until(lambda: isinstance(bench.host.look(bench.directory()), Lost))
    assert not bench.host.is_tree_dead(bench.directory())
    with trio.move_on_after(0.1) as waiting:  # lost is said only when the tree is dead
        await bench.host.wait(bench.directory())
    assert waiting.cancelled_caught
    await bench.host.kill_tree(bench.directory())
    assert bench.is_gone(grandchild(bench))
    with pytest.raises(EndUnknown):
        await bench.host.wait(bench.directory())


async def test_what_a_lost_tool_left_is_swept(bench: Bench) -> None:
    await start_endless(bench)
    bench.kill(bench.supervisor())
    os.kill(bench.tool(), signal.SIGKILL)
    await bench.until(lambda: isinstance(bench.host.look(bench.directory()), Lost))
    await bench.host.sweep(bench.directory(), grace=0.1)
    assert bench.host.is_tree_dead(bench.directory())


@pytest.mark.slow
async def test_unmarked_orphan_is_only_suspected(
    bench: Bench,
) -> None:
    """An unmarked orphan of a dead supervisor is suspected, not signalled."""
    code = "os.mkfifo('gate2'); os.system('env -i sh -c \": > ready; read x < gate2\" &')"
    await bench.host.start(bench.directory(), bench.gated(code=code))
    await bench.until((bench.root / "ready").exists)
    bench.kill(bench.supervisor())
    bench.open_gate()
    tool = Path(f"/proc/{bench.tool()}")
    await bench.until(lambda: not tool.exists())  # until init reaps it, its number is certain
    found = tree.find_tree(bench.directory())
    assert not found.members
    assert len(found.suspects) == 1
    assert not bench.host.is_tree_dead(bench.directory())
    (bench.root / "gate2").write_text("x\n")
    with pytest.raises(EndUnknown):
        await bench.host.wait(bench.directory())
    assert bench.host.is_tree_dead(bench.directory())


async def test_kill_before_the_start(bench: Bench) -> None:
    """Whatever is killed when: the tree is dead afterwards, and stays so."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            bench.host.start, bench.directory(), bench.spec("process", "sleep", "60")
        )
        await bench.until((bench.directory() / "started").exists)
        await bench.host.kill_tree(bench.directory())
    assert bench.host.is_tree_dead(bench.directory())
    assert bench.host.look(bench.directory()) == Exited(ProcessExit(signal=signal.SIGKILL))


# --- cgroups


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A cgroup v2 of our own, as a service manager would delegate one."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    root = roots[0] / f"orchestrator-test-{os.getpid()}"
    root.mkdir()
    yield root
    for leaf in leaves(root):
        (leaf / "cgroup.kill").write_text("1")
        leaf.rmdir()
    root.rmdir()


def leaves(cgroup: Path) -> list[Path]:
    return [path for path in cgroup.iterdir() if path.is_dir()]


@needs.ROOT
@needs.CGROUP
async def test_tool_gets_a_leaf_that_goes_with_it(bench: Bench, cgroup: Path) -> None:
    host = ProcessHost(bench.runtime_dir, cgroup_root=cgroup)
    await host.start(bench.directory(), bench.gated())
    [leaf] = leaves(cgroup)
    assert (leaf / "cgroup.procs").read_text().split() == [str(bench.tool())]
    bench.open_gate()
    assert (await host.wait(bench.directory())).code == 7
    await bench.until(lambda: not leaf.exists())
    host.close()


@needs.ROOT
@needs.CGROUP
@pytest.mark.parametrize("supervised", [True, False])
async def test_cgroup_is_killed_whole(bench: Bench, cgroup: Path, supervised: bool) -> None:
    host = ProcessHost(bench.runtime_dir, cgroup_root=cgroup)
    await start_endless(bench, host)
    if not supervised:
        bench.kill(bench.supervisor())
    await host.kill_tree(bench.directory())
    assert bench.is_gone(grandchild(bench))
    if supervised:
        assert (await host.wait(bench.directory())).signal == signal.SIGKILL
    host.close()


async def test_cgroup_that_cannot_be_used_is_done_without(bench: Bench) -> None:
    host = ProcessHost(bench.runtime_dir, cgroup_root=bench.root / "missing")
    await host.start(bench.directory(), bench.spec("process", "true"))
    assert (await host.wait(bench.directory())).code == 0
    host.close()
