"""Submit, list, show."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec.structs import replace

from orchestrator.api import views, wire
from orchestrator.api.bodies import Submission
from orchestrator.api.dry_run import dry_run
from orchestrator.api.given import GivenCaller, GivenEngine, GivenPresence, JobId, Key
from orchestrator.api.problems import refusal
from orchestrator.api.reading import demand_viewer, may_see, see, see_submitted, seen
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.digest import digest
from orchestrator.core.language.model import Job, JobPreparing, JobQueued
from orchestrator.core.language.words import JobConclusion
from orchestrator.core.values.parameters import HIDDEN
from orchestrator.core.world.world import World
from orchestrator.engine.engine import Engine
from orchestrator.engine.secrets.masking import Masks
from orchestrator.store.protocol import JobFilter, PhaseName

MOST_LISTED = 1000


@post("/v1/jobs", summary="Queue a job")
async def submit_job(
    data: JSONBody[Submission],
    engine: GivenEngine,
    caller: GivenCaller,
    presence: GivenPresence,
    key: Key = None,
) -> Response[Any]:
    """201 with the job; 200 where the key has one already, or with what a dry run found."""
    shown = _without_secrets(data, engine)
    request = cmd.Submit(
        caller=caller,
        pipeline=data.pipeline,
        environment=data.environment,
        params=data.params,
        reason=shown.reason or "",
        priority=data.priority,
        labels=shown.labels,
        url=shown.url,
        key=key,
        request=digest(("submit", shown)),
        cancel_on_disconnect=data.on_disconnect == "cancel",
        pays=data.pays,
    )
    if data.dry_run:
        return Response(await dry_run(engine, request, data.from_file), status_code=HTTPStatus.OK)
    submission = await engine.submit(request, data.from_file)
    if request.cancel_on_disconnect:
        presence.expect(submission.job)
    status = HTTPStatus.CREATED if submission.created else HTTPStatus.OK
    job = await see_submitted(engine, submission)
    return Response(job.view(engine), status_code=status)


def _without_secrets(data: Submission, engine: Engine) -> Submission:
    """What may be kept of a submission and seen, and tells it from another: a digest of a secret
    could be guessed at. People write one into a reason, too, or into the address of a build."""
    secret = engine.secret_names(data.pipeline)
    params = {name: HIDDEN if name in secret else value for name, value in data.params.items()}
    masks = Masks.of(value for name, value in data.params.items() if name in secret)
    if not masks:
        return replace(data, params=params)
    return replace(
        data,
        params=params,
        reason=masks.value(data.reason),
        labels=masks.value(data.labels),
        url=masks.value(data.url),
    )


@get("/v1/jobs", summary="List jobs, the newest first")
async def list_jobs(
    engine: GivenEngine,
    caller: GivenCaller,
    environment: FromQuery[str | None] = None,
    pipeline: FromQuery[str | None] = None,
    phase: FromQuery[wire.JobPhase | None] = None,
    kind: FromQuery[str | None] = None,
    conclusion: FromQuery[JobConclusion | None] = None,
    mine: FromQuery[bool] = False,
    label: FromQuery[list[str] | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_LISTED)] = 50,
    before: FromQuery[int | None] = None,
) -> wire.Jobs:
    """Jobs for which everything holds that is asked for, as far as the caller may see them."""
    wanted = JobFilter(
        environment=environment,
        pipeline=pipeline,
        phase=PhaseName(phase.value) if phase is not None else None,
        kind=kind,
        conclusion=conclusion,
        uid=caller.uid if mine else None,
        labels=dict(_label(text) for text in label or ()),
        before=before,
        limit=limit,
    )
    page = await engine.store.jobs(wanted)
    kept = await _definitions(engine, page.jobs)
    async with engine.reading() as world:
        demand_viewer(world, caller, "listing jobs")
        jobs = tuple(
            _listed(world, job, kept)
            for job in page.jobs
            if may_see(world, caller, job.environment, job.pipeline)
        )
    return wire.Jobs(jobs=jobs, next=page.next)


async def _definitions(engine: Engine, jobs: Iterable[Job]) -> dict[str, JobDefinition]:
    """What says the types of the jobs' parameters, where the world holds it no more."""
    async with engine.reading() as world:
        wanted = {job.definition for job in jobs if job.params} - world.definitions.keys()
    found = {name: await engine.store.definition(name) for name in wanted}
    return {name: definition for name, definition in found.items() if definition is not None}


def _listed(world: World, job: Job, kept: Mapping[str, JobDefinition]) -> wire.JobSummary:
    """A job of a page, with what keeps it waiting if it is still in the state that was read."""
    if isinstance(job.phase, JobPreparing | JobQueued) and world.jobs.get(job.id) == job:
        return views.summary(job, world.definition(job), seen(world, job).blockers)
    return views.summary(job, world.definitions.get(job.definition) or kept.get(job.definition))


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        detail = f"label={text} must be label=NAME=VALUE"
        raise refusal(HTTPStatus.BAD_REQUEST, "invalid-request", detail)
    return name, value


@get("/v1/jobs/{job_id:int}", summary="Show a job")
async def show_job(job_id: JobId, engine: GivenEngine, caller: GivenCaller) -> wire.Job:
    """The job, with its steps."""
    return (await see(engine, job_id, caller)).view(engine)


handlers = [submit_job, list_jobs, show_job]
