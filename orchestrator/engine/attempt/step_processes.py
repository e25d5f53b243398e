"""The processes of one attempt: each is started at most once, however often it is asked for."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import structlog
import trio

from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import CallRecord, ProcessRecord, Record
from orchestrator.core.rules.observations import STOPPABLE
from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.engine.attempt.journal import ACQUIRE, APPLY, AttemptJournal
from orchestrator.engine.attempt.process_place import Launch, ProcessPlace, ProcessPlaces
from orchestrator.plugin import AdapterError, Exit, ProcessLost, StopRequested
from orchestrator.process import errors
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.spec import ProcessSpec
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

log = structlog.get_logger(__name__)

STOP_ID = "stop"
"""The id of the one graceful signal that a process ever gets."""
_MOST_GENERATIONS = 5
_CLOCKS_DIFFER = 1000
"""Milliseconds by which a process may seem to have begun before what was journalled ahead of it:
its start is counted in ticks, and by another reading of the clock."""


class KeyInUse(Exception):
    """An adapter used one key for a process and for a call; its two uses must differ."""


class ProcessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A process that an adapter asks for, under its key."""

    phase: str
    key: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    stop_signal: int | None
    separate_stdout: bool


class AttemptProcesses:
    """Starts, adopts, stops the processes of one attempt, in all its phases."""

    def __init__(
        self,
        paths: AttemptPaths,
        host: ProcessHost,
        journal: AttemptJournal,
        max_log_bytes: int | None,
        token: str = "",
        began: Instant | None = None,
    ) -> None:
        self._places = ProcessPlaces(paths.processes)
        self._token = token
        self._began = began
        self._log = paths.log
        self._host = host
        self._journal = journal
        self._max_log_bytes = max_log_bytes
        self._interrupted = False
        self._closed: set[str] = set()

    async def run(self, request: ProcessRequest) -> Exit:
        """Start it, adopt it, or answer with its recorded exit.

        Raises StopRequested, ProcessLost, AdapterError (the host cannot start it), KeyInUse.
        """
        record = self._journal.record(request.phase, request.key)
        place = self._places.newest(request.phase, request.key)
        self._refuse_foreign(place, request, record)
        boot_id = read_boot_id()
        match record:
            case CallRecord():
                raise KeyInUse(f"{request.phase}: {request.key!r} is the key of a call already")
            case ProcessRecord():
                boot_id = record.boot_id
                _tell("process adopted", place, phase=request.phase, key=request.key)
            case None:
                self._refuse_after_stop(request.phase)
                await self._journal.intend_process(request.phase, request.key)
                await self._start(place, request)
        while (ended := await self._end(place, request, boot_id)) is None:
            place = place.next()
            await self._start(place, request)
        _tell("process ended", place, code=ended.code, signal=ended.signal)
        return self._exit(place, ended)

    async def _end(
        self, place: ProcessPlace, request: ProcessRequest, boot_id: str
    ) -> ProcessExit | None:
        """How the process here ended; None when it provably never ran, nor ever will."""
        try:
            match self._host.look(place.directory):
                # Nothing but `status` is synced, so a power cut may have lost `started` of a tool
                # that ran: an empty directory proves nothing across boots, and starting again might
                # do it all twice.
                case NotStarted() if boot_id != read_boot_id():
                    raise ProcessLost(
                        f"{request.key} ({request.argv[0]}): the host went down about when it was "
                        "started; nobody can know whether it ran"
                    )
                # A request of an earlier daemon may lie with the keeper still. Voided, its
                # supervisor gives up; without that its tool would run beside the one that is
                # started next (decision 0009).
                case NotStarted() if self._host.void(place.directory):
                    return None
                case Void() | NeverRan():
                    return None
                case _:
                    return await self._attend(place, request)
        except (errors.ProcessNotStarted, errors.ProcessNeverRan):
            return None
        except errors.EndUnknown as lost:
            raise ProcessLost(f"{request.key} ({request.argv[0]}): {lost}") from lost

    def _is_ours(self, place: ProcessPlace, record: ProcessRecord | None = None) -> bool:
        """Whether what was started here, if anything was, is a process of this job.

        After a restore a number may have been another job's before. Its records would prove that
        this job's tool has run, and how: a deploy called success that never was (decision 0025).
        """
        owner = self._host.owner(place.directory)
        if owner is None:
            return True
        return owner == self._token and (bool(owner) or self._agrees(place, record))

    def _agrees(self, place: ProcessPlace, record: ProcessRecord | None) -> bool:
        """Whether records without a token, as an earlier release left them, can be this job's.

        That release gave numbers out again: the records of who had this one before are from before
        the attempt began, or of a boot in which it intended nothing.
        """
        if self._began is None:
            return True
        started = self._host.started_at(place.directory)
        if started is None:
            return False
        boot_id, milliseconds = started
        if boot_id == self._began.boot_id:
            return milliseconds + _CLOCKS_DIFFER >= self._began.boot
        return record is None or record.boot_id == boot_id

    def _refuse_foreign(
        self, place: ProcessPlace, request: ProcessRequest, record: Record | None
    ) -> None:
        if not self._is_ours(place, record if isinstance(record, ProcessRecord) else None):
            raise ProcessLost(
                f"{request.key} ({request.argv[0]}): the records in {place.directory} are of "
                "another job that had this number; see: orchestrator unknown"
            )

    def _all(self, phase: str = "") -> Iterator[ProcessPlace]:
        """The processes of this attempt. Another job's are not signalled, nor proof of anything."""
        return (place for place in self._places.all(phase) if self._is_ours(place))

    def _refuse_after_stop(self, phase: str) -> None:
        stopping = self._journal.stop is not None or self._interrupted
        if phase in self._closed or (stopping and phase in STOPPABLE):
            raise StopRequested(f"{phase}: a stop came before this process")

    async def _start(self, place: ProcessPlace, request: ProcessRequest) -> None:
        """Start it in this place. Not cancelled half way, so that whoever kills can find it."""
        # Asked again: a stop or a kill that came while the intent was being committed has looked
        # for processes already, and would not find the one that begins here.
        self._refuse_after_stop(request.phase)
        if place.generation > _MOST_GENERATIONS:
            raise AdapterError(
                f"{request.argv[0]} was not started: its supervisor died {_MOST_GENERATIONS} times "
                "before it could begin; look for what kills processes on this host (memory?)"
            )
        launch = Launch(request.stop_signal, request.separate_stdout)
        try:
            place.prepare(launch)
            with trio.CancelScope(shield=True):
                await self._host.start(place.directory, self._spec(place, request))
            _tell("process started", place, phase=request.phase, key=request.key)
        except (errors.StartRefused, errors.KeeperUnavailable, OSError) as error:
            if self._host.void(place.directory):
                raise AdapterError(f"{request.argv[0]} was not started: {error}") from error

    def _spec(self, place: ProcessPlace, request: ProcessRequest) -> ProcessSpec:
        return ProcessSpec(
            argv=request.argv,
            env=request.env,
            cwd=str(request.cwd),
            stdout=str(place.stdout if request.separate_stdout else self._log),
            stderr=str(self._log),
            stop_signal=request.stop_signal,
            max_log_bytes=self._max_log_bytes,
            owner=self._token,
        )

    async def _attend(self, place: ProcessPlace, request: ProcessRequest) -> ProcessExit:
        """Wait for its end. A stop of `acquire` reaches it here; one of `apply` by `interrupt`."""
        if request.phase == APPLY and self._interrupted:
            await self._ask_to_stop(place)
        if request.phase != ACQUIRE:
            return await self._host.wait(place.directory)
        try:
            with trio.CancelScope(shield=request.stop_signal is None):
                ended = await self._host.wait(place.directory)
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await self._stop_and_wait(place)
            raise
        return ended

    async def _stop_and_wait(self, place: ProcessPlace) -> None:
        if self._never_starts(place):
            return
        await self._ask_to_stop(place)
        with contextlib.suppress(errors.ProcessError):
            await self._host.wait(place.directory)

    async def _ask_to_stop(self, place: ProcessPlace) -> bool:
        """Deliver its stop signal, once for all times. False: it has ended, or must not get one."""
        launch = place.read_launch()
        if launch is None or launch.stop_signal is None:
            return False
        if not isinstance(self._host.look(place.directory), Starting | Running):
            return False
        taken = await self._host.signal_once(place.directory, STOP_ID, launch.stop_signal)
        _tell("stop signal", place, signal=signal_name(launch.stop_signal), taken=taken)
        return True

    async def interrupt(self) -> bool:
        """Ask each running process of `apply` to stop; from now on none begins there.

        True if there was one to ask.
        """
        self._interrupted = True
        asked = [await self._ask_to_stop(place) for place in self._all(APPLY)]
        return any(asked)

    async def end_phase(self, phase: str) -> None:
        """Ask each running process of a phase to stop and wait for its end.

        For an `acquire` that is not entered again after a restart because a stop was journalled,
        and for a phase that ended without having asked for all that it had started.
        """
        async with trio.open_nursery() as nursery:
            for place in self._all(phase):
                nursery.start_soon(self._stop_and_wait, place)

    async def wait_for_all(self, phase: str) -> None:
        """Wait until no process of a phase runs. A stop that was asked for reaches them."""
        for place in self._all(phase):
            if not self._never_starts(place):
                with contextlib.suppress(errors.ProcessError):
                    await self._host.wait(place.directory)

    async def ask_to_stop(self) -> None:
        """Ask each running process to stop that a stop is for: what asks for one, and what cleans
        up, goes on."""
        async with trio.open_nursery() as nursery:
            for phase in STOPPABLE:
                for place in self._all(phase):
                    nursery.start_soon(self._ask_to_stop, place)

    def uninterruptible(self, phase: str) -> list[int]:
        """The running processes of a phase that get no signal of a stop."""
        return [
            state.pid
            for place in self._all(phase)
            if isinstance(state := self._host.look(place.directory), Running)
            and (launch := place.read_launch()) is not None
            and launch.stop_signal is None
        ]

    async def kill(self, phase: str = "", *, only: bool = False) -> None:
        """Kill every process tree of the attempt, or `only` of this phase; none begins in this
        phase any more.

        Raises process.errors.TreeNotDead when something survives.
        """
        self._closed.add(phase)
        survivors: list[str] = []
        async with trio.open_nursery() as nursery:
            for place in self._all(phase if only else ""):
                nursery.start_soon(self._kill, place, survivors)
        if survivors:
            raise errors.TreeNotDead("; ".join(survivors))

    async def _kill(self, place: ProcessPlace, survivors: list[str]) -> None:
        if self._never_starts(place):
            return
        _tell("killing process tree", place)
        try:
            await self._host.kill_tree(place.directory)
        except errors.TreeNotDead as error:
            survivors.append(str(error))

    def _never_starts(self, place: ProcessPlace) -> bool:
        """Keep what has not begun from beginning: an earlier daemon may have asked for it. Whether
        it had not."""
        not_started = isinstance(self._host.look(place.directory), NotStarted)
        return not_started and self._host.void(place.directory)

    async def sweep(self) -> None:
        """End what ended processes left behind. Raises process.errors.TreeNotDead."""
        for place in self._all():
            if isinstance(self._host.look(place.directory), Exited | Lost):
                await self._host.sweep(place.directory)

    def is_dead(self) -> bool:
        """Whether no process of the attempt, nor what one left behind, can be alive."""
        return all(self._host.is_tree_dead(place.directory) for place in self._all())

    def has_begun(self, phase: str = "") -> bool:
        """Whether a process of the attempt, or of one phase, was ever about to be started."""
        return any(True for _ in self._all(phase))

    def at_work(self) -> str:
        """What of the attempt may be alive, in words; empty where it is proven that nothing is.

        For whoever starts nothing any more: what has not begun by now never will.
        """
        alive = [self._named(place) for place in self._all() if self._may_live(place)]
        if not alive:
            return ""
        return f"{' and '.join(alive)} {'is' if len(alive) == 1 else 'are'} at work"

    async def until_next_end(self) -> None:
        """Until one of those that may be alive is dead, if any is."""
        async with trio.open_nursery() as nursery:
            for place in self._all():
                if self._may_live(place):
                    nursery.start_soon(self._until_dead, place, nursery.cancel_scope)

    async def _until_dead(self, place: ProcessPlace, scope: trio.CancelScope) -> None:
        await self._host.wait_until_dead(place.directory)
        scope.cancel()

    def _may_live(self, place: ProcessPlace) -> bool:
        return not self._never_starts(place) and not self._host.is_tree_dead(place.directory)

    def _named(self, place: ProcessPlace) -> str:
        match self._host.look(place.directory):
            case Running(pid=pid):
                return f"its process {pid}"
            case Starting():
                return f"its process {place.directory.name}, which is about to begin,"
            case _:
                return f"what its process {place.directory.name} left behind"

    def recorded_exit(self, phase: str, key: str) -> Exit | None:
        """How the process of this key ended, None if it has not or nobody knows."""
        place = self._places.newest(phase, key)
        match self._host.look(place.directory):
            case Exited(ended) if self._is_ours(place):
                return self._exit(place, ended)
            case _:
                return None

    def stdout_of(self, phase: str, key: str) -> Path | None:
        """Where its stdout goes, None if it was never started."""
        place = self._places.newest(phase, key)
        launch = place.read_launch()
        if launch is None or not self._is_ours(place):
            return None
        return place.stdout if launch.separate_stdout else self._log

    def _exit(self, place: ProcessPlace, ended: ProcessExit) -> Exit:
        launch = place.read_launch()
        separate = launch is not None and launch.separate_stdout
        return Exit(
            code=ended.code,
            signal=None if ended.signal is None else signal_name(ended.signal),
            stdout=str(place.stdout if separate else self._log),
            stderr=str(self._log),
            error=ended.error,
        )


def _tell(event: str, place: ProcessPlace, **fields: Any) -> None:
    """Tell at `debug` what became of a process, and where its record lies. Its arguments may hold
    secrets."""
    log.debug(event, **fields, record=str(place.directory))


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; `SIG40` for one of the real-time signals, which have no names."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
