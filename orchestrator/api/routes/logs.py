"""What a step wrote."""

from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import MediaType, get
from litestar.params import FromQuery, QueryParameter

from orchestrator.api.given import GivenCaller, GivenEngine, JobId, Name
from orchestrator.api.log_stream import LogStream
from orchestrator.api.problems import Refusal, problem, refusal
from orchestrator.api.reading import SeenJob, see
from orchestrator.api.streaming import Pushed
from orchestrator.core.language.model import Finished, Pending, StepRef
from orchestrator.core.language.rejections import did_you_mean, near

OFFSET = "Log-Offset"


@get(
    "/v1/jobs/{job_id:int}/steps/{step:str}/log",
    summary="Read a step's log",
    media_type=MediaType.TEXT,
)
async def read_log(
    job_id: JobId,
    step: Name,
    engine: GivenEngine,
    caller: GivenCaller,
    attempt: FromQuery[int | None] = None,
    offset: Annotated[int | None, QueryParameter(ge=0)] = None,
    tail: Annotated[int | None, QueryParameter(ge=0)] = None,
    follow: FromQuery[bool] = False,
) -> Pushed:
    """The log as it was written, secrets masked. `Log-Offset` says where in it the body begins.

    `tail` is how many of its last lines; with `follow` it goes on until the attempt has ended.
    """
    if offset is not None and tail is not None:
        raise refusal(HTTPStatus.BAD_REQUEST, "invalid-request", "give offset or tail, not both")
    found = await see(engine, job_id, caller)
    stream = LogStream(engine, found.job, _ref(found, step, attempt, follow))
    if tail is not None:
        await stream.begin_at_tail(tail)
    else:
        stream.begin_at(offset or 0)
    produce = stream.follow if follow else stream.copy
    return Pushed(produce, MediaType.TEXT, {OFFSET: str(stream.offset)})


def _ref(found: SeenJob, step: str, attempt: int | None, follow: bool) -> StepRef:
    """The attempt that was asked for. Raises Refusal (404) where it has no log."""
    names = [defined.name for defined in found.definition.pipeline.steps]
    where = f"job {found.job.id}"
    if step not in names:
        meant = near(step, names)
        text = f"{where} has no step {step!r}{did_you_mean(meant)} (steps: {', '.join(names)})"
        unknown = problem(HTTPStatus.NOT_FOUND, "unknown-step", text)
        raise Refusal(msgspec.structs.replace(unknown, near=meant or None))
    state = next((candidate for candidate in found.job.steps if candidate.name == step), None)
    if state is None or isinstance(state.phase, Pending):
        if follow and attempt in (None, 1):
            return StepRef(found.job.id, step)
        raise _no_log(f"step {step} of {where} has not begun, so it has no log yet")
    if isinstance(state.phase, Finished) and not state.phase.ending.conclusion.ran:
        why = state.phase.ending.reason
        raise _no_log(f"step {step} of {where} did not run, so it has no log: {why}")
    if attempt is not None and not 1 <= attempt <= state.attempt:
        raise _no_log(f"step {step} of {where} has had {state.attempt} attempts, not {attempt}")
    return StepRef(found.job.id, step, attempt or state.attempt)


def _no_log(text: str) -> Refusal:
    return refusal(HTTPStatus.NOT_FOUND, "no-log", text)


handlers = [read_log]
