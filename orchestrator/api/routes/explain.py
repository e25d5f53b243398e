"""Why a job waits."""

from litestar import get
from msgspec.structs import replace

from orchestrator.api import plain, views, wire
from orchestrator.api.approvals import needed
from orchestrator.api.given import GivenCaller, GivenEngine, JobId
from orchestrator.api.reading import see
from orchestrator.core.admission import Blocker, place
from orchestrator.core.approval_rules import open_rules
from orchestrator.core.definition import JobDefinition
from orchestrator.core.model import Job, JobPreparing, JobQueued
from orchestrator.core.rejections import UnknownJob
from orchestrator.core.words import BlockerType
from orchestrator.engine.engine import Engine
from orchestrator.store.protocol import MeanDuration, PhaseName


@get("/v1/jobs/{job_id:int}/explain", summary="Say why a job waits")
async def explain_job(job_id: JobId, engine: GivenEngine, caller: GivenCaller) -> wire.Explanation:
    """Every blocker, and the job's place in the queue of its environment."""
    found = await see(engine, job_id, caller)
    job = found.job
    since = job.phase.since if isinstance(job.phase, JobPreparing | JobQueued) else None
    return wire.Explanation(
        job=job.id,
        phase=PhaseName.of(job.phase).value,
        since=plain.time(since) if since is not None else None,
        place=await _place(engine, job),
        blockers=tuple([await _with_usual(engine, job, one) for one in found.blockers]),
        approvals=_approvals_to_come(job, found.definition),
    )


def _approvals_to_come(job: Job, definition: JobDefinition) -> tuple[str, ...]:
    match job.phase:
        case JobPreparing(approval=None):
            return needed(open_rules(job, definition))
        case _:
            return ()


async def _place(engine: Engine, job: Job) -> int | None:
    async with engine.reading() as world:
        now = world.jobs.get(job.id)
        waits = now is not None and isinstance(now.phase, JobQueued)
        return place(world, job) if waits else None


async def _with_usual(engine: Engine, job: Job, blocker: Blocker) -> wire.LiftableBlocker:
    """The blocker; where a run is waited for, with how long such a run usually takes."""
    shown = views.liftable(blocker)
    pipeline = await _awaited_pipeline(engine, job, blocker)
    usual = await engine.store.mean_duration(pipeline, job.environment) if pipeline else None
    return shown if usual is None else replace(shown, text=f"{shown.text}, {_usually(usual)}")


async def _awaited_pipeline(engine: Engine, job: Job, blocker: Blocker) -> str | None:
    match blocker.type:
        case BlockerType.JOB:
            try:
                return (await engine.job(int(blocker.id))).pipeline
            except UnknownJob:
                return None
        case BlockerType.CLEANUP_DEBT:
            async with engine.reading() as world:
                debt = world.environment(job.environment).debt_of(int(blocker.id))
            return debt.pipeline if debt is not None else None
        case _:
            return None


def _usually(usual: MeanDuration) -> str:
    runs = "1 run" if usual.runs == 1 else f"{usual.runs} runs"
    return f"usually {duration(usual.mean)} ({runs})"


def duration(milliseconds: int) -> str:
    """`35 s`, `4 min`, `1 h 10 min`."""
    seconds = round(milliseconds / 1000)
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


handlers = [explain_job]
