"""Cancel, force, retry."""

from http import HTTPStatus

from litestar import Response, post
from litestar.params import JSONBody

from orchestrator.api import wire
from orchestrator.api.bodies import Reason, RetryBody
from orchestrator.api.given import GivenCaller, GivenEngine, JobId, Key
from orchestrator.api.reading import see, see_submitted
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.digest import digest
from orchestrator.core.language.rejections import UnknownJob
from orchestrator.engine.engine import Engine, RetryRequest


@post("/v1/jobs/{job_id:int}/cancel", summary="Ask a job to stop", status_code=HTTPStatus.OK)
async def cancel_job(
    job_id: JobId, engine: GivenEngine, caller: GivenCaller, data: JSONBody[Reason | None] = None
) -> wire.Job:
    """The job, whose `cancel` says what was asked for. Asking twice changes nothing."""
    return await _stop(engine, cmd.Cancel(caller, job_id, _reason(data)))


@post("/v1/jobs/{job_id:int}/force-cancel", summary="End a job", status_code=HTTPStatus.OK)
async def force_cancel_job(
    job_id: JobId, engine: GivenEngine, caller: GivenCaller, data: JSONBody[Reason | None] = None
) -> wire.Job:
    """The same, and by force as soon as the cool-off since the stop is over."""
    return await _stop(engine, cmd.Cancel(caller, job_id, _reason(data), force=True))


@post("/v1/jobs/{job_id:int}/retry", summary="Queue the like of a finished job")
async def retry_job(
    job_id: JobId,
    engine: GivenEngine,
    caller: GivenCaller,
    data: JSONBody[RetryBody | None] = None,
    key: Key = None,
) -> Response[wire.Job]:
    """201 with the new job; 200 where the key has one already."""
    wanted = data or RetryBody()
    request = RetryRequest(
        caller=caller,
        job=job_id,
        latest=wanted.latest,
        reason=wanted.reason or "",
        key=key,
        digest=digest(("retry", job_id, wanted)),
    )
    submission = await engine.retry(request)
    status = HTTPStatus.CREATED if submission.created else HTTPStatus.OK
    job = await see_submitted(engine, submission)
    return Response(job.view(engine), status_code=status)


async def _stop(engine: Engine, request: cmd.Cancel) -> wire.Job:
    try:
        await engine.cancel(request)
    except UnknownJob:
        await engine.cancel(request)  # it has ended meanwhile, or was never there: says which
    return (await see(engine, request.job)).view(engine)


def _reason(data: Reason | None) -> str:
    return (data.reason if data is not None else None) or ""


handlers = [cancel_job, force_cancel_job, retry_job]
