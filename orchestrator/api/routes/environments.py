"""Environments: look, waive, recheck."""

from http import HTTPStatus

from litestar import get, post
from litestar.params import JSONBody

from orchestrator.api import wire
from orchestrator.api.bodies import Reason, RecheckStop
from orchestrator.api.environments import LAST_SHOWN, demand_known, environment, names
from orchestrator.api.given import GivenCaller, GivenEngine, Name
from orchestrator.api.names import name_of
from orchestrator.api.reading import demand_viewer, may_see
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.engine.engine import Engine


@get("/v1/environments", summary="List environments")
async def list_environments(engine: GivenEngine, caller: GivenCaller) -> wire.Environments:
    """Every environment that the caller may see."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing environments")
        seen = [name for name in names(world) if may_see(world, caller, name, None)]
    last = {name: await _last(engine, name) for name in seen}
    async with engine.reading() as world:
        found = tuple(environment(world, name, last[name]) for name in seen)
    return wire.Environments(environments=found)


@get("/v1/environments/{name:str}", summary="Show an environment")
async def show_environment(
    name: Name, engine: GivenEngine, caller: GivenCaller
) -> wire.Environment:
    """Who runs and waits in it, what it owes, its quarantine."""
    return await _show(engine, name_of(name), caller)


@post("/v1/environments/{name:str}/waive", summary="Let go", status_code=HTTPStatus.OK)
async def waive(
    name: Name, engine: GivenEngine, caller: GivenCaller, data: JSONBody[Reason | None] = None
) -> wire.Environment:
    """Let go what the environment owes, and its quarantine. A reason must be given."""
    reason = (data.reason if data is not None else None) or ""
    await engine.execute(cmd.Waive(caller, name_of(name), reason))
    return await _show(engine, name_of(name))


@post("/v1/environments/{name:str}/recheck", summary="Verify again", status_code=HTTPStatus.OK)
async def recheck(
    name: Name, engine: GivenEngine, caller: GivenCaller, data: JSONBody[Reason | None] = None
) -> wire.Environment:
    """Have what was found dirty looked at again; where it is clean the quarantine is lifted."""
    reason = (data.reason if data is not None else None) or ""
    await engine.execute(cmd.Recheck(caller, name_of(name), reason))
    return await _show(engine, name_of(name))


@post(
    "/v1/environments/{name:str}/cancel-recheck",
    summary="Ask a recheck to stop",
    status_code=HTTPStatus.OK,
)
async def cancel_recheck(
    name: Name, engine: GivenEngine, caller: GivenCaller, data: JSONBody[RecheckStop]
) -> wire.Environment:
    """What it runs is asked to stop and waited for; what was found stays found."""
    return await _stop(engine, caller, name_of(name), data)


@post(
    "/v1/environments/{name:str}/force-cancel-recheck",
    summary="End a recheck",
    status_code=HTTPStatus.OK,
)
async def force_cancel_recheck(
    name: Name, engine: GivenEngine, caller: GivenCaller, data: JSONBody[RecheckStop]
) -> wire.Environment:
    """What it runs is killed."""
    return await _stop(engine, caller, name_of(name), data, force=True)


async def _stop(
    engine: Engine, caller: Caller, name: str, data: RecheckStop, *, force: bool = False
) -> wire.Environment:
    stop = cmd.StopRecheck(caller, name, data.number, force=force, reason=data.reason or "")
    await engine.execute(stop)
    return await _show(engine, name)


async def _show(engine: Engine, name: str, caller: Caller | None = None) -> wire.Environment:
    async with engine.reading() as world:
        if caller is not None:
            demand_viewer(world, caller, f"looking at {name}", name)
        demand_known(world, name)
    last = await _last(engine, name)
    async with engine.reading() as world:
        return environment(world, name, last)


async def _last(engine: Engine, name: str) -> tuple[int, ...]:
    return tuple(job.id for job in await engine.store.last_finished(name, LAST_SHOWN))


handlers = [
    list_environments,
    show_environment,
    waive,
    recheck,
    cancel_recheck,
    force_cancel_recheck,
]
