"""A world as a new daemon finds it: from entities that were written down, or from the journal."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Drain, Environment, Job
from orchestrator.core.world.evolve import evolve
from orchestrator.core.world.world import World

T = TypeVar("T")


def through_json(value: T, type: type[T]) -> T:
    """The value, written and read again."""
    return msgspec.json.decode(msgspec.json.encode(value), type=type)


def restored(world: World, epoch: Instant) -> World:
    """A new world from the entities of an old one, as a store keeps them."""
    configuration = world.configuration
    if configuration is not None:
        configuration = through_json(configuration, Configuration)
    new = World(epoch, configuration, world.accepted)
    for digest, definition in world.definitions.items():
        new.put_definition(digest, through_json(definition, JobDefinition))
    for environment in world.environments.values():
        new.put_environment(through_json(environment, Environment))
    for job in world.jobs.values():
        new.put_job(through_json(job, Job))
    drain = world.drain
    new.put_drain(None if drain is None else through_json(drain, Drain))
    new.next_job = world.next_job
    new.seed = world.seed
    new.begin()
    return new


def replayed(journal: Iterable[ev.Stamped], epoch: Instant) -> World:
    """A new world from the journal alone."""
    new = World(epoch)
    for stamped in journal:
        evolve(new, through_json(stamped, ev.Stamped))
    new.begin()
    return new
