"""Where a daemon was when it died: told by its journal, the disk and the processes that it left."""

import enum
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from orchestrator.core.language import events as ev
from orchestrator.core.language.model import ProcessRecord, StepRef
from orchestrator.engine.attempt.process_place import ProcessPlaces
from orchestrator.engine.paths import Paths
from orchestrator.process import identity, records, state
from orchestrator.process.state import Exited, NotStarted, Running, Starting
from orchestrator.store import reading

EVERYTHING = 1_000_000


class Window(enum.Enum):
    """A moment of a step, of a stop, or of the daemon's own start."""

    STARTED = "step in the journal, no process intended"
    INTENDED = "process intended, not claimed"
    CLAIMED = "process claimed, its tool not released"
    AT_WORK = "tool at work"
    ENDED = "tool ended, that not on disk"
    ON_DISK = "tool's end on disk, not in the journal"
    APPLIED = "end in the journal, cleanup of the step not begun"
    CLEANUP = "cleanup of the step at work"
    OWED = "owed cleanup at work"
    STOPPING = "stop in the journal, not asked for"
    ASKED = "stop asked for, not delivered"
    DELIVERED = "stop delivered, the tool goes on"
    OPENED = "daemon has the state, its start not in the journal"
    STARTING = "daemon's start in the journal, not ready"


class Attempt(msgspec.Struct):
    """An attempt that the journal says is at work."""

    ref: StepRef
    cleanup: bool
    stopped: bool = False
    applied: bool = False
    records: list[ProcessRecord] = []


class Journal:
    """The journal on disk, followed while daemons come and go."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.attempts: dict[StepRef, Attempt] = {}
        self.keys: dict[str, int] = {}
        self.cleanups: dict[int, int] = {}
        """The owed cleanup of a job."""
        self.daemon = 0
        """The pid of the last one that wrote that it started."""
        self.ended: set[int] = set()
        self._kinds: dict[int, str] = {}
        self._last = 0

    def read(self) -> "Journal":
        """Take in what is new.

        Read only, and closed at once: a connection that wrote, or stayed, would bring back what a
        crash left in the log, in the place of the daemon that comes next.
        """
        with suppress(sqlite3.OperationalError), closing(self._open()) as found:  # locked, or new
            for number, line in reading.events(found, self._last, EVERYTHING):
                self._take(line.event)
                self._last = number
        return self

    def _open(self) -> sqlite3.Connection:
        address = f"file:{quote(str(self.state_dir))}/state.db?mode=ro"
        return sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)

    def _take(self, event: ev.AnyEvent) -> None:
        match event:
            case ev.DaemonStarted(pid=pid):
                self.daemon = pid
            case ev.JobSubmitted(job=job, kind=kind, key=key, cleanup_for=cleanup_for):
                self._kinds[job] = kind
                if cleanup_for is not None:
                    self.cleanups[cleanup_for] = job
                if key is not None:
                    self.keys[key] = job
            case ev.StepStarted(ref=ref):
                self.attempts[ref] = Attempt(ref, self._kinds[ref.job] == "cleanup")
            case ev.StepFinished(ref=ref) | ev.StepRetryScheduled(ref=ref):
                del self.attempts[ref]
            case ev.StepRecorded(ref=ref, record=ProcessRecord() as record):
                self.attempts[ref].records.append(record)
            case ev.StepStopRequested(ref=ref):
                self.attempts[ref].stopped = True
            case ev.StepApplied(ref=ref):
                self.attempts[ref].applied = True
            case ev.JobEnded(job=job):
                self.ended.add(job)

    def windows(self, job: int | None = None) -> Counter[Window]:
        """Where attempts stand now, of one job or of all."""
        return Counter(
            window
            for attempt in self.attempts.values()
            if job in (None, attempt.ref.job)
            for window in self.windows_of(attempt)
        )

    def process(self, attempt: Attempt) -> Path | None:
        """The directory of the last process that was intended."""
        if not attempt.records:
            return None
        record = attempt.records[-1]
        root = Paths(self.state_dir).attempt(attempt.ref) / "processes"
        return ProcessPlaces(root).newest(record.phase, record.key).directory

    def windows_of(self, attempt: Attempt) -> Iterator[Window]:
        """Where an attempt stands; nowhere where no window has a name."""
        directory = self.process(attempt)
        if attempt.applied:
            phases = {record.phase for record in attempt.records}
            if "cleanup" not in phases:
                yield Window.APPLIED
            elif directory is not None and window_of(directory) is Window.AT_WORK:
                yield Window.CLEANUP
        elif directory is None:
            yield Window.STARTED
        else:
            here = window_of(directory)
            if here is not None:
                yield here
            if here is Window.AT_WORK and attempt.cleanup:
                yield Window.OWED
            if here is Window.AT_WORK and attempt.stopped:
                yield _window_of_stop(directory)


def window_of(directory: Path) -> Window | None:
    """Where a process of `apply` stands whose end is not in the journal."""
    match state.look(directory):
        case NotStarted():
            return Window.INTENDED
        case Starting():
            return Window.CLAIMED
        case Running(pid=pid, start_time=start_time):
            works = identity.is_alive(pid, start_time)
            return Window.AT_WORK if works else Window.ENDED
        case Exited():
            return Window.ON_DISK
        case _:
            return None


def _window_of_stop(directory: Path) -> Window:
    signals = [path.name for path in (directory / records.SIGNALS).glob("*")]
    if any(name.endswith(records.CLAIM) for name in signals):
        return Window.DELIVERED
    return Window.ASKED if signals else Window.STOPPING


def window_of_start(journal: Journal, pid: int, log: Path) -> Window | None:
    """Where a daemon stands that is not ready."""
    lock = journal.state_dir / "daemon.lock"
    if not lock.exists() or lock.read_text().strip() != str(pid):
        return None
    if journal.read().daemon != pid:
        return Window.OPENED
    return None if pid in ready_pids(log) else Window.STARTING


def ready_pids(log: Path) -> set[int]:
    """The daemons that wrote that they are ready."""
    lines = log.read_text().splitlines() if log.exists() else []
    return {json.loads(line)["pid"] for line in lines if '"event": "ready"' in line}
