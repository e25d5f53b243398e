"""The answer of the core to one command: events, or a Rejection that changes nothing.

`decide` looks only. `take` is what a writer does with a command: decide, evolve, and let happen
what follows by itself, within the world's transaction.
"""

from collections.abc import Iterator
from typing import assert_never

from orchestrator.core import commands as cmd
from orchestrator.core import events as ev
from orchestrator.core import observations as seen
from orchestrator.core import requests as asked
from orchestrator.core.evolve import evolve
from orchestrator.core.instant import Instant
from orchestrator.core.model import Actor
from orchestrator.core.progress import advance_environment, advance_job, starving
from orchestrator.core.timers import due
from orchestrator.core.world import World


def decide(world: World, command: cmd.Command, now: Instant) -> list[ev.AnyEvent]:
    """What a command means. Raises a Rejection where it can't be; changes nothing itself."""
    return list(_decide(world, command, now))


def _decide(world: World, command: cmd.Command, now: Instant) -> Iterator[ev.AnyEvent]:
    match command:
        case cmd.Submit():
            return asked.submit(world, command, now)
        case cmd.Retry():
            return asked.retry(world, command, now)
        case cmd.Cancel():
            return asked.cancel(world, command, now)
        case cmd.Waive():
            return asked.waive(world, command)
        case cmd.Recheck():
            return asked.recheck(world, command)
        case cmd.StartDrain():
            return asked.start_drain(world, command, now)
        case cmd.EndDrain():
            return asked.end_drain(world, command)
        case cmd.AcceptConfiguration():
            return asked.accept_configuration(world, command)
        case cmd.OpenDaemon():
            return asked.open_daemon(world, command)
        case cmd.SeeClient():
            return asked.see_client(world, command)
        case _:
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
        case cmd.RecheckDone():
            return seen.recheck_done(world, command)
        case cmd.NoteWaiting():
            return seen.note_waiting(world, command)
        case cmd.NoteWarning():
            return seen.note_warning(world, command)
        case cmd.IntendProcess() | cmd.NoteCall():
            return seen.intend(world, command, now)
        case cmd.LookAtClock():
            return iter(())
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
    for job in overdue(world, now):
        while job in world.jobs and (events := due(world, world.jobs[job], now)):
            happened += _all_happen(world, events, now)
    before = -1
    while before != len(happened):
        before = len(happened)
        environments = _to_look_at(world)
        for job in sorted(world.touched_jobs):
            world.touched_jobs.discard(job)
            while job in world.jobs and (events := advance_job(world, world.jobs[job], now)):
                happened += _all_happen(world, events, now)
        for environment in environments:
            while events := advance_environment(world, environment, now):
                happened += _all_happen(world, events, now)
            world.starve(environment, starving(world, environment))
    return happened


def _all_happen(world: World, events: list[ev.AnyEvent], now: Instant) -> list[ev.Stamped]:
    return [happen(world, ev.Stamped(at=now, by=None, event=event)) for event in events]


def happen(world: World, stamped: ev.Stamped) -> ev.Stamped:
    """Evolve the world by one event."""
    evolve(world, stamped)
    return stamped


def overdue(world: World, now: Instant) -> list[int]:
    """The jobs with a deadline that has passed."""
    found = []
    for deadline, job in world.deadlines:
        if deadline > now.boot:
            break
        found.append(job)
    return found


def _to_look_at(world: World) -> list[str]:
    """Touched environments, and those whose next waiter lacked what is free now, fairly ordered."""
    names = world.touched
    for lock in world.freed_locks:
        names |= world.lock_users.get(lock, set())
    world.touched, world.freed_locks = set(), set()
    capacity = world.configuration.capacity if world.configuration is not None else 1
    free_with_reserve = capacity + 1 - world.slots_in_use
    waiting = [name for _, name in world.starving_order[: max(0, free_with_reserve)]]
    for name in waiting:
        world.touched_jobs.update(world.running.get(name, ()))
    return sorted(names | set(waiting), key=lambda name: _first_in_line(world, name))


def _first_in_line(world: World, environment: str) -> tuple[int, int, int]:
    queues = world.queues.get(environment, {}).values()
    return min((queue[0] for queue in queues if queue), default=(2, 0, 0))


def actor_of(command: cmd.Command) -> Actor | None:
    """Who the journal names for the events of a command."""
    caller = getattr(command, "caller", None)
    return caller.actor if isinstance(caller, cmd.Caller) else None
