"""A fake of `ProcessHost`: fake tools on trio's clock, in place of processes."""

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import trio

from orchestrator.process.errors import (
    EndUnknown,
    ProcessNeverRan,
    ProcessNotStarted,
    StartRefused,
    ToolStillRuns,
    TreeNotDead,
)
from orchestrator.process.spec import ProcessSpec
from orchestrator.process.state import (
    Exited,
    Lost,
    NeverRan,
    NotStarted,
    ProcessExit,
    ProcessState,
    Running,
    Starting,
    Void,
)
from tests.simulation.fake_tool import FakeProcess, FakeTool, StartFault

KILLING_TAKES = 10.0
"""Seconds after which a tree that survives SIGKILL is reported."""

ChooseTool = Callable[[Path, ProcessSpec], FakeTool]
Watch = Callable[[Path, FakeProcess], None]


class SimulatedHost:
    """Runs no process: it behaves as `ProcessHost` does, with tools that `choose` makes up.

    It stands for the world outside the daemon: `nursery` and this object must outlive every engine
    that uses it, as keepers and tools do. `boot_id` tells the present boot; `watch` is told of each
    tool at the moment when it is executed.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        choose: ChooseTool,
        boot_id: Callable[[], str],
        watch: Watch = lambda directory, process: None,
    ) -> None:
        self.processes: dict[Path, FakeProcess] = {}
        self._nursery = nursery
        self._choose = choose
        self._boot_id = boot_id
        self._watch = watch
        self._next_pid = 1000

    def close(self) -> None:
        """Nothing is held."""

    def lose_power(self) -> None:
        """The host goes down: everything dies. The clock's next boot id shows it."""
        for process in self.processes.values():
            process.lose_power()

    def ask(self, directory: Path, spec: ProcessSpec) -> "SupervisorReply":
        """Begin to start a tool, as `start` does; a daemon that is killed then gets no answer."""
        spec.order(None)
        _make_folder(directory)
        answer = SupervisorReply()
        if directory in self.processes:
            answer.given.set()
        else:
            self._nursery.start_soon(self._supervise, directory, spec, answer)
        return answer

    # --- as ProcessHost --------------------------------------------------------------------

    async def start(self, directory: Path, spec: ProcessSpec) -> None:
        """Start the tool unless this directory was claimed before. Raises StartRefused."""
        await trio.lowlevel.checkpoint()
        answer = self.ask(directory, spec)
        await answer.given.wait()
        if answer.refused:
            raise StartRefused(f"{directory}: cannot start {spec.argv[0]}: no more processes")

    async def _supervise(
        self, directory: Path, spec: ProcessSpec, answer: "SupervisorReply"
    ) -> None:
        """A supervisor: goes on although the daemon that asked for it may be dead."""
        tool, boot_id = self._choose(directory, spec), self._boot_id()
        try:
            await trio.sleep(tool.start_takes / 2)
            if directory in self.processes or boot_id != self._boot_id():
                return
            if tool.fault is StartFault.REFUSED:
                answer.refused = True
            else:
                await self._claim_and_execute(directory, spec, tool)
        finally:
            answer.given.set()

    async def _claim_and_execute(self, directory: Path, spec: ProcessSpec, tool: FakeTool) -> None:
        self._next_pid += 1
        process = FakeProcess(self._next_pid, self._boot_id(), tool, spec.owner)
        self.processes[directory] = process
        await trio.sleep(tool.start_takes / 2)
        if process.boot_id != self._boot_id():
            return
        if tool.fault is StartFault.NEVER_RAN:
            process.give_up()
            return
        process.execute(spec)
        self._watch(directory, process)

    def look(self, directory: Path) -> ProcessState:
        """What is known of this directory's process now."""
        process = self.processes.get(directory)
        return NotStarted() if process is None else process.state(self._boot_id())

    def owner(self, directory: Path) -> str | None:
        """Whose process this is by its own records."""
        process = self.processes.get(directory)
        return None if process is None or process.void else process.owner

    def started_at(self, directory: Path) -> tuple[str, int] | None:
        """Not known: every job of a simulation has a token."""
        return None

    def void(self, directory: Path) -> bool:
        """Claim a directory so that nothing will ever start there; False when something did."""
        _make_folder(directory)
        if directory not in self.processes:
            self.processes[directory] = FakeProcess(0, self._boot_id(), FakeTool())
            self.processes[directory].void = True
        return self.processes[directory].void

    async def wait(self, directory: Path) -> ProcessExit:
        """How the tool ended. Raises ProcessNotStarted, ProcessNeverRan, EndUnknown."""
        await trio.lowlevel.checkpoint()
        while True:
            now = self.look(directory)
            match now:
                case Exited(exit):
                    return exit
                case NotStarted() | Void():
                    raise ProcessNotStarted(f"{directory}: no process was started here")
                case NeverRan():
                    raise ProcessNeverRan(f"{directory}: the supervisor died before the start")
                case Starting() | Running():
                    await self.processes[directory].next_change()
                case Lost(reason):
                    while not self.is_tree_dead(directory):
                        await self.processes[directory].next_change()
                    raise EndUnknown(f"{directory}: {reason}")
                case _:
                    assert_never(now)

    async def signal_once(self, directory: Path, signal_id: str, signum: int) -> bool:
        """Send this signal to the tool unless the one with this id was sent before."""
        await trio.lowlevel.checkpoint()
        process = self.processes.get(directory)
        if process is not None and signal_id in process.signal_ids:
            return True
        while isinstance(self.look(directory), Starting):
            await self.processes[directory].next_change()
        process = self.processes.get(directory)
        if process is None or not isinstance(self.look(directory), Running):
            return False
        if signal_id not in process.signal_ids:
            process.signal_ids.add(signal_id)
            process.ask_to_stop(signum)
        return True

    async def kill_tree(self, directory: Path) -> None:
        """SIGKILL the tool and what it started. Raises TreeNotDead."""
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(KILLING_TAKES):
            while not self.is_tree_dead(directory):
                self.processes[directory].kill()
                await trio.sleep(0.01)
            return
        raise TreeNotDead(f"{directory}: still alive after SIGKILL: [1]")

    async def sweep(self, directory: Path, grace: float = 5.0) -> None:
        """After the tool's end: an end to what it left. Raises ToolStillRuns, TreeNotDead."""
        await trio.lowlevel.checkpoint()
        if isinstance(self.look(directory), Starting | Running):
            raise ToolStillRuns(f"{directory}: only what is left after the tool's end is swept")
        if not self.is_tree_dead(directory):
            self.processes[directory].sweep()
            await self.kill_tree(directory)

    async def wait_until_dead(self, directory: Path) -> None:
        """Until nothing of the tool's tree lives."""
        await trio.lowlevel.checkpoint()
        while not self.is_tree_dead(directory):
            await self.processes[directory].next_change()

    def is_tree_dead(self, directory: Path) -> bool:
        """Whether nothing of the tool's tree lives."""
        process = self.processes.get(directory)
        if process is None or process.void or process.boot_id != self._boot_id():
            return True
        if isinstance(self.look(directory), Starting):
            return False
        return not process.tree_alive


class SupervisorReply:
    """What a supervisor tells the daemon that asked for it."""

    def __init__(self) -> None:
        self.given = trio.Event()
        self.refused = False


def _make_folder(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
