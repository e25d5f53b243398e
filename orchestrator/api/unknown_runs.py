"""Runs that the journal does not know, as the wire shows them."""

from orchestrator.api import plain, wire
from orchestrator.api.reading import may_see
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.model import UnknownRun
from orchestrator.core.rules.unknown import unknown_runs
from orchestrator.core.world.world import World
from orchestrator.engine.engine import Engine


def seen_unknown_runs(engine: Engine, world: World, caller: Caller) -> tuple[wire.UnknownRun, ...]:
    """Each with the environments where it may be at work and that the caller may see."""
    where: dict[int, list[str]] = {}
    runs: dict[int, UnknownRun] = {}
    for environment, run in unknown_runs(world):
        if may_see(world, caller, environment.name, None):
            where.setdefault(run.job, []).append(environment.name)
            runs[run.job] = run
    return tuple(_view(engine, runs[job], where[job]) for job in sorted(runs))


def _view(engine: Engine, run: UnknownRun, environments: list[str]) -> wire.UnknownRun:
    verdict = run.verdict
    return wire.UnknownRun(
        job=run.job,
        pipeline=run.pipeline or None,
        environments=tuple(environments),
        since=plain.time(run.since) if run.since is not None else None,
        directory=str(engine.workbench.paths.job(run.job)),
        pids=engine.unknown.pids(run.job),
        waiting=verdict is not None and verdict.wait,
        by=plain.actor(verdict.by) if verdict is not None else None,
        reason=verdict.reason if verdict is not None else None,
    )
