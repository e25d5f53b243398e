"""One simulation: a seed's world, its people, its end, and what must be true then."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec
import trio

from orchestrator.core.language import events as ev
from orchestrator.core.world.evolve import evolve
from orchestrator.core.world.world import World as CoreWorld
from orchestrator.store.protocol import Store
from orchestrator.store.restore import restore
from tests.ambient import MEMORY, outside_directory
from tests.simulation.deterministic import run_deterministically
from tests.simulation.sim_log import errors_of_ours
from tests.simulation.sim_people import ADA, BOB, Person, end_everything
from tests.simulation.sim_seen import Violation
from tests.simulation.sim_world import World, simulated_boot
from tests.store.inline import open_inline_store

LONGEST = 100_000.0
"""Seconds of virtual time after which everybody waits for ever: the clock jumps there."""


class Report(msgspec.Struct):
    """What happened in one simulation."""

    seed: int
    lines: list[tuple[int, ev.Stamped]]
    root: Path
    jobs: int
    lives: int
    tools: int

    def journal(self) -> list[str]:
        """The journal to be read, and the same for a seed wherever it was simulated."""
        return [f"{id} {stamped}".replace(str(self.root), "") for id, stamped in self.lines]


Lines: TypeAlias = list[tuple[int, ev.Stamped]]


def simulate(seed: int, lines: Lines | None = None) -> Report:
    """Simulate this seed to its end. Raises Violation, or whatever else breaks.

    `lines` grows by what is committed: after a violation it has the journal up to it.
    """
    root = outside_directory(MEMORY if MEMORY.is_dir() else None)
    try:
        with errors_of_ours() as errors, collected_at_the_end():
            report = run_deterministically(lambda: _simulate(seed, root, lines), seed)
        if errors:
            raise Violation(f"the daemon logged {errors}")
        return report
    except BaseException as error:
        error.add_note(f"replay: .venv/bin/python -m tests.simulation {seed}")
        raise
    finally:
        shutil.rmtree(root)


@contextmanager
def collected_at_the_end() -> Iterator[None]:
    """A world is full of cycles that live to its end: looking for garbage before that finds none,
    and takes a tenth of a simulation."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _simulate(seed: int, root: Path, lines: Lines | None) -> Report:
    async with trio.open_nursery() as outside:
        world = World(seed, root / "state", outside)
        if lines is not None:
            world.witness.lines = lines
        world.witness.give_up = outside.cancel_scope.cancel
        with simulated_boot(world), trio.fail_after(LONGEST):
            await _play(world)
        outside.cancel_scope.cancel()
    if world.witness.violations:
        raise world.witness.violations[0]
    return Report(
        seed=seed,
        lines=world.witness.lines,
        root=root,
        jobs=len(world.witness.jobs),
        lives=world.lives,
        tools=len(world.witness.executions),
    )


async def _play(world: World) -> None:
    people = [Person(world, caller) for caller in (ADA, BOB)]
    async with trio.open_nursery() as daemons:
        daemons.start_soon(world.keep_a_daemon_running)
        async with trio.open_nursery() as acting:
            for person in people:
                acting.start_soon(person.act, world.rng.randint(3, 10))
        world.faults.stop()
        await end_everything(world)
        daemons.cancel_scope.cancel()
    _check_promises(world, people)
    _check_tools(world)
    async with open_inline_store(world.state_dir) as store:
        await _check_rows(world, store)


def _check_promises(world: World, people: list[Person]) -> None:
    """No accepted job was lost, and no key made two."""
    by_key: dict[tuple[int, str], list[int]] = {}
    for job, seen in world.witness.jobs.items():
        if seen.ended is None:
            raise Violation(f"job {job} was lost")
        if seen.submitted.key is not None:
            place = (seen.submitted.submitter.uid, seen.submitted.key)
            by_key.setdefault(place, []).append(job)
    for person in people:
        for key, job in person.accepted.items():
            if by_key.get((person.caller.uid, key)) != [job]:
                raise Violation(f"{key} is {by_key.get((person.caller.uid, key))}, not {job}")


def _check_tools(world: World) -> None:
    for execution in world.witness.executions:
        signals = execution.process.signals
        most = 0 if execution.phase in ("cleanup", "cancel") else 1  # a look may be asked to stop
        if len(signals) > most:
            raise Violation(f"{execution.ref} {execution.phase}-{execution.key} got {signals}")
    twice = {call for call in world.calls if world.calls.count(call) > 1}
    if world.witness.rechecked:  # it is the cleanup again
        twice = {call for call in twice if "-cleanup-" not in call}
    if twice:
        raise Violation(f"called twice: {twice}")


async def _check_rows(world: World, store: Store) -> None:
    """The journal is what was committed, and the rows are what it says."""
    lines = await store.events(0, 1_000_000)
    if lines != world.witness.lines:
        raise Violation("the journal on disk is not what was committed")
    replayed = CoreWorld(world.clock.now())
    for _, stamped in lines:
        evolve(replayed, stamped)
    written = restore(await store.load(), world.clock.now())
    assert written.jobs == replayed.jobs
    assert written.environments == replayed.environments
    assert written.next_job == replayed.next_job
    assert written.configuration == replayed.configuration
    for id, job in replayed.changes.jobs.items():
        assert await store.job(id) == job
    ended = [line for _, line in lines if isinstance(line.event, ev.JobEnded)]
    assert len(ended) == len(replayed.changes.jobs)
