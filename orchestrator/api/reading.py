"""Jobs as they are committed, for those who may see them."""

from orchestrator.api import approvals, views, wire
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    EnvironmentDefinition,
    PipelineDefinition,
)
from orchestrator.core.language.model import Job
from orchestrator.core.language.rejections import UnknownJob
from orchestrator.core.language.words import Role
from orchestrator.core.rules.approvals import awaited
from orchestrator.core.rules.permissions import demand, may
from orchestrator.core.world.world import World
from orchestrator.engine.engine import Engine, SubmittedJob
from orchestrator.engine.feed import OpenJob, open_job


class SeenJob(OpenJob, frozen=True):
    """A job, open or finished, and its view."""

    def view(self, engine: Engine) -> wire.Job:
        """The job, whole."""
        return views.job(self.job, self.definition, engine.live_step, self.blockers)


async def see(engine: Engine, id: int, caller: Caller | None = None) -> SeenJob:
    """A job, open or finished. Raises UnknownJob, and NotPermitted if the caller may not see it."""
    async with engine.reading() as world:
        open_job = world.jobs.get(id)
        if open_job is not None:
            demand_view(world, open_job, caller)
            return seen(world, open_job)
    job = await engine.store.job(id)
    definition = await engine.store.definition(job.definition) if job is not None else None
    if job is None or definition is None:
        raise UnknownJob(id)
    async with engine.reading() as world:
        demand_view(world, job, caller)
    return SeenJob(job=job, definition=definition)


async def see_submitted(engine: Engine, submission: SubmittedJob) -> SeenJob:
    """The job of a submission, as its commit left it."""
    found = submission.open
    if found is None:
        return await see(engine, submission.job)
    return SeenJob(found.job, found.definition, found.blockers)


def seen(world: World, job: Job) -> SeenJob:
    """An open job."""
    found = open_job(world, job)
    return SeenJob(found.job, found.definition, found.blockers)


def demand_view(world: World, job: Job, caller: Caller | None) -> None:
    """Raise NotPermitted unless the caller may see this job. None is ourselves."""
    if caller is not None:
        levels = _levels(world, job.environment, job.pipeline)
        demand(caller, Role.VIEWER, f"looking at job {job.id}", world.configuration, *levels)


def may_see(world: World, caller: Caller, environment: str | None, pipeline: str | None) -> bool:
    """Whether the caller may see what happens in this environment and pipeline."""
    levels = _levels(world, environment, pipeline)
    return may(caller, Role.VIEWER, world.configuration, *levels)


def _levels(
    world: World, environment: str | None, pipeline: str | None
) -> tuple[EnvironmentDefinition | None, PipelineDefinition | None]:
    """The definitions of today, None for what is not (or no more) configured."""
    if world.configuration is None:
        return None, None
    return (
        world.configuration.environments.get(environment or ""),
        world.configuration.pipelines.get(pipeline or ""),
    )


def demand_viewer(
    world: World,
    caller: Caller,
    doing: str,
    environment: str | None = None,
    pipeline: str | None = None,
) -> None:
    """Raise NotPermitted unless the caller may look at the daemon, and at this part of it."""
    levels = _levels(world, environment, pipeline)
    demand(caller, Role.VIEWER, doing, world.configuration, *levels)


def pending_approvals(world: World, caller: Caller) -> tuple[wire.PendingApproval, ...]:
    """All that people are asked now, as far as the caller may see it."""
    return tuple(
        approvals.pending(world, asked, caller)
        for asked in awaited(world)
        if may_see(world, caller, asked.job.environment, asked.job.pipeline)
    )
