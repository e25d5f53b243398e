"""An open job as a reader sees it: whole, and what it waits for."""

import msgspec

from orchestrator.core.admission import Blocker, blockers
from orchestrator.core.definition import JobDefinition
from orchestrator.core.model import Job, JobPreparing, JobQueued
from orchestrator.core.world import World


class OpenJob(msgspec.Struct, frozen=True):
    """A job, what it keeps of its configuration, and what keeps it from starting."""

    job: Job
    definition: JobDefinition
    blockers: tuple[Blocker, ...] = ()


def open_job(world: World, job: Job) -> OpenJob:
    """The job as the world has it now."""
    waits = isinstance(job.phase, JobPreparing | JobQueued)
    return OpenJob(
        job=job,
        definition=world.definition(job),
        blockers=tuple(blockers(world, job)) if waits else (),
    )
