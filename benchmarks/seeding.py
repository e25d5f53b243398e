"""A state directory with many queued jobs, written through the store itself."""

import trio

from benchmarks.place import MEASURED, Place
from benchmarks.scripted import OWNER, Commit, Script
from orchestrator.core.language import commands as cmd
from orchestrator.store.sqlite import open_store


def seed(place: Place, jobs: int, *, drained: bool) -> None:
    """Queue so many jobs, as many in each environment. `drained`: until resumed none starts."""
    trio.run(_seed, place, jobs, drained)


async def _seed(place: Place, jobs: int, drained: bool) -> None:
    script = Script(place.directory)
    assert script.world.configuration is not None
    names = sorted(set(script.world.configuration.environments) - {MEASURED})
    commits = [script.opening]
    if drained:
        commits.append(script.commit(cmd.StartDrain(OWNER, "seeding")))
    commits += [script.submit(jobs // len(names), name) for name in names if jobs]
    await _write(place, commits, script)


async def _write(place: Place, commits: list[Commit], script: Script) -> None:
    async with open_store(place.state) as store:
        for commit in commits:
            await store.append(commit.events, commit.changes, script.world.drain)
