"""From what a store loaded to a world that goes on."""

from orchestrator.core.language.instant import Instant
from orchestrator.core.world.world import World
from orchestrator.store.garbage import garbage_later
from orchestrator.store.protocol import Loaded


def restore(loaded: Loaded, epoch: Instant) -> World:
    """The world as the last commit left it, with nothing to undo and nothing to write.

    All of it is touched: what is derived beyond entities (who lacks a slot) is not on disk, so the
    first transaction must look at everything once.
    """
    accepted = loaded.configuration
    world = World(epoch)
    if accepted is not None:
        world = World(epoch, accepted.configuration, accepted.accepted)
    with garbage_later():
        for digest, definition in loaded.definitions.items():
            world.put_definition(digest, definition)
        for environment in loaded.environments:
            world.put_environment(environment)
        for job in loaded.jobs:
            world.put_job(job)
        world.put_drain(loaded.drain)
        world.next_job = loaded.next_job
        world.begin()
    return world
