"""An open job as a reader sees it: whole, and what it waits for."""

from collections.abc import Iterator

import msgspec

from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.model import Job, JobPreparing, JobQueued
from orchestrator.core.rules.admission import Blocker, blockers, no_slot
from orchestrator.core.rules.progress import starved_step
from orchestrator.core.world.world import World


class OpenJob(msgspec.Struct, frozen=True):
    """A job, what it keeps of its configuration, and what keeps it, or a step of it, from
    starting."""

    job: Job
    definition: JobDefinition
    blockers: tuple[Blocker, ...] = ()


def open_job(world: World, job: Job) -> OpenJob:
    """The job as the world has it now."""
    return OpenJob(
        job=job, definition=world.definition(job), blockers=tuple(_in_the_way(world, job))
    )


def _in_the_way(world: World, job: Job) -> Iterator[Blocker]:
    if isinstance(job.phase, JobPreparing | JobQueued):
        yield from blockers(world, job)
    starved = starved_step(world, job)
    if starved is not None:
        yield no_slot(world, starved)
