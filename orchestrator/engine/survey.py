"""What the directories of jobs say at a start, and the journal does not know.

A journal can go back: a backup is restored, the log loses its tail. The directories do not.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from orchestrator.core.language.model import (
    JobPreparing,
    JobQueued,
    Pending,
    StepRef,
    UnknownRun,
)
from orchestrator.core.language.words import Section
from orchestrator.core.rules.unknown import unknown_runs
from orchestrator.core.world.world import World
from orchestrator.engine.attempt.mark import JobMark, read_mark
from orchestrator.engine.attempt.process_place import ProcessPlace, ProcessPlaces
from orchestrator.engine.paths import Paths
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from orchestrator.process.state import NotStarted, read_claim

_MOST_DIGITS = 15
"""What is called by a longer number is not ours. Counted, it would make the next one larger than
the database can hold, and no daemon would start."""


class Survey(msgspec.Struct, frozen=True):
    """`numbers_from` is the first number beyond all that directories bear.

    `unknown` are the directories of this boot whose jobs the journal does not know. Nothing lives
    of the `dead`, which are of another boot; or they are gone, and the journal waits for them.
    `ran` are attempts of jobs that have not begun, by the journal. Where one may live, its job is
    among the `unknown` too.
    """

    numbers_from: int = 1
    unknown: tuple[UnknownRun, ...] = ()
    dead: tuple[int, ...] = ()
    ran: tuple[StepRef, ...] = ()


def survey(paths: Paths, world: World, host: ProcessHost) -> Survey:
    """Look at the state directory. One listing, whatever the history: looked into are only jobs
    that are open, and those that the journal does not know."""
    there = set(numbers(paths.jobs))
    spent = set(there)
    for directory in (paths.all_aside, paths.secrets / "attempts"):
        spent.update(numbers(directory, beginning=True))
    known = {run.job for _, run in unknown_runs(world)}
    beyond = {job for job in there if job >= world.next_job}
    foreign = {job for job in there.intersection(world.jobs) if _is_foreign(paths, world, job)}
    unknown, dead = [], []
    ran = [
        ref
        for job in sorted(there.intersection(world.jobs) - foreign)
        for ref in _ran(paths, world, job)
    ]
    alive = {ref.job for ref in ran if _may_live(paths.job(ref.job), host)}
    for job in sorted(known | beyond | foreign | alive):
        mark = read_mark(paths.job(job))
        if not _is_of_this_boot(paths.job(job), mark):
            dead.append(job)
        elif job not in known:
            unknown.append(_unknown_run(job, mark))
    return Survey(max(spent, default=0) + 1, tuple(unknown), tuple(dead), tuple(ran))


def numbers(directory: Path, *, beginning: bool = False) -> Iterator[int]:
    """The numbers that things here are called by, or (`beginning`) that their names begin with:
    `7.0a1b`, `7~go~1.json`."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return
    for name in names:
        number = name.partition(".")[0].partition("~")[0] if beginning else name
        is_ours = len(number) <= _MOST_DIGITS and number.isascii() and number.isdigit()
        if is_ours and number == str(int(number)):
            yield int(number)


def places(directory: Path) -> Iterator[ProcessPlace]:
    """Every process of a job, of all its attempts."""
    for processes in sorted(directory.glob("steps/*/*/processes")):
        yield from ProcessPlaces(processes).all()


def _is_foreign(paths: Paths, world: World, job: int) -> bool:
    """Whether the directory of an open job is that of another, which had its number before."""
    mark = read_mark(paths.job(job))
    return mark is not None and mark.token != world.jobs[job].token


def _ran(paths: Paths, world: World, id: int) -> Iterator[StepRef]:
    """The attempts that left something, of a job that had not begun them by the journal.

    What prepares may have begun its `before` steps, which adopt what they find: it is theirs.
    """
    job = world.jobs[id]
    if not isinstance(job.phase, JobPreparing | JobQueued) or any(world.active_steps(job)):
        return
    begun = {step.name for step in job.steps if not isinstance(step.phase, Pending)}
    for step in world.plan(job).steps:
        prepares = isinstance(job.phase, JobPreparing) and step.section is not Section.STEPS
        if step.name not in begun and not prepares:
            attempt = max(numbers(paths.attempts(id, step.name)), default=None)
            if attempt is not None:
                yield StepRef(job=id, step=step.name, attempt=attempt)


def _may_live(directory: Path, host: ProcessHost) -> bool:
    """Whether something of it may be alive; what has not begun by now never will."""
    for place in places(directory):
        if isinstance(host.look(place.directory), NotStarted) and host.void(place.directory):
            continue
        if not host.is_tree_dead(place.directory):
            return True
    return False


def _is_of_this_boot(directory: Path, mark: JobMark | None) -> bool:
    """Whether something of it may live. What was never marked, nor started anything, never did."""
    boot_id = read_boot_id()
    if mark is not None and mark.boot_id == boot_id:
        return True
    claims = (read_claim(place.directory) for place in places(directory))
    return any(claim is not None and claim.boot_id == boot_id for claim in claims)


def _unknown_run(job: int, mark: JobMark | None) -> UnknownRun:
    if mark is None:
        return UnknownRun(job=job)
    return UnknownRun(
        job=job, token=mark.token, pipeline=mark.pipeline, environment=mark.environment
    )
