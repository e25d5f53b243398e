"""A job's changes as server-sent events."""

from contextlib import ExitStack
from http import HTTPStatus

from litestar import get
from litestar.params import FromQuery

from orchestrator.api.given import GivenCaller, GivenEngine, GivenPresence, JobId
from orchestrator.api.problems import refusal
from orchestrator.api.reading import see
from orchestrator.api.streaming import EVENT_STREAM, Pushed, Write
from orchestrator.api.watching import Watch


@get("/v1/jobs/{job_id:int}/watch", summary="Watch a job", media_type=EVENT_STREAM)
async def watch_job(
    job_id: JobId,
    engine: GivenEngine,
    caller: GivenCaller,
    presence: GivenPresence,
    attend: FromQuery[bool] = False,
) -> Pushed:
    """`event: job` at once and at each change; the stream ends after the finished one.

    With `attend` the connection counts as the submitter's presence.
    """
    found = await see(engine, job_id, caller)
    if attend and caller.uid != found.job.submitter.uid:
        raise refusal(
            HTTPStatus.FORBIDDEN,
            "not-the-submitter",
            f"job {job_id} was submitted by {found.job.submitter.user}, and only they can attend "
            "to it; watch it without attend",
        )

    async def produce(write: Write) -> None:
        with ExitStack() as stack:
            if attend and found.job.cancel_on_disconnect:
                stack.enter_context(presence.attend(job_id))
            await Watch(engine, job_id).run(write)

    return Pushed(produce, EVENT_STREAM)


handlers = [watch_job]
