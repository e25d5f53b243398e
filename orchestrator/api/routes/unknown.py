"""Runs that the journal does not know: list them, say what they are."""

from http import HTTPStatus

from litestar import get, post
from litestar.params import JSONBody

from orchestrator.api import wire
from orchestrator.api.bodies import Judgement
from orchestrator.api.given import GivenCaller, GivenEngine, JobId
from orchestrator.api.reading import demand_viewer
from orchestrator.api.unknown_runs import seen_unknown_runs
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.engine.engine import Engine


@get("/v1/unknown", summary="List runs that the journal does not know")
async def list_unknown(engine: GivenEngine, caller: GivenCaller) -> wire.UnknownRuns:
    """Those that may be at work in an environment that the caller may see."""
    return await _list(engine, caller)


@post("/v1/unknown/{job_id:int}", summary="Say what it is", status_code=HTTPStatus.OK)
async def judge_unknown(
    job_id: JobId, engine: GivenEngine, caller: GivenCaller, data: JSONBody[Judgement]
) -> wire.UnknownRuns:
    """Say that nothing of it lives, or have the daemon wait for that. A reason must be given."""
    wait = data.verdict == "wait"
    await engine.execute(cmd.JudgeUnknown(caller, job_id, wait, data.reason or ""))
    return await _list(engine, caller)


async def _list(engine: Engine, caller: Caller) -> wire.UnknownRuns:
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing runs that the journal does not know")
        return wire.UnknownRuns(runs=seen_unknown_runs(engine, world, caller))


handlers = [list_unknown, judge_unknown]
