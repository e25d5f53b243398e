"""The daemon: status, drain, resume, reload."""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from orchestrator.api import plain, wire
from orchestrator.api.bodies import Drained, Nothing
from orchestrator.api.environments import debt, environment
from orchestrator.api.facts import DaemonFacts
from orchestrator.api.given import GivenCaller, GivenEngine, GivenFacts
from orchestrator.api.problems import Refusal, problem
from orchestrator.api.reading import demand_viewer, may_see, pending_approvals, seen
from orchestrator.api.unknown_runs import seen_unknown_runs
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.model import Job, JobQueued
from orchestrator.core.world.queues import queue_entry
from orchestrator.core.world.world import World
from orchestrator.engine.engine import Engine

QUEUED_SHOWN = 200
PREPARING_SHOWN = 200


@get("/v1/status", summary="One screen")
async def show_status(engine: GivenEngine, caller: GivenCaller, facts: GivenFacts) -> wire.Status:
    """The daemon, what runs, what waits, what is owed, as far as the caller may see it."""
    return await _status(engine, facts, caller)


@post("/v1/daemon/drain", summary="Admit nothing", status_code=HTTPStatus.OK)
async def drain(
    engine: GivenEngine,
    caller: GivenCaller,
    facts: GivenFacts,
    data: JSONBody[Drained | None] = None,
) -> wire.Status:
    """Start no new jobs; with `cancel`, also ask those that run to stop."""
    wanted = data or Drained()
    await engine.execute(cmd.StartDrain(caller, wanted.reason or "", wanted.cancel))
    return await _status(engine, facts, caller)


@post("/v1/daemon/resume", summary="Admit again", status_code=HTTPStatus.OK)
async def resume(
    engine: GivenEngine,
    caller: GivenCaller,
    facts: GivenFacts,
    data: JSONBody[Nothing | None] = None,
) -> wire.Status:
    """End the drain."""
    await engine.execute(cmd.EndDrain(caller))
    return await _status(engine, facts, caller)


@post("/v1/daemon/reload", summary="Read the configuration", status_code=HTTPStatus.OK)
async def reload(
    engine: GivenEngine,
    caller: GivenCaller,
    facts: GivenFacts,
    data: JSONBody[Nothing | None] = None,
) -> wire.Status:
    """Put the configuration directory into force; 422 with every mistake, and then nothing is."""
    reloaded = await engine.surroundings.reload(caller)
    if reloaded.mistakes:
        count = len(reloaded.mistakes)
        found = problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid-configuration",
            f"nothing was changed: the configuration has {count} mistake{'s' * (count > 1)}",
        )
        raise Refusal(msgspec.structs.replace(found, problems=reloaded.mistakes))
    return await _status(engine, facts, caller)


async def _status(engine: Engine, facts: DaemonFacts, caller: Caller) -> wire.Status:
    async with engine.reading() as world:
        demand_viewer(world, caller, "looking at the status")
        running = [job for name in sorted(world.running) for job in world.running_jobs(name)]
        preparing = [job for name in sorted(world.preparing) for job in world.preparing_jobs(name)]
        waiting = (job for job in world.jobs.values() if isinstance(job.phase, JobQueued))
        queued = sorted(waiting, key=queue_entry)
        return wire.Status(
            daemon=_daemon(engine, facts, world),
            running=_jobs(engine, world, caller, running, len(running)),
            queued=_jobs(engine, world, caller, queued, QUEUED_SHOWN),
            preparing=_jobs(engine, world, caller, preparing, PREPARING_SHOWN),
            approvals=pending_approvals(world, caller),
            quarantines=tuple(
                environment(world, state.name, ())
                for state in world.environments.values()
                if state.quarantine is not None and may_see(world, caller, state.name, None)
            ),
            debts=_debts(world, caller),
            unknown=seen_unknown_runs(engine, world, caller),
        )


def _jobs(
    engine: Engine, world: World, caller: Caller, jobs: Iterable[Job], most: int
) -> tuple[wire.Job, ...]:
    mine = (job for job in jobs if may_see(world, caller, job.environment, job.pipeline))
    return tuple(seen(world, job).view(engine) for job in islice(mine, most))


def _daemon(engine: Engine, facts: DaemonFacts, world: World) -> wire.DaemonState:
    drain = world.drain
    return wire.DaemonState(
        pid=facts.pid,
        version=facts.version,
        started_at=plain.time(facts.started),
        state_dir=str(engine.workbench.paths.state_dir),
        draining=wire.Drain(
            by=plain.actor(drain.by), reason=drain.reason or None, since=plain.time(drain.since)
        )
        if drain is not None
        else None,
        capacity=world.capacity,
        in_use=world.slots.in_use,
        configuration=wire.ConfigurationState(
            directory=str(engine.surroundings.directory),
            accepted_at=plain.utc(world.accepted) if world.accepted is not None else None,
            problems=engine.surroundings.mistakes,
        ),
        plugins_not_loaded=tuple(
            plugin.name for plugin in engine.surroundings.plugins if plugin.problem is not None
        ),
    )


def _debts(world: World, caller: Caller) -> tuple[wire.EnvironmentDebt, ...]:
    return tuple(
        wire.EnvironmentDebt(environment=state.name, **msgspec.structs.asdict(debt(owed)))
        for state in world.environments.values()
        if may_see(world, caller, state.name, None)
        for owed in state.debts
    )


handlers = [show_status, drain, resume, reload]
