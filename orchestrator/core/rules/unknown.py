"""Runs that the journal does not know, because it went back: found, judged, set aside.

A restored backup, or a log that lost its tail, knows nothing of what came after it; the directories
of those jobs do. Of this boot, their tools may be at work: until an admin has said what they are,
nothing is admitted where they may be (decision 0025).
"""

from collections.abc import Iterator

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Ending,
    Environment,
    Finding,
    Job,
    JobPreparing,
    JobQueued,
    Pending,
    StepRef,
    UnknownRun,
    UnknownVerdict,
)
from orchestrator.core.language.rejections import (
    MissingReason,
    NoUnknownRun,
    StaleObservation,
)
from orchestrator.core.language.words import JobConclusion, Outcome, Role, StepConclusion
from orchestrator.core.rules.endings import after_end
from orchestrator.core.rules.permissions import demand, demand_in
from orchestrator.core.world.world import World


def found(world: World, opened: cmd.OpenDaemon) -> Iterator[ev.AnyEvent]:
    """What a daemon has found at its start, and what it knew and found dead by then."""
    for job in opened.set_aside:
        yield from _lift(world, job)
    for run in opened.unknown:
        for name in _where(world, run):
            if all(known.job != run.job for known in world.environment(name).unknown):
                yield ev.UnknownRunFound(environment=name, run=run)


def _where(world: World, run: UnknownRun) -> tuple[str, ...]:
    """The environment that it names; every one where it names none."""
    if run.environment:
        return (run.environment,)
    configured = world.configuration.environments if world.configuration is not None else ()
    return tuple(sorted({*configured, *world.environments}))


def judge(world: World, request: cmd.JudgeUnknown, now: Instant) -> Iterator[ev.AnyEvent]:
    """Say what an unknown run is. Who waited may say later that it is dead, not the reverse."""
    doing = f"saying what became of job {request.job}"
    demand(request.caller, Role.ADMIN, doing, world.configuration)
    held = [(place, run) for place, run in unknown_runs(world) if run.job == request.job]
    for environment, _ in held:
        demand_in(request.caller, Role.ADMIN, doing, world.configuration, environment.name)
    if not held:
        raise NoUnknownRun(request.job, sorted({run.job for _, run in unknown_runs(world)}))
    if not request.reason.strip():
        raise MissingReason("unknown")
    verdict = UnknownVerdict(
        wait=request.wait, by=request.caller.actor, at=now, reason=request.reason
    )
    for environment, run in held:
        if run.verdict is None or (run.verdict.wait and not request.wait):
            yield ev.UnknownRunJudged(
                environment=environment.name, job=request.job, verdict=verdict
            )


def set_aside(world: World, seen: cmd.NoteSetAside) -> Iterator[ev.AnyEvent]:
    """It is out of the way: its environments admit jobs again."""
    events = list(_lift(world, seen.job))
    if not events:
        raise StaleObservation(f"job {seen.job} is no unknown run any more")
    yield from events


def lost(world: World, id: int, ran: list[StepRef]) -> Iterator[ev.AnyEvent]:
    """The end of a job that waits by the journal and ran by its records. Run again, it would do
    all of it twice; taken for what its records say, it would skip what came between."""
    job = world.jobs.get(id)
    if job is None or not isinstance(job.phase, JobPreparing | JobQueued):
        return
    steps = ", ".join(ref.step for ref in ran)
    reason = f"{steps} ran, say the records on disk; the journal lost that, and how it ended"
    for step in job.steps:
        if isinstance(step.phase, Pending):
            ending = Ending(StepConclusion.NOT_RUN, Outcome.FAIL, reason=reason)
            yield ev.StepNotRun(ref=StepRef(job=id, step=step.name), ending=ending)
    yield ev.JobEnded(job=id, conclusion=JobConclusion.LOST, dirty=True, reason=reason)
    yield from after_end(world, job, False, JobConclusion.LOST)
    yield ev.Quarantined(
        environment=job.environment,
        job=id,
        reason=f"job {id}: {reason}",
        findings=tuple(Finding(ref, _found(world, job, ref), _look(ref)) for ref in ran),
    )


def _found(world: World, job: Job, ref: StepRef) -> str:
    found = f"step {ref.step} of job {job.id} ran, and the journal lost how it ended"
    cleanup = world.definition(job).cleanup
    return found if cleanup is None else f"{found}, and whether {cleanup.name} has followed"


def _look(ref: StepRef) -> tuple[str, ...]:
    return (f"orchestrator log {ref.job} {ref.step}",)


def unknown_runs(world: World) -> Iterator[tuple[Environment, UnknownRun]]:
    """Every unknown run, once for each environment where it may be at work."""
    for name in sorted(world.environments):
        environment = world.environments[name]
        for run in environment.unknown:
            yield environment, run


def _lift(world: World, job: int) -> Iterator[ev.AnyEvent]:
    for environment, run in unknown_runs(world):
        if run.job == job:
            yield ev.UnknownRunSetAside(environment=environment.name, job=job)
