"""People who submit, cancel, force, waive and retry at random, and the admin who ends it all."""

from collections.abc import Awaitable, Callable

import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.model import (
    Job,
    JobCancelling,
    JobPreparing,
    JobQueued,
    JobRunning,
    StepRef,
)
from orchestrator.core.language.rejections import KeyReused, Rejection
from orchestrator.core.rules.admission import blockers
from orchestrator.core.world.world import World as CoreWorld
from orchestrator.engine.engine import Engine, RetryRequest
from orchestrator.engine.writer import WriterClosed
from orchestrator.store.errors import CommitFailed
from tests.simulation.sim_mortal import Crashed
from tests.simulation.sim_seen import Violation
from tests.simulation.sim_world import World

ADA = Caller(uid=1000, user="ada", is_owner=True)
BOB = Caller(uid=1001, user="bob", is_owner=True)
EVE = Caller(uid=1002, user="eve", is_owner=True)
Action = Callable[[Engine], Awaitable[object]]
PATIENCE = 10_000.0
"""Seconds of virtual time within which everything must have ended, once faults have."""


class Person:
    """Asks for things, and remembers what was promised."""

    def __init__(self, world: World, caller: Caller) -> None:
        self.world = world
        self.caller = caller
        self.accepted: dict[str, int] = {}
        self._requests: list[cmd.Submit] = []

    async def act(self, times: int) -> None:
        """Do so many things, with pauses."""
        rng = self.world.rng
        actions: list[Callable[[Engine], Awaitable[object]]] = [
            *[self._submit] * 6,
            *[self._cancel] * 2,
            *[self._approve] * 4,
            self._reject,
            self._force,
            self._waive,
            self._recheck,
            self._stop_recheck,
            self._retry,
            self._drain,
            self._resume,
            self._reload,
            self._step_clock,
            self._kill_daemon,
        ]
        for _ in range(times):
            await trio.sleep(rng.choice((0.0, 0.0, 0.5, 2.0, 10.0)))
            await self._try(rng.choice(actions))

    async def _try(self, action: Action) -> None:
        engine = await self.world.reached()
        try:
            await action(engine)
        except KeyReused as error:
            raise Violation(str(error)) from error
        except (Rejection, CommitFailed, WriterClosed, Crashed):
            return

    def _some_request(self) -> cmd.Submit:
        """Something new, or (seldom) what was submitted before."""
        rng, configuration = self.world.rng, self.world.configuration
        if self._requests and rng.random() < 0.15:
            return rng.choice(self._requests)
        key = f"{self.caller.user}-{len(self._requests)}"
        request = self._payment(key) if rng.random() < 0.1 else None
        request = request or cmd.Submit(
            caller=self.caller,
            pipeline=rng.choice(list(configuration.pipelines)),
            environment=rng.choice(list(configuration.environments)),
            params={"version": rng.choice(("v1", "v2"))},
            priority=rng.choice((0, 0, 1)),
            key=key,
            request=key,
        )
        self._requests.append(request)
        return request

    def _payment(self, key: str) -> cmd.Submit | None:
        """What an admin types who says that today's cleanup pays what is owed."""
        witness = self.world.witness
        owed = [debt for debt in witness.owed.values() if witness.jobs[debt.job].ended is not None]
        if not owed:
            return None
        debt = self.world.rng.choice(owed)
        return cmd.Submit(
            caller=self.caller,
            pipeline=debt.pipeline,
            environment=witness.jobs[debt.job].environment,
            params={"version": "v3"},
            key=key,
            request=key,
            pays=debt.job,
        )

    async def _submit(self, engine: Engine) -> None:
        rng, request = self.world.rng, self._some_request()
        key = request.key or ""
        for _ in range(rng.choice((1, 2, 5))):  # again, as a client that got no answer does
            try:
                submission = await engine.submit(request)
            except (WriterClosed, Crashed, CommitFailed):
                engine = await self.world.reached()
                continue
            before = self.accepted.setdefault(key, submission.job)
            if before != submission.job:
                raise Violation(f"{key} was job {before}, and is job {submission.job} now")
            if rng.random() < 0.9:
                return

    def _some_job(self) -> int:
        rng, jobs = self.world.rng, self.world.witness.jobs
        running = [job for job, seen in jobs.items() if seen.admitted and not seen.ended]
        return rng.choice(running if running and rng.random() < 0.7 else [*jobs] or [1])

    def _some_environment(self) -> str:
        return self.world.rng.choice(list(self.world.configuration.environments))

    async def _cancel(self, engine: Engine) -> None:
        await engine.cancel(cmd.Cancel(caller=self.caller, job=self._some_job(), reason="no"))

    async def _force(self, engine: Engine) -> None:
        await engine.cancel(cmd.Cancel(caller=self.caller, job=self._some_job(), force=True))

    def _some_question(self) -> int:
        jobs = self.world.witness.jobs.items()
        asks = [
            job
            for job, seen in jobs
            if seen.asked or (seen.approval_since is not None and seen.ready is None)
        ]
        asks = [job for job in asks if not self.world.witness.jobs[job].ended]
        return self.world.rng.choice(asks) if asks else self._some_job()

    async def _approve(self, engine: Engine) -> None:
        await engine.execute(cmd.Approve(self.caller, self._some_question()))

    async def _reject(self, engine: Engine) -> None:
        await engine.execute(cmd.Reject(self.caller, self._some_question(), comment="no"))

    async def _waive(self, engine: Engine) -> None:
        await engine.execute(cmd.Waive(self.caller, self._some_environment(), "known"))

    async def _recheck(self, engine: Engine) -> None:
        await engine.execute(cmd.Recheck(self.caller, self._some_environment()))

    async def _stop_recheck(self, engine: Engine) -> None:
        name, force = self._some_environment(), self.world.rng.random() < 0.5
        await engine.execute(cmd.StopRecheck(self.caller, name, round=1, force=force))

    async def _retry(self, engine: Engine) -> None:
        latest = self.world.rng.random() < 0.5
        await engine.retry(RetryRequest(self.caller, self._some_job(), latest=latest))

    async def _drain(self, engine: Engine) -> None:
        await engine.execute(cmd.StartDrain(self.caller, cancel=self.world.rng.random() < 0.3))

    async def _resume(self, engine: Engine) -> None:
        await engine.execute(cmd.EndDrain(self.caller))

    async def _reload(self, engine: Engine) -> None:
        self.world.configuration = self.world.rng.choice(self.world.configurations)
        await engine.execute(self.world.acceptance(self.caller))

    async def _step_clock(self, engine: Engine) -> None:
        self.world.clock.step(self.world.rng.choice((-7200.0, -1.0, 30.0, 7200.0)))

    async def _kill_daemon(self, engine: Engine) -> None:
        if self.world.rates.crash and self.world.life is not None:
            self.world.life.end()


async def end_everything(world: World) -> None:
    """Without faults any more: force what hangs, waive what is closed, until nothing is open."""
    admin = Person(world, ADA)
    idle: set[tuple[int, StepRef]] = set()
    limit = trio.current_time() + PATIENCE
    while True:
        await admin._try(admin._resume)
        engine = await world.reached()
        try:
            if await _is_over(engine):
                return
            idle = await _demand_that_nothing_hangs(world, engine, idle)
            await _push(world, admin, engine)
        except (Crashed, WriterClosed):
            continue
        if trio.current_time() > limit:
            raise Violation(f"still open after {PATIENCE:g} s: {await _open(engine)}")
        await trio.sleep(30.0)


async def _is_over(engine: Engine) -> bool:
    async with engine.reading() as world:
        closed = [
            environment
            for environment in world.environments.values()
            if environment.quarantine or environment.debts
        ]
        return not world.jobs and not closed


async def _demand_that_nothing_hangs(
    world: World, engine: Engine, idle: set[tuple[int, StepRef]]
) -> set[tuple[int, StepRef]]:
    """A step at work has a tool that lives, or had until lately; the steps that have none, with
    the daemon's life. To be such a one twice in one life is to hang."""
    async with engine.reading() as state:
        if world.engine is not engine:  # it was killed meanwhile, perhaps in a transaction
            return set()
        if state.deadlines and state.deadlines[0][0] < world.clock.now().boot - 5000:
            raise Violation(f"the deadline {state.deadlines[0]} was missed")
        for job in state.jobs.values():
            _demand_a_reason_to_wait(state, job)
        active = [
            StepRef(job=job.id, step=step.name, attempt=step.attempt)
            for job in state.jobs.values()
            for step in job.steps
            if step.active and step.open_question is None
        ]
    found = set()
    for ref in active:
        processes = [
            execution.process for execution in world.witness.executions if execution.ref == ref
        ]
        waits = "wait" in world.witness.jobs[ref.job].settings(ref.step).acquire
        if processes and not waits and all(process.dead_for(25.0) for process in processes):
            found.add((world.lives, ref))
    if idle & found:
        raise Violation(f"{idle & found} hang: their tools have ended")
    return found


def _demand_a_reason_to_wait(state: CoreWorld, job: Job) -> None:
    """Nothing waits without something to wait for: a tool, a moment, a slot, people."""
    works = any(step.active for step in job.steps) or any(state.backing_off(job))
    left_to_seniors = len(list(state.slots.between))
    full = state.slots.in_use + left_to_seniors >= state.capacity
    if works or (full and isinstance(job.phase, JobPreparing | JobRunning | JobCancelling)):
        return
    if next(blockers(state, job), None) is None:
        raise Violation(f"job {job.id} waits for nothing: {job}")


async def _open(engine: Engine) -> str:
    async with engine.reading() as world:
        return f"{list(world.jobs.values())} {list(world.environments.values())}"


def executing(command: cmd.Command) -> Action:
    return lambda engine: engine.execute(command)


def cancelling(request: cmd.Cancel) -> Action:
    return lambda engine: engine.cancel(request)


async def _let_all_approve(world: World, job: int, step: str | None = None) -> None:
    for caller in (ADA, BOB, EVE):
        approve = cmd.Approve(caller, job, step)
        await Person(world, caller)._try(executing(approve))


async def _push(world: World, admin: Person, engine: Engine) -> None:
    """Cancel and force what runs long; waive what no cleanup will lift."""
    now = world.clock.now()
    async with engine.reading() as state:
        jobs = list(state.jobs.values())
        environments = list(state.environments.values())
    for job in jobs:
        if isinstance(job.phase, JobPreparing) and job.phase.approval is not None:
            await _let_all_approve(world, job.id)
        for step in job.steps:
            if step.open_question is not None:
                await _let_all_approve(world, job.id, step.name)
        since = job.submitted if job.run is None else job.run.started
        if isinstance(job.phase, JobQueued) or now.since(since) < 200_000:
            continue
        force = isinstance(job.phase, JobCancelling)
        request = cmd.Cancel(caller=ADA, job=job.id, force=force)
        await admin._try(cancelling(request))
    for environment in environments:
        if environment.quarantine is not None or environment.debts:
            waive = cmd.Waive(ADA, environment.name, "the end")
            quiet = not any(job.environment == environment.name for job in jobs)
            if environment.quarantine is not None or quiet:
                await admin._try(executing(waive))
