"""The single writer: decides commands in order, and commits what they mean in groups.

No answer, no effect and no reader sees an event before its commit: whoever reads the world holds
`reading`. If a commit fails, memory returns to what is on disk, requests are refused and
observations are tried again.
"""

import itertools
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog
import trio

from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.events import JobSubmitted, Stamped
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Job
from orchestrator.core.language.rejections import Rejection
from orchestrator.core.rules.submissions import demand_same_request
from orchestrator.core.world.world import World
from orchestrator.engine import debug_log
from orchestrator.engine.clock import Clock
from orchestrator.engine.feed import Batch, Feed, OpenJob, Recorded, open_job
from orchestrator.store.errors import CommitFailed, CommitUnknown, DatabaseDamaged
from orchestrator.store.protocol import Store

log = structlog.get_logger(__name__)

RETRY_AFTER = 1.0
"""Seconds until observations are tried again after a commit that failed."""


class WriterClosed(Exception):
    """The daemon stops; nothing was done. Try again when it is back."""


class CommandResult:
    """What became of one command: its own events, and the job that it asked for, if it has one.

    `open` is that job as the commit left it, None if it had ended before. Whoever read the world
    for it would wait for the commit after this one.
    """

    def __init__(
        self, recorded: Batch = (), job: int | None = None, open: OpenJob | None = None
    ) -> None:
        self.recorded = recorded
        self.job = job
        self.open = open


class _Entry:
    """A command that waits for its answer."""

    def __init__(self, command: cmd.Command) -> None:
        self.command = command
        self.answered = trio.Event()
        self.events: list[Stamped] = []
        self.answer = CommandResult()
        self.error: Exception | None = None
        self.given_up = False

    @property
    def recorded(self) -> Batch:
        """Its own events, once they are committed."""
        return self.answer.recorded

    @property
    def is_moot(self) -> bool:
        """Whether an adapter saw or intended this and was cancelled: it is not true any more."""
        told = isinstance(self.command, cmd.Observation) and not isinstance(
            self.command, cmd.NoteWarning
        )
        return self.given_up and told

    @property
    def may_wait(self) -> bool:
        """Observations are tried again; people are told at once."""
        return isinstance(self.command, cmd.Observation | cmd.SeeClient)

    def succeed(self, answer: CommandResult) -> None:
        self.answer = answer
        self.answered.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.answered.set()


class Writer:
    """Owns the world.

    `on_commit` is told which environments a commit touched; `die` ends the process when nobody
    can know what is on disk.
    """

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Clock,
        feed: Feed,
        on_commit: Callable[[set[str]], None],
        die: Callable[[Exception], NoReturn],
    ) -> None:
        self.world = world
        self._store = store
        self._clock = clock
        self._feed = feed
        self._on_commit = on_commit
        self._die = die
        self._waiting: list[_Entry] = []
        self._batch: list[_Entry] = []
        self._postponed: list[_Entry] = []
        self._retry_at = math.inf
        self._wake = trio.Event()
        self._lock = trio.Lock()
        self._closed = False
        self._drained = trio.Event()
        self._over = False

    async def execute(self, command: cmd.Command) -> CommandResult:
        """Commit what a command means.

        Raises a Rejection, CommitFailed or WriterClosed. The latter two come to requests only: an
        observation waits for the disk, and after `close` for the end of the process, so that what
        an adapter does is not unwound.
        """
        [entry] = self._enqueue([command])
        return await self._answer_to(entry)

    async def execute_together(self, commands: Sequence[cmd.Command]) -> None:
        """Commit what several commands mean before anything follows from any of them. Raises as
        `execute`."""
        for entry in self._enqueue(commands):
            await self._answer_to(entry)

    def _enqueue(self, commands: Sequence[cmd.Command]) -> list[_Entry]:
        entries = [_Entry(command) for command in commands]
        if self._over or (self._closed and not all(entry.may_wait for entry in entries)):
            raise WriterClosed
        self._waiting += entries
        self._wake.set()
        return entries

    async def _answer_to(self, entry: _Entry) -> CommandResult:
        try:
            await entry.answered.wait()
        except trio.Cancelled:
            entry.given_up = True
            raise
        if entry.error is not None:
            raise entry.error
        return entry.answer

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[World]:
        """The world, as committed. Nothing is written meanwhile, so be quick."""
        async with self._lock:
            yield self.world

    async def close(self) -> None:
        """Take no more commands, and wait until those taken are committed."""
        self._closed = True
        self._wake.set()
        await self._drained.wait()

    async def run(self) -> None:
        """Commit until closed and drained, and then no more. Whoever waits at its end is told."""
        try:
            while not self._closed or self._waiting:
                if not self._waiting and trio.current_time() < self._retry_at:
                    await self._pause()
                    continue
                self._batch = self._next_batch()
                async with self._lock:
                    await self._commit_safely(self._batch)
            self._drained.set()
            # Returning would tell whatever still waits for the disk WriterClosed: adapters would
            # see an error and unwind what a stop of the daemon must not touch (decision 0007).
            await trio.sleep_forever()
        finally:
            self._over = True
            self._drained.set()
            self._turn_away([*self._batch, *self._waiting, *self._postponed])

    def _next_batch(self) -> list[_Entry]:
        """All that waits, and the postponed ones when their time has come."""
        batch, self._waiting = self._waiting, []
        if trio.current_time() >= self._retry_at:
            batch = [*self._postponed, *batch]
            self._postponed, self._retry_at = [], math.inf
        return [entry for entry in batch if not entry.is_moot]

    async def _pause(self) -> None:
        """Until a command comes, or postponed ones are due."""
        self._wake = trio.Event()
        with trio.move_on_at(self._retry_at):
            await self._wake.wait()

    def _turn_away(self, entries: list[_Entry]) -> None:
        for entry in entries:
            if not entry.answered.is_set():
                entry.fail(WriterClosed())

    async def _commit_safely(self, batch: list[_Entry]) -> None:
        """An error of ours in one command must not take others with it."""
        try:
            await self._commit(batch)
        except CommitFailed as error:
            self._refuse(batch, error)
        except (CommitUnknown, DatabaseDamaged) as error:
            # Memory can neither keep nor take back what may be on disk: after a wrong guess a tool
            # is started twice, or never. The next start reads what is true.
            self._die(error)
        except Exception as error:
            self.world.rollback()
            if len(batch) == 1:
                log.exception("command failed", command=type(batch[0].command).__name__)
                batch[0].fail(error)
                return
            for entry in batch:
                entry.events = []
                await self._commit_safely([entry])

    def _refuse(self, batch: list[_Entry], error: CommitFailed) -> None:
        self.world.rollback()
        log.error("nothing can be written", error=str(error))
        for entry in batch:
            if entry.may_wait:
                entry.events = []
                self._postponed.append(entry)
                self._retry_at = min(self._retry_at, trio.current_time() + RETRY_AFTER)
            else:
                entry.fail(error)

    async def _commit(self, batch: list[_Entry]) -> None:
        known = await self._known_keys(batch)
        now = self._clock.now()
        world = self.world
        world.begin()
        happened: list[Stamped] = []
        refused: dict[_Entry, Rejection] = {}
        for entry in batch:
            try:
                entry.events = self._decide(entry, known.get(entry), now)
            except Rejection as rejection:
                refused[entry] = rejection
            happened += entry.events
        # Once, after the events of all commands: `_answer` deals the lines out by their number, so
        # one of these among them would shift every answer that follows.
        happened += settle(world, now)
        recorded = await self._append(happened)
        touched = {job.environment for job in world.changes.jobs.values()}
        touched.update(world.changes.environments)
        world.commit()
        self._answer(batch, refused, recorded, known)
        debug_log.committed(batch, recorded)
        if recorded:
            self._feed.publish(recorded)
            self._on_commit(touched)

    def _decide(self, entry: _Entry, known: Job | None, now: Instant) -> list[Stamped]:
        """The events of one command; none for a submission that was accepted before."""
        if known is None:
            return take(self.world, entry.command, now)
        assert isinstance(entry.command, cmd.Submit | cmd.Retry)
        demand_same_request(known, entry.command.key or "", entry.command.request)
        return []

    async def _append(self, happened: Sequence[Stamped]) -> Batch:
        if not happened:
            return ()
        ids = await self._store.append(happened, self.world.changes, self.world.drain)
        return tuple(
            Recorded(id=id, stamped=stamped) for id, stamped in zip(ids, happened, strict=True)
        )

    def _answer(
        self,
        batch: list[_Entry],
        refused: dict[_Entry, Rejection],
        recorded: Batch,
        known: dict[_Entry, Job],
    ) -> None:
        lines = iter(recorded)
        for entry in batch:
            if entry in refused:
                entry.fail(refused[entry])
                continue
            own = tuple(itertools.islice(lines, len(entry.events)))
            id = known[entry].id if entry in known else self._job_of(entry.command, own)
            job = None if id is None else self.world.jobs.get(id)
            entry.succeed(
                CommandResult(own, id, None if job is None else open_job(self.world, job))
            )

    def _job_of(self, command: cmd.Command, own: Batch) -> int | None:
        """The job of a submission: a new one, or the open one that its key has."""
        if not isinstance(command, cmd.Submit | cmd.Retry):
            return None
        for recorded in own:
            if isinstance(recorded.stamped.event, JobSubmitted):
                return recorded.stamped.event.job
        return (
            None if command.key is None else self.world.keys.get((command.caller.uid, command.key))
        )

    async def _known_keys(self, batch: list[_Entry]) -> dict[_Entry, Job]:
        """The jobs of earlier submissions whose key comes again. One that is open may have ended
        when the repeat is decided."""
        asked = {
            entry: (entry.command.caller.uid, entry.command.key)
            for entry in batch
            if isinstance(entry.command, cmd.Submit | cmd.Retry) and entry.command.key is not None
        }
        if not asked:
            return {}
        found = await self._store.jobs_by_keys(list(asked.values()))
        return {entry: found[key] for entry, key in asked.items() if key in found}
