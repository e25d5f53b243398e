"""What happens by itself: steps begin, jobs end, cleanups fall due, jobs are admitted.

Each function looks at the world and answers with the next events, or none. `settle` in `decide`
repeats them until nothing is left to happen.
"""

from collections.abc import Iterator

from orchestrator.core import events as ev
from orchestrator.core.admission import (
    admission,
    blockers,
    candidates,
    is_running,
    slots_free,
)
from orchestrator.core.debts import due_cleanup, incur
from orchestrator.core.endings import job_end
from orchestrator.core.graph import next_steps
from orchestrator.core.instant import Instant
from orchestrator.core.model import Job, StepRef
from orchestrator.core.words import BlockerType
from orchestrator.core.world import World, queue_entry

Entry = tuple[int, int, int]


def advance_job(world: World, job: Job, now: Instant) -> list[ev.AnyEvent]:
    """The next thing that happens by itself in a running job."""
    if not is_running(job):
        return []
    upcoming = next_steps(job, world.step_definitions(job))
    if upcoming.never:
        return [
            ev.StepNotRun(ref=StepRef(job=job.id, step=name), ending=ending, cause=cause)
            for name, ending, cause in upcoming.never
        ]
    for name in upcoming.ready:
        definition = world.step_definition(job, name)
        if not definition.takes_slot or slots_free(world, job):
            return list(_start(world, job, name, now))
    if all(step.finished for step in job.steps):
        return list(job_end(world, job))
    return []


def starved_step(world: World, job: Job) -> bool:
    """Whether a step of this job could begin but for a slot."""
    if not is_running(job):
        return False
    upcoming = next_steps(job, world.step_definitions(job))
    return any(world.step_definition(job, name).takes_slot for name in upcoming.ready)


def _start(world: World, job: Job, name: str, now: Instant) -> Iterator[ev.AnyEvent]:
    definition = world.step_definition(job, name)
    if not definition.has_acquire and definition.touches:
        yield from incur(world, job, now)
    ref = StepRef(job=job.id, step=name, attempt=job.step(name).attempt)
    yield ev.StepStarted(ref=ref, acquires=definition.has_acquire)


def advance_environment(world: World, environment: str, now: Instant) -> list[ev.AnyEvent]:
    """The cleanup that falls due, or the next job that is admitted, in an environment."""
    due = due_cleanup(world, environment, now)
    if due is not None:
        return [due]
    for job in candidates(world, environment):
        first = next(blockers(world, job), None)
        if first is None:
            return [ev.JobAdmitted(job=job.id, run=admission(world, job, now))]
    return []


def starving(world: World, environment: str) -> Entry | None:
    """Where an environment stands among those that lack a slot only; None if it lacks none.

    Steps of running jobs come before jobs that wait, for those hold locks.
    """
    for job in world.running_jobs(environment):
        if starved_step(world, job):
            return (-1, *queue_entry(job)[1:])
    for job in candidates(world, environment):
        first = next(blockers(world, job), None)
        if first is not None and first.type is BlockerType.CAPACITY:
            return queue_entry(job)
    return None
