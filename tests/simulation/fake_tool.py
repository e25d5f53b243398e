"""What a fake tool does, and a process that does it on trio's clock."""

import enum
import math
import signal

import msgspec
import trio

from orchestrator.process.spec import ProcessSpec
from orchestrator.process.state import (
    Exited,
    Lost,
    NeverRan,
    ProcessExit,
    ProcessState,
    Running,
    Starting,
    Void,
)

FOREVER = math.inf


class StartFault(enum.Enum):
    """What goes wrong before a tool is executed."""

    REFUSED = "refused"  # the host can't fork: nothing is executed
    NEVER_RAN = "never_ran"  # the supervisor dies first: nothing is executed


class FakeTool(msgspec.Struct, frozen=True, kw_only=True):
    """How a fake tool behaves; times are seconds.

    It ends with `code`, or by `signal`, after `seconds`; a stop signal ends it with
    `code_after_stop` `stops_after` later (None: it ignores the signal). After
    `supervisor_dies_after` nobody records its end. Descendants live on `leaves_behind` seconds.
    `unkillable` survives SIGKILL. `start_takes` passes before it is executed.
    """

    seconds: float = 1.0
    code: int = 0
    signal: int | None = None
    stops_after: float | None = 0.1
    code_after_stop: int = 1
    supervisor_dies_after: float = FOREVER
    leaves_behind: float = 0.0
    unkillable: bool = False
    start_takes: float = 0.0
    fault: StartFault | None = None


class FakeProcess:
    """One directory's process. What is true of it at a moment is computed, so nothing polls."""

    def __init__(self, pid: int, boot_id: str, tool: FakeTool, owner: str = "") -> None:
        self.pid = pid
        self.boot_id = boot_id
        self.tool = tool
        self.owner = owner
        self.void = False
        self.never_ran = False
        self.executed_at: float | None = None
        self.spec: ProcessSpec | None = None
        self.signals: list[int] = []
        self.signal_ids: set[str] = set()
        self.changed = trio.Event()
        self._ends_at = FOREVER
        self._exit = ProcessExit(code=0)
        self._supervised_until = FOREVER
        self._left_until = FOREVER

    # --- what happens to it ----------------------------------------------------------------

    def execute(self, spec: ProcessSpec) -> None:
        """The tool is released now."""
        now, tool = trio.current_time(), self.tool
        self.executed_at, self.spec = now, spec
        self._exit = ProcessExit(
            code=None if tool.signal is not None else tool.code, signal=tool.signal
        )
        self._end(now + tool.seconds)
        self._supervised_until = now + tool.supervisor_dies_after

    def ask_to_stop(self, number: int) -> None:
        """It gets a signal that it may handle."""
        self.signals.append(number)
        delay = self.tool.stops_after
        stops = math.inf if delay is None else trio.current_time() + delay
        if self.alive and stops < self._ends_at:
            self._exit = ProcessExit(code=self.tool.code_after_stop)
            self._end(stops)

    def kill(self) -> None:
        """SIGKILL to it and to all it started."""
        now = trio.current_time()
        if self.tool.unkillable:
            return
        if self.alive:
            self._exit = ProcessExit(signal=int(signal.SIGKILL))
            self._ends_at = now
        self._left_until = min(self._left_until, now)
        self._tell()

    def sweep(self) -> None:
        """An end to what it left behind."""
        if not self.tool.unkillable:
            self._left_until = min(self._left_until, trio.current_time())
        self._tell()

    def lose_power(self) -> None:
        """The host goes down under it: what was not recorded will never be."""
        now = trio.current_time()
        self._supervised_until = min(self._supervised_until, now)
        self._ends_at = min(self._ends_at, now)
        self._left_until = min(self._left_until, now)
        self._tell()

    def give_up(self) -> None:
        """Its supervisor dies before it executed anything."""
        self.never_ran = True
        self._tell()

    def _end(self, moment: float) -> None:
        self._ends_at = moment
        self._left_until = moment + self.tool.leaves_behind
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = trio.Event()

    # --- what is true of it ----------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the tool itself runs now."""
        return self.executed_at is not None and trio.current_time() < self._ends_at

    @property
    def tree_alive(self) -> bool:
        """Whether the tool or something that it left behind runs now."""
        return self.executed_at is not None and trio.current_time() < self._left_until

    def dead_for(self, seconds: float) -> bool:
        """Whether nothing of it has been alive for so long."""
        over = max(self._ends_at, self._left_until)
        return self.executed_at is not None and trio.current_time() >= over + seconds

    @property
    def exit(self) -> ProcessExit | None:
        """How it ended, whether anybody recorded that or not; None before."""
        ended = self.executed_at is not None and not self.alive
        return self._exit if ended else None

    @property
    def recorded(self) -> bool:
        """Whether its end was recorded."""
        return self.exit is not None and self._ends_at < self._supervised_until

    def state(self, boot_id: str) -> ProcessState:
        """What a daemon can know of it now."""
        if self.void:
            return Void()
        if self.recorded:
            return Exited(msgspec.structs.replace(self._exit, alone=not self.tool.leaves_behind))
        if self.boot_id != boot_id:
            return Lost("exit status unknown: the host went down before it was recorded")
        if self.never_ran:
            return NeverRan()
        if self.executed_at is None:
            return Starting()
        if self.alive:
            supervised = trio.current_time() < self._supervised_until
            return Running(self.pid, self.pid, self.boot_id, self.pid, supervised)
        return Lost("exit status unknown: the supervisor died before the tool's end was recorded")

    async def next_change(self) -> None:
        """Until something of this may be different."""
        now = trio.current_time()
        moments = (self._ends_at, self._supervised_until, self._left_until)
        soonest = min((moment for moment in moments if moment > now), default=FOREVER)
        with trio.move_on_at(soonest):
            await self.changed.wait()
