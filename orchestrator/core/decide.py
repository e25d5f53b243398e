"""The answer of the core to one command: events, or a Rejection that changes nothing.

`decide` looks only. `take` is what a writer does with a command: decide, evolve, and let happen
what follows by itself, within the world's transaction.
"""

import sys
from collections.abc import Iterator
from typing import assert_never

from sortedcontainers import SortedList

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Actor, Job
from orchestrator.core.rules import observations as seen
from orchestrator.core.rules import rechecks, unknown
from orchestrator.core.rules import requests as asked
from orchestrator.core.rules.approvals import question
from orchestrator.core.rules.lacks import is_stuck, reserver
from orchestrator.core.rules.progress import (
    admit,
    advance_environment,
    advance_job,
    next_admission,
    starving,
)
from orchestrator.core.rules.timers import due
from orchestrator.core.world.evolve import evolve
from orchestrator.core.world.queues import queue_entry
from orchestrator.core.world.world import DeadlineOf, World


def decide(world: World, command: cmd.Command, now: Instant) -> list[ev.AnyEvent]:
    """What a command means. Raises a Rejection where it can't be; changes nothing itself."""
    return list(_decide(world, command, now))


def _decide(world: World, command: cmd.Command, now: Instant) -> Iterator[ev.AnyEvent]:
    if isinstance(command, cmd.Request):
        return asked.answer(world, command, now)
    return _observe(world, command, now)


def _observe(world: World, command: cmd.Observation, now: Instant) -> Iterator[ev.AnyEvent]:
    match command:
        case cmd.AcquireDone():
            return seen.acquire_done(world, command, now)
        case cmd.AttemptFailed():
            return seen.attempt_failed(world, command)
        case cmd.ApplyDone():
            return seen.apply_done(world, command)
        case cmd.CleanupDone():
            return seen.cleanup_done(world, command)
        case cmd.AttemptAbandoned():
            return seen.attempt_abandoned(world, command)
        case cmd.RecheckDone() | cmd.NoteSetAside():
            return _settled(world, command)
        case cmd.NoteWaiting():
            return seen.note_waiting(world, command)
        case cmd.NoteWarning():
            return seen.note_warning(world, command)
        case cmd.Ask() | cmd.WithdrawQuestion():
            return question(world, command, now)
        case cmd.IntendProcess() | cmd.NoteCall():
            return seen.intend(world, command, now)
        case cmd.LookAtClock():
            return iter(())
        case _:
            assert_never(command)


def _settled(world: World, command: cmd.RecheckDone | cmd.NoteSetAside) -> Iterator[ev.AnyEvent]:
    match command:
        case cmd.RecheckDone():
            return rechecks.recheck_done(world, command)
        case cmd.NoteSetAside():
            return unknown.set_aside(world, command)
        case _:
            assert_never(command)


def take(world: World, command: cmd.Command, now: Instant) -> list[ev.Stamped]:
    """Decide a command and evolve the world by its events. Raises a Rejection, with no change."""
    actor = actor_of(command)
    return [
        happen(world, ev.Stamped(at=now, by=actor, event=event))
        for event in decide(world, command, now)
    ]


def settle(world: World, now: Instant) -> list[ev.Stamped]:
    """Let everything happen that follows by itself from what was touched and from the clock."""
    happened: list[ev.Stamped] = []
    while _settle_once(world, now, happened):
        pass
    return happened


def _settle_once(world: World, now: Instant, happened: list[ev.Stamped]) -> bool:
    """Look at all that was touched. Whether that led to anything that must be looked at again."""
    before, moved = len(happened), False
    for job, environment in overdue(world, now):
        while job in world.jobs and (events := due(world, world.jobs[job], now)):
            happened += _all_happen(world, events, now)
        if environment:
            happened += _all_happen(world, rechecks.overdue(world, environment, now), now)
    _advance_jobs(world, now, happened)  # what ends lets go, before anybody is admitted
    environments = _to_look_at(world)
    _advance_jobs(world, now, happened)
    for environment in environments:
        _prepare_admissions(world, environment, now, happened)
    _admit(world, environments, now, happened)
    for environment in environments:
        happened += _all_happen(world, rechecks.start(world, environment), now)
        moved |= world.starve(environment, starving(world, environment))
    return moved or len(happened) > before


def _prepare_admissions(
    world: World, environment: str, now: Instant, happened: list[ev.Stamped]
) -> None:
    while events := advance_environment(world, environment, now):
        happened += _all_happen(world, events, now)
        _advance_jobs(world, now, happened)


def _admit(world: World, environments: list[str], now: Instant, happened: list[ev.Stamped]) -> None:
    """Admit whom nothing keeps from starting, the most senior first.

    Across environments: one after the other, the first of them would take with a junior of its own
    the slot that a senior of the next one could take.
    """
    found = ((next_admission(world, environment), environment) for environment in environments)
    first = SortedList(
        (queue_entry(job), environment) for job, environment in found if job is not None
    )
    while first:
        entry, environment = first.pop(0)
        job = next_admission(world, environment)
        if job is not None and queue_entry(job) == entry:
            happened += _all_happen(world, admit(world, job, now), now)
            _advance_jobs(world, now, happened)  # it takes its slot before the next is admitted
            _prepare_admissions(world, environment, now, happened)
            job = next_admission(world, environment)
        if job is not None:
            first.add((queue_entry(job), environment))


def _advance_jobs(world: World, now: Instant, happened: list[ev.Stamped]) -> None:
    touched, world.touched.jobs = world.touched.jobs, set()
    jobs = (world.jobs[job] for job in touched if job in world.jobs)
    for job in sorted(jobs, key=queue_entry):
        while job.id in world.jobs and (events := advance_job(world, world.jobs[job.id], now)):
            happened += _all_happen(world, events, now)


def _all_happen(world: World, events: list[ev.AnyEvent], now: Instant) -> list[ev.Stamped]:
    return [happen(world, ev.Stamped(at=now, by=None, event=event)) for event in events]


def happen(world: World, stamped: ev.Stamped) -> ev.Stamped:
    """Evolve the world by one event."""
    evolve(world, stamped)
    return stamped


def overdue(world: World, now: Instant) -> list[DeadlineOf]:
    """What has a deadline that has passed."""
    passed = world.deadlines.irange(maximum=(now.boot, sys.maxsize, ""))
    return [(job, environment) for _, job, environment in passed]


def _to_look_at(world: World) -> list[str]:
    """Touched environments, and those whose next waiter lacked what is free now, by name."""
    names = world.touched.environments
    names.update([job.environment for job in _next_in_line(world)])
    if world.touched.locks:
        names |= world.retired  # of their jobs, one may need a lock that the next does not
    world.touched.environments, world.touched.locks = set(), set()
    free_with_reserve = world.capacity + 1 - world.slots.in_use
    for name in world.slots.first(free_with_reserve):
        names.add(name)
        world.touched.jobs.update(world.running.get(name, ()), world.preparing.get(name, ()))
    return sorted(names)


def _next_in_line(world: World) -> Iterator[Job]:
    """The waiters to whom a free lock may have fallen: for each the most senior that reserves it,
    for all behind that one are kept from it.

    It may fall to them by being let go, or because who reserved it does so no more: it has gone,
    its environment has changed, or another lock that it lacks is held by what does not end by
    itself.
    """
    locks = set(world.touched.locks)
    for lock in world.touched.locks:
        if is_stuck(world, lock):
            locks.update(world.queues.beside(lock))
    for name in world.touched.environments:
        locks.update(world.queues.locks_in(name))
    for lock in locks:
        if not world.locks.holders(lock):
            first = reserver(world, lock)
            if first is not None:
                yield first


def actor_of(command: cmd.Command) -> Actor | None:
    """Who the journal names for the events of a command."""
    caller = getattr(command, "caller", None)
    return caller.actor if isinstance(caller, cmd.Caller) else None
