"""Which jobs have passed over one that waits: said of the past, and nothing is decided by it."""

from collections.abc import Iterable

from orchestrator.core.language.model import Job, JobQueued
from orchestrator.core.world.queues import queue_entry
from orchestrator.core.world.world import World


def passed_over_by(world: World, job: Job, others: Iterable[Job]) -> list[Job]:
    """Those of the others that stood behind a waiting job and took, while it waited, what it needs:
    one of its locks, or its environment. The latest first.

    That is no fault: while it lacked something that does not come free by itself (a person's
    answer, the end of a quarantine), it kept nothing from anybody.
    """
    if not isinstance(job.phase, JobQueued):
        return []
    ready, excluded, needed = job.phase.since, world.excluded_by(job.kind), {*world.locks_of(job)}
    found = [
        (other.run.started, other)
        for other in others
        if other.run is not None
        and not other.run.pays
        and queue_entry(other) > queue_entry(job)
        and (
            needed.intersection(other.run.locks)
            or (other.environment == job.environment and other.kind in excluded)
        )
    ]
    later = [(at.since(ready), other) for at, other in found if at.since(ready) > 0]
    return [other for _, other in sorted(later, key=lambda one: (one[0], one[1].id), reverse=True)]
