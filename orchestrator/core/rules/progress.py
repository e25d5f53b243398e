"""What happens by itself: steps begin, jobs end, cleanups fall due, jobs are admitted.

Each function looks at the world and answers with the next events, or none. `settle` in `decide`
repeats them until nothing is left to happen.
"""

from collections.abc import Iterator

from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Job,
    JobCancelling,
    JobFinished,
    JobPreparing,
    JobQueued,
    StepRef,
    Stop,
)
from orchestrator.core.language.words import BlockerType, Outcome, RunningPolicy, Section, StopCause
from orchestrator.core.rules import rechecks
from orchestrator.core.rules.admission import (
    admission,
    blockers,
    candidates,
    has_reserve,
    slots_free,
)
from orchestrator.core.rules.debts import due_cleanup, incur, needless_cleanup
from orchestrator.core.rules.endings import job_end
from orchestrator.core.rules.handlers import uncalled
from orchestrator.core.rules.payment import debts_paid_by
from orchestrator.core.rules.scopes import unmet
from orchestrator.core.steps.approval_rules import open_rules
from orchestrator.core.steps.causes import stopped_by_step
from orchestrator.core.steps.graph import Graph, NeverRun, ending_of, never_run, skipped
from orchestrator.core.steps.retries import given_up
from orchestrator.core.world.queues import Entry, slot_entry
from orchestrator.core.world.world import World


def advance_job(world: World, job: Job, now: Instant) -> list[ev.AnyEvent]:
    """The next thing that happens by itself in a job whose steps may be at work."""
    if isinstance(job.phase, JobQueued | JobFinished):
        return []
    graph = world.graphs.get(job.id)
    if graph is None or not graph.unfinished:
        return list(job_end(world, job))
    given = list(_given_up(world, job, graph))
    if given:
        return given
    never = never_run(job, graph) or uncalled(job, graph)
    if never is not None:
        return _end_unrun(job, never)
    if _has_prepared(job, graph):
        return list(_approve_or_queue(world, job))
    stops = list(_stop_beside(world, job, graph, now))
    if stops:
        return stops
    if isinstance(job.phase, JobPreparing) and _is_held_back(world, job):
        return []
    unwanted = list(_unwanted(world, job, graph))
    if unwanted:
        return unwanted
    name = graph.ready(slot=slots_free(world, job))
    return [] if name is None else list(_start(world, job, name, now))


def _unwanted(world: World, job: Job, graph: Graph) -> Iterator[ev.AnyEvent]:
    """The steps whose turn it is and whose `when` does not hold."""
    for place in graph.conditional():
        step = graph.plan.steps[place]
        reason = None if isinstance(job.steps[place].phase, BackingOff) else unmet(world, job, step)
        if reason is None:
            graph.want(place)
        else:
            ref = StepRef(job=job.id, step=step.name)
            yield ev.StepNotRun(ref=ref, ending=skipped(reason))


def _end_unrun(job: Job, never: NeverRun) -> list[ev.AnyEvent]:
    return [
        ev.StepNotRun(ref=StepRef(job=job.id, step=name), ending=never.ending, cause=never.cause)
        for name in never.steps
    ]


def _has_prepared(job: Job, graph: Graph) -> bool:
    return isinstance(job.phase, JobPreparing) and graph.section is Section.STEPS


def _approve_or_queue(world: World, job: Job) -> Iterator[ev.AnyEvent]:
    """A job that has prepared is put to those who must approve it, or queues: at once while it
    pays what is owed, for nobody is asked for that."""
    if not open_rules(job, world.definition(job)) or debts_paid_by(world, job):
        yield ev.JobReady(job=job.id)
    elif isinstance(job.phase, JobPreparing) and job.phase.approval is None:
        yield ev.ApprovalRequested(job=job.id)


def _is_held_back(world: World, job: Job) -> bool:
    """A drained daemon begins nothing but what is owed, and the handlers of what has begun."""
    return world.drain is not None and job.owed_by is None and not world.in_handlers(job)


def _stop_beside(world: World, job: Job, graph: Graph, now: Instant) -> Iterator[ev.AnyEvent]:
    """Ask the steps that still run to stop, where the pipeline says so of one that failed or
    halted."""
    if not graph.stoppers or graph.in_handlers or isinstance(job.phase, JobCancelling):
        return
    pipeline = world.definition(job).pipeline
    for place in graph.stoppers:
        stopper, ending = job.steps[place].name, ending_of(job.steps[place])
        halted = ending.outcome is Outcome.HALT
        policy = pipeline.halt_running if halted else pipeline.fail_running
        if policy is RunningPolicy.STOP:
            break
    else:
        return
    cause = StopCause.HALT if halted else StopCause.FAILURE
    stop = Stop(cause=cause, at=now, reason=stopped_by_step(stopper, ending))
    for place in (*graph.active, *graph.backing_off):
        step = job.steps[place]
        match step.phase:
            case Acquiring(stop=None) | Applying() | BackingOff(stop=None):
                ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
                yield ev.StepStopRequested(ref=ref, stop=stop)


def _given_up(world: World, job: Job, graph: Graph) -> Iterator[ev.AnyEvent]:
    """The end of steps that were to be tried again, when they are asked to stop."""
    for place in graph.backing_off:
        step, definition = job.steps[place], graph.plan.steps[place]
        if isinstance(step.phase, BackingOff) and step.phase.stop is not None:
            ending = given_up(definition, step.phase.stop, step.attempt)
            ref = StepRef(job=job.id, step=step.name, attempt=step.attempt)
            yield ev.StepFinished(ref=ref, ending=ending)


def starved_step(world: World, job: Job) -> str | None:
    """The first step of this job that could begin but for a slot, if there is one."""
    graph = world.graphs.get(job.id)
    name = graph.wants_slot if graph is not None else None
    if graph is None or name is None:
        return None
    match job.phase:
        case JobPreparing():
            may = not _has_prepared(job, graph) and not _is_held_back(world, job)
        case JobCancelling():
            may = graph.in_handlers
        case _:
            may = True
    return name if may else None


def _start(world: World, job: Job, name: str, now: Instant) -> Iterator[ev.AnyEvent]:
    definition = world.step_definition(job, name)
    # The debt is journalled before the start that incurs it. This step begins in its apply, so
    # `acquire_done`, which does the same for all others, never comes.
    if not definition.has_acquire and definition.touches:
        yield from incur(world, job, now)
    step = world.step(job, name)
    attempt = step.attempt + 1 if isinstance(step.phase, BackingOff) else step.attempt
    ref = StepRef(job=job.id, step=name, attempt=attempt)
    yield ev.StepStarted(ref=ref, acquires=definition.has_acquire)


def advance_environment(world: World, environment: str, now: Instant) -> list[ev.AnyEvent]:
    """What comes before the next admission in an environment: the cleanup that falls due, or is
    needed no more."""
    needless = needless_cleanup(world, environment, now)
    if needless:
        return needless
    excused = list(_excused(world, environment))
    if excused:
        return excused
    owed = due_cleanup(world, environment, now)
    return [] if owed is None else [owed]


def next_admission(world: World, environment: str) -> Job | None:
    """The first job of an environment that nothing keeps from starting."""
    jobs = candidates(world, environment)
    return next((job for job in jobs if next(blockers(world, job), None) is None), None)


def admit(world: World, job: Job, now: Instant) -> list[ev.AnyEvent]:
    """It starts, and takes all that it needs."""
    return [ev.JobAdmitted(job=job.id, run=admission(world, job, now))]


def _excused(world: World, environment: str) -> Iterator[ev.AnyEvent]:
    """A run by hand that pays what is owed asks nobody for an approval; when somebody else has
    paid it first, it goes back to those who must approve it."""
    for job in world.preparing_jobs(environment):
        asked = isinstance(job.phase, JobPreparing) and job.phase.approval is not None
        if asked and debts_paid_by(world, job):
            yield ev.JobReady(job=job.id)
            return
    for id in world.queues.unapproved(environment):
        if not debts_paid_by(world, world.jobs[id]):
            yield ev.ApprovalRequested(job=id)
            return


def starving(world: World, environment: str) -> Entry | None:
    """Where an environment stands among those that lack a slot only (`slot_entry`); None if it
    lacks none."""
    return min(_starving(world, environment), default=None)


def _starving(world: World, environment: str) -> Iterator[Entry]:
    for job in world.jobs_at_work(environment):
        if starved_step(world, job) is not None:
            yield slot_entry(job, reserve=has_reserve(world, job))
    yield from rechecks.place_in_line(world, environment)
    for job in candidates(world, environment):
        first = next(blockers(world, job), None)
        # One that lacks nothing stays in the line: a senior of it has left that just now, after
        # this one was looked at, and nobody would look at it again.
        if first is None or first.type is BlockerType.CAPACITY:
            yield slot_entry(job, reserve=has_reserve(world, job))
