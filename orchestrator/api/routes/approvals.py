"""What people are asked, and their answers."""

from http import HTTPStatus

from litestar import get, post
from litestar.params import JSONBody

from orchestrator.api import wire
from orchestrator.api.bodies import AnswerBody
from orchestrator.api.given import GivenCaller, GivenEngine, JobId
from orchestrator.api.reading import demand_viewer, pending_approvals, see
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.rejections import UnknownJob
from orchestrator.engine.engine import Engine


@get("/v1/approvals", summary="List what awaits an approval")
async def list_approvals(engine: GivenEngine, caller: GivenCaller) -> wire.PendingApprovals:
    """All that people are asked now, as far as the caller may see it."""
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing approvals")
        return wire.PendingApprovals(approvals=pending_approvals(world, caller))


@post("/v1/jobs/{job_id:int}/approve", summary="Say yes", status_code=HTTPStatus.OK)
async def approve_job(
    job_id: JobId,
    engine: GivenEngine,
    caller: GivenCaller,
    data: JSONBody[AnswerBody | None] = None,
) -> wire.Job:
    """The job. Without a step it is the job itself that is meant, or the only step that asks."""
    said = data or AnswerBody()
    return await _answer(engine, cmd.Approve(caller, job_id, said.step, said.comment or ""))


@post("/v1/jobs/{job_id:int}/reject", summary="Say no", status_code=HTTPStatus.OK)
async def reject_job(
    job_id: JobId,
    engine: GivenEngine,
    caller: GivenCaller,
    data: JSONBody[AnswerBody | None] = None,
) -> wire.Job:
    """The same; one no is enough."""
    said = data or AnswerBody()
    return await _answer(engine, cmd.Reject(caller, job_id, said.step, said.comment or ""))


async def _answer(engine: Engine, request: cmd.Approve | cmd.Reject) -> wire.Job:
    try:
        await engine.answer(request)
    except UnknownJob:
        await engine.answer(request)  # it has ended meanwhile, or was never there: says which
    return (await see(engine, request.job)).view(engine)


handlers = [list_approvals, approve_job, reject_job]
