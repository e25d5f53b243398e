"""The engine: one world, one writer, its effects and timers, and what the API asks of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec
import trio
from msgspec.structs import replace

from orchestrator.core.decide import happen, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.model import Job, JobFinished, JobPreparing, StepRef
from orchestrator.core.language.rejections import (
    JobAlreadyFinished,
    JobNotFinished,
    Rejection,
    UnknownJob,
)
from orchestrator.core.rules.admission import Blocker, blockers
from orchestrator.core.rules.approvals import nothing_asked
from orchestrator.core.rules.payment import debts_paid_by
from orchestrator.core.rules.wanted import next_look
from orchestrator.core.world.world import World
from orchestrator.engine import debug_log
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.authorization import RefusalLog, refuse_by_plugin
from orchestrator.engine.clock import Clock
from orchestrator.engine.effects import Effects
from orchestrator.engine.feed import Batch, Feed, OpenJob
from orchestrator.engine.live import Live, LiveStep
from orchestrator.engine.secrets.job_secrets import secret_names, secret_values
from orchestrator.engine.survey import Survey, survey
from orchestrator.engine.unknown_runs import UnknownRuns
from orchestrator.engine.writer import CommandResult, Writer
from orchestrator.plugin.registry import LoadedPlugin
from orchestrator.store.protocol import PhaseName, Store


class SubmittedJob(msgspec.Struct, frozen=True):
    """The job of a submission; `created` is false where its key had one already.

    `open` is the job as its commit left it, None if it has ended (its key had one).
    """

    job: int
    created: bool
    open: OpenJob | None = None


class Preview(msgspec.Struct, frozen=True):
    """What a submission would be, what it would wait for now, and the jobs whose debts it would
    pay, for which it asks nobody."""

    definition: JobDefinition
    params: dict[str, str]
    blockers: tuple[Blocker, ...]
    pays: tuple[int, ...]


class Reloaded(msgspec.Struct, frozen=True):
    """What a reload did: whether anything changed, or (then nothing did) every mistake."""

    changed: bool
    mistakes: tuple[str, ...] = ()


class Surroundings(Protocol):
    """What the engine is run in: configuration directory and plugins. The composition root."""

    @property
    def directory(self) -> Path:
        """The configuration directory."""
        ...

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What kept the directory from being accepted when it was read last."""
        ...

    @property
    def plugins(self) -> tuple[LoadedPlugin, ...]:
        """The plugins, the broken ones too."""
        ...

    def authorize(self, user: str, action: str, target: str) -> bool | None:
        """What plugins say of a request: False denies it."""
        ...

    async def reload(self, caller: cmd.Caller) -> Reloaded:
        """Read the directory again and put it into force. Raises NotPermitted, CommitFailed."""
        ...

    def die(self, error: Exception) -> NoReturn:
        """End the process at once, unwinding nothing: what is on disk must be read again."""
        ...


class RetryRequest(msgspec.Struct, frozen=True):
    """Who wants which job again, with today's definition or (not `latest`) the one it had."""

    caller: cmd.Caller
    job: int
    latest: bool = False
    reason: str = ""
    key: str | None = None
    digest: str = ""


class Engine:
    """Made by `running`; every method may be called from any task of its run."""

    def __init__(
        self,
        world: World,
        store: Store,
        clock: Clock,
        surroundings: Surroundings,
        make_workbench: Callable[[Writer, Live], Workbench],
    ) -> None:
        self.store = store
        self.surroundings = surroundings
        self.clock = clock
        self.feed = Feed()
        self.live = Live()
        self.writer = Writer(world, store, clock, self.feed, self._committed, surroundings.die)
        self.workbench = make_workbench(self.writer, self.live)
        self.unknown = UnknownRuns(self.workbench, world, store)
        self._effects = Effects(world, self.writer, store, self.workbench, self.unknown)
        self._refusals = RefusalLog(clock)
        self._rearm = trio.Event()

    # --- running ---------------------------------------------------------------------------

    async def run(self, opening: list[cmd.Command], task_status: trio.TaskStatus[None]) -> None:
        """Recover, commit `opening`, and work until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.writer.run)
            seen = survey(self.workbench.paths, self.writer.world, self.workbench.processes)
            for job in seen.dead:
                await self.unknown.set_aside(job)
            # Together: after the first alone an owed cleanup might get a number whose directory is
            # there, or a job begin under a configuration that is no longer in force.
            await self.writer.execute_together([_surveyed(command, seen) for command in opening])
            self.workbench.settle_parameters(self.writer.world)
            self._effects.open(nursery)
            nursery.start_soon(self._watch_clock)
            task_status.started()

    def _committed(self, touched: set[str]) -> None:
        debug_log.not_admitted(self.writer.world, touched)
        self._effects.look(touched)
        self._rearm.set()

    async def _watch_clock(self) -> None:
        """Sleep until the next deadline; a commit may have changed which that is."""
        while True:
            self._rearm = trio.Event()
            async with self.reading() as world:
                due = next_look(world)
            seconds = float("inf")
            if due is not None:
                seconds = max(0.0, (due - self.clock.now().boot) / 1000)
            with trio.move_on_after(seconds):
                await self._rearm.wait()
                continue
            await self.writer.execute(cmd.LookAtClock())

    # --- asking ----------------------------------------------------------------------------

    def reading(self) -> AbstractAsyncContextManager[World]:
        """The committed world; nothing is written meanwhile."""
        return self.writer.reading()

    async def execute(self, command: cmd.Command) -> Batch:
        """Commit what a command means; its own events. Raises a Rejection or CommitFailed."""
        return (await self._execute(command)).recorded

    async def _execute(self, command: cmd.Command) -> CommandResult:
        try:
            refuse_by_plugin(self.surroundings.authorize, command)
            return await self.writer.execute(command)
        except Rejection as rejection:
            caller = getattr(command, "caller", None)
            if isinstance(caller, cmd.Caller):
                self._refusals.note(caller, rejection)
            raise

    async def submit(self, request: cmd.Submit, from_file: Iterable[str] = ()) -> SubmittedJob:
        """Queue a job, or answer with the one that its key has. Raises as `execute`.

        `from_file` are the parameters that were not given openly; the secret ones are kept apart.
        """
        values = secret_values(request, from_file, self.writer.world.configuration)
        if not values:
            return _submission(await self._execute(request))
        request = replace(request, secret_digests=await self.workbench.parameters.digests(values))
        with trio.CancelScope(shield=True):  # whether a job has them must be known
            async with self.workbench.parameters.keeping(values) as kept:
                answer = await self._execute(replace(request, secrets=kept.references))
                kept.in_use = bool(answer.recorded)
        return _submission(answer)

    def secret_names(self, pipeline: str) -> frozenset[str]:
        """The secret parameters of a pipeline."""
        return secret_names(self.writer.world.configuration, pipeline)

    async def retry(self, request: RetryRequest) -> SubmittedJob:
        """Queue the like of a finished job. Raises UnknownJob, JobNotFinished, and as `execute`."""
        job = await self.job(request.job)
        if not isinstance(job.phase, JobFinished):
            raise JobNotFinished(job.id, PhaseName.of(job.phase).value)
        command = cmd.Retry(
            caller=request.caller,
            job=job.id,
            pipeline=job.pipeline,
            environment=job.environment,
            params=job.params,
            definition=await self.definition(job),
            latest=request.latest,
            reason=request.reason,
            priority=job.priority,
            labels=job.labels,
            url=job.url,
            key=request.key,
            request=request.digest,
            secrets=job.secrets,
            secret_digests=job.secret_digests,
            pays=job.owed_by,
        )
        return _submission(await self._execute(command))

    async def cancel(self, request: cmd.Cancel) -> Batch:
        """Ask a job to stop. Raises UnknownJob, JobAlreadyFinished, and as `execute`."""
        job = await self.job(request.job)
        if isinstance(job.phase, JobFinished):
            raise JobAlreadyFinished(job.id, job.phase.conclusion.value)
        return await self.execute(request)

    async def answer(self, request: cmd.Approve | cmd.Reject) -> Batch:
        """Say yes or no to what a job, or a step of it, asks. Raises UnknownJob, NothingToApprove,
        and as `execute`."""
        job = await self.job(request.job)
        if isinstance(job.phase, JobFinished):
            raise nothing_asked(job, request.step)
        return await self.execute(request)

    async def preview(self, request: cmd.Submit, from_file: Iterable[str] = ()) -> Preview:
        """What `submit` would do, without doing it or looking at its key. Raises a Rejection.

        The blockers of a job that would prepare first are what it would meet, were it ready now.
        """
        values = secret_values(request, from_file, self.writer.world.configuration)
        request = replace(request, key=None, secrets=dict.fromkeys(values, "nowhere"))
        # Without digests: whoever may ask could try one guess of a secret after the other.
        async with self.reading() as world:
            world.begin()
            try:
                now = self.clock.now()
                take(world, request, now)
                job = world.jobs[max(world.changes.jobs)]
                pays = tuple(debt.job for debt in debts_paid_by(world, job))
                found = list(blockers(world, job))
                if isinstance(job.phase, JobPreparing):
                    happen(world, ev.Stamped(at=now, by=None, event=ev.JobReady(job=job.id)))
                    later = blockers(world, world.jobs[job.id])
                    found += [blocker for blocker in later if blocker not in found]
                return Preview(
                    definition=world.definition(job),
                    params=job.params,
                    blockers=tuple(found),
                    pays=pays,
                )
            finally:
                world.rollback()

    async def job(self, id: int) -> Job:
        """A job, open or finished. Raises UnknownJob."""
        async with self.reading() as world:
            open_job = world.jobs.get(id)
        job = open_job or await self.store.job(id)
        if job is None:
            raise UnknownJob(id)
        return job

    async def definition(self, job: Job) -> JobDefinition:
        """What a job keeps of its configuration. Raises UnknownJob if that was pruned."""
        async with self.reading() as world:
            known = world.definitions.get(job.definition)
        definition = known or await self.store.definition(job.definition)
        if definition is None:
            raise UnknownJob(job.id)
        return definition

    def live_step(self, ref: StepRef) -> LiveStep:
        """What is true of an attempt only now."""
        return LiveStep(
            pid=self.workbench.pid(ref),
            progress=self.live.progress(ref),
            last_output_at=self.workbench.last_output_at(ref),
        )


def _surveyed(command: cmd.Command, seen: Survey) -> cmd.Command:
    """The command of an opening, with what only the state directory tells."""
    if not isinstance(command, cmd.OpenDaemon):
        return command
    return replace(
        command,
        numbers_from=seen.numbers_from,
        unknown=seen.unknown,
        set_aside=seen.dead,
        ran=seen.ran,
    )


def _submission(answer: CommandResult) -> SubmittedJob:
    assert answer.job is not None
    return SubmittedJob(job=answer.job, created=bool(answer.recorded), open=answer.open)


@asynccontextmanager
async def running(engine: Engine, opening: list[cmd.Command]) -> AsyncIterator[Engine]:
    """The engine at work. Leaving cancels its tasks; processes are not touched."""
    async with trio.open_nursery() as nursery:

        async def start(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            await engine.run(opening, task_status)

        starter: Callable[..., Awaitable[None]] = start
        await nursery.start(starter)
        try:
            yield engine
        finally:
            nursery.cancel_scope.cancel()
