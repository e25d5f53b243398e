"""Why a job waits, or what its steps wait for."""

from litestar import get
from msgspec.structs import asdict, replace

from orchestrator.api import plain, views, wire
from orchestrator.api.approvals import needed, waiting_for
from orchestrator.api.given import GivenCaller, GivenEngine, JobId
from orchestrator.api.reading import may_see, see
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Job,
    JobCancelling,
    JobFinished,
    JobPhase,
    JobPreparing,
    JobQueued,
    JobRunning,
)
from orchestrator.core.language.rejections import UnknownJob
from orchestrator.core.language.suggested_commands import to_answer
from orchestrator.core.language.words import BlockerType
from orchestrator.core.rules.admission import Blocker, place
from orchestrator.core.rules.passing import passed_over_by
from orchestrator.core.steps.approval_rules import open_rules
from orchestrator.core.world.world import World
from orchestrator.engine.engine import Engine
from orchestrator.store.protocol import JobFilter, MeanDuration, PhaseName

LOOKED_AT = 200
"""So many jobs that have ended are looked at for those that passed over one that waits."""


@get("/v1/jobs/{job_id:int}/explain", summary="Say what a job waits for")
async def explain_job(job_id: JobId, engine: GivenEngine, caller: GivenCaller) -> wire.Explanation:
    """Every blocker, the job's place in the queue of its environment, and its steps under way."""
    found = await see(engine, job_id, caller)
    job, shown = found.job, found.view(engine)
    return wire.Explanation(
        job=job.id,
        phase=shown.phase,
        since=plain.time(_since(job.phase)),
        place=await _place(engine, job),
        blockers=tuple([await _told(engine, job, blocker) for blocker in found.blockers]),
        approvals=_approvals_to_come(job, found.definition),
        steps=tuple(_under_way(shown, step) for step in shown.steps if _is_under_way(step)),
        awaits=shown.awaits,
        passed_over=await _passed_over(engine, job, caller),
    )


def _since(phase: JobPhase) -> Instant:
    match phase:
        case JobPreparing(since=since) | JobQueued(since=since):
            return since
        case JobRunning(run=run):
            return run.started
        case JobCancelling(stop=stop):
            return stop.at
        case JobFinished(ended=ended):
            return ended


def _is_under_way(step: wire.Step) -> bool:
    return step.phase not in ("pending", "finished") or step.next_attempt_at is not None


def _under_way(job: wire.Job, step: wire.Step) -> wire.StepUnderWay:
    asks = any(awaited.step == step.name for awaited in job.awaits)
    return wire.StepUnderWay(**asdict(step), lift=to_answer(job.id, step.name) if asks else None)


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


async def _passed_over(engine: Engine, job: Job, caller: Caller) -> tuple[wire.Passing, ...]:
    """Those that the caller may see."""
    if not isinstance(job.phase, JobQueued):
        return ()
    ended = await engine.store.jobs(JobFilter(phase=PhaseName.FINISHED, limit=LOOKED_AT))
    async with engine.reading() as world:
        running = [job for name in world.running for job in world.running_jobs(name)]
        found = [
            other
            for other in passed_over_by(world, job, (*running, *ended.jobs))
            if may_see(world, caller, other.environment, other.pipeline)
        ]
    return tuple(
        wire.Passing(
            job=other.id,
            pipeline=other.pipeline,
            environment=other.environment,
            at=plain.time(other.run.started),
        )
        for other in found
        if other.run is not None
    )


async def _told(engine: Engine, job: Job, blocker: Blocker) -> wire.LiftableBlocker:
    """The blocker; where a run is waited for, with how long such a run usually takes, and with what
    answers it where it asks people something itself."""
    shown = views.liftable(blocker)
    if blocker.type is BlockerType.JOB:
        async with engine.reading() as world:
            shown = replace(shown, lift=_answers_to(world, int(blocker.id)))
    pipeline = await _awaited_pipeline(engine, job, blocker)
    usual = await engine.store.mean_duration(pipeline, job.environment) if pipeline else None
    return shown if usual is None else replace(shown, text=f"{shown.text}, {_usually(usual)}")


def _answers_to(world: World, id: int) -> str | None:
    """`its step verify awaits approval by approver: orchestrator approve 7 verify, or: …`."""
    job = world.jobs.get(id)
    for step, _ in world.active_steps(job) if job is not None else ():
        if step.open_question is not None:
            text, _since = waiting_for(step)
            return f"its step {step.name} awaits {text}: {to_answer(id, step.name)}"
    return None


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
