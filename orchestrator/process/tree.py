"""Which processes belong to a tool, and how to end them all.

While the supervisor lives its descendants are exactly the tree: orphans become its children,
whatever session they made, and it ends when it has none left. When it was killed the tree is what
the cgroup holds if there is one; every process that carries the marker in its variables; the
tool's session as long as the tool, alive or a zombie, has its number; and all their descendants.
Then a process that took the marker out of its variables *and* lost its parents can only be
suspected by its session number, which may have been used again: it is never signalled, but the
tree does not count as dead.
"""

import contextlib
import os
import signal
from pathlib import Path

import msgspec
import trio

from orchestrator.process import identity, records, state
from orchestrator.process.errors import ToolStillRuns, TreeNotDead
from orchestrator.process.state import Running, Starting
from orchestrator.process.threads import in_thread
from orchestrator.process.waiting import wait_for_ends

_ROUNDS = 40
_ROUND = 0.25  # seconds for one round of SIGKILL to take effect
_PAUSE = 0.01  # seconds; only while the tree is just ending


class ProcessTree(msgspec.Struct, frozen=True):
    """What is alive of a tree, by pid and start time: ours for certain, and only suspected."""

    members: frozenset[tuple[int, int]]
    suspects: frozenset[tuple[int, int]] = frozenset()


def find_tree(directory: Path) -> ProcessTree:
    """The living processes of this directory's tree, without its supervisor. Reads all of /proc."""
    claim = state.read_claim(directory)
    if claim is None or claim.is_void or claim.boot_id != identity.read_boot_id():
        return ProcessTree(frozenset())
    tool = state.read_tool(directory)
    processes = _processes()
    if identity.is_alive(claim.pid, claim.start_time):
        ours = _descendants({claim.pid}, processes) - {claim.pid}
        return _tree(ours, set(), processes)
    if tool is None:
        return ProcessTree(frozenset())
    marked = {pid for pid in processes if _is_marked(pid, claim.token)}
    session = {pid for pid, process in processes.items() if process.session == tool.pid}
    leader = processes.get(tool.pid)
    if leader is not None and leader.start_time != tool.start_time:
        session = set()  # the number was free: nothing of the tool's session was left
    elif leader is not None:
        marked |= session
    ours = _descendants(marked | _cgroup_members(tool), processes)
    return _tree(ours, session - ours, processes)


def _processes() -> dict[int, identity.ProcStat]:
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208  in bulk
    stats = (identity.read_stat(pid) for pid in pids)
    return {stat.pid: stat for stat in stats if stat is not None}


def _tree(
    ours: set[int], suspects: set[int], processes: dict[int, identity.ProcStat]
) -> ProcessTree:
    def alive(pids: set[int]) -> frozenset[tuple[int, int]]:
        found = (processes[pid] for pid in pids if pid in processes)
        return frozenset((stat.pid, stat.start_time) for stat in found if not stat.ended)

    return ProcessTree(alive(ours), alive(suspects))


def _descendants(roots: set[int], processes: dict[int, identity.ProcStat]) -> set[int]:
    """The roots and all below them."""
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.ppid, []).append(process.pid)
    found = set(roots)
    pending = list(roots)
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found:
                found.add(child)
                pending.append(child)
    return found


def _is_marked(pid: int, token: str) -> bool:
    try:
        environment = identity.read_file(f"/proc/{pid}/environ")
    except OSError:
        return False
    return f"{records.MARKER}={token}".encode() in environment.split(b"\0")


def _cgroup_members(tool: records.Tool) -> set[int]:
    """Pids in the tool's cgroup and in those that it made below."""
    found: set[int] = set()
    if tool.cgroup is not None:
        for folder, _, _ in os.walk(os.fsdecode(tool.cgroup)):
            with contextlib.suppress(OSError):
                found.update(map(int, identity.read_file(f"{folder}/cgroup.procs").split()))
    return found


def is_tree_dead(directory: Path) -> bool:
    """Whether it is proven that nothing of the tool's tree lives.

    False while the supervisor lives, unless it recorded that the tool left nothing: it ends when
    nothing is left. True where nothing was started (claim that with `void` first).
    """
    claim = state.read_claim(directory)
    if claim is None or claim.is_void or claim.boot_id != identity.read_boot_id():
        return True
    ended = state.read_ended(directory)
    if ended is not None and ended.alone:
        return True
    if state.is_supervised(directory, claim):
        return False
    empty = ProcessTree(frozenset())
    # One look can miss a child that is forked behind it by a parent that ends ahead of it.
    return find_tree(directory) == empty and find_tree(directory) == empty


async def kill_tree(directory: Path) -> None:
    """SIGKILL everything that belongs to the tool until it is proven that nothing lives.

    The supervisor is spared: it records how the tool ended.

    Raises:
        TreeNotDead: something survived ten seconds of this.
    """
    for _ in range(_ROUNDS):
        if await in_thread(is_tree_dead, directory):
            return
        _kill_cgroup(directory)
        tree = await in_thread(find_tree, directory)
        for pid, start_time in tree.members:
            _signal(pid, start_time, signal.SIGKILL)
        with trio.move_on_after(_ROUND):
            await _wait_for_round(directory, tree)
    alive = await in_thread(find_tree, directory)
    pids = sorted(pid for pid, _ in alive.members | alive.suspects)
    raise TreeNotDead(f"{directory}: still alive after SIGKILL: {pids or 'the supervisor'}")


async def sweep(directory: Path, grace: float) -> None:
    """End what the tool left behind: SIGTERM, and SIGKILL after `grace` seconds.

    Raises:
        ToolStillRuns: the tool itself has not ended.
        TreeNotDead: something survived SIGKILL.
    """
    if isinstance(state.look(directory), Starting | Running):
        raise ToolStillRuns(f"{directory}: only what is left after the tool's end is swept")
    asked: set[tuple[int, int]] = set()
    with trio.move_on_after(grace):
        while not is_tree_dead(directory):
            tree = await in_thread(find_tree, directory)
            for pid, start_time in tree.members - asked:
                _signal(pid, start_time, signal.SIGTERM)
            asked |= tree.members
            await _wait_for_round(directory, tree)
    await kill_tree(directory)


async def wait_until_dead(directory: Path) -> None:
    """Until nothing of the tree lives, however long that takes."""
    while not await in_thread(is_tree_dead, directory):
        tree = await in_thread(find_tree, directory)
        await _wait_for_round(directory, tree)


async def _wait_for_round(directory: Path, tree: ProcessTree) -> None:
    """Until these have ended; when they have, until the supervisor has drawn its conclusion."""
    alive = tree.members | tree.suspects
    if not alive:
        claim = state.read_claim(directory)
        alive = frozenset() if claim is None else frozenset({(claim.pid, claim.start_time)})
    await wait_for_ends(alive)
    await trio.sleep(_PAUSE)


def _signal(pid: int, start_time: int, signum: int) -> None:
    descriptor = identity.open_pidfd(pid, start_time)
    if descriptor is not None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signum)
        os.close(descriptor)


def _kill_cgroup(directory: Path) -> None:
    """All of the tool's cgroup at once; before Linux 5.14 there is no such file."""
    tool = state.read_tool(directory)
    if tool is not None and tool.cgroup is not None:
        with contextlib.suppress(OSError):
            (Path(os.fsdecode(tool.cgroup)) / "cgroup.kill").write_text("1")
