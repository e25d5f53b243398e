"""The token of a job: what tells it from every other, whatever becomes of its number."""

from orchestrator.core.language.digest import digest
from orchestrator.core.language.instant import Instant
from orchestrator.core.world.world import World


def token(world: World, now: Instant) -> str:
    """The token of the job that is submitted now; empty where no daemon has brought a seed.

    Made of the seed, not drawn for each job: the core draws nothing, and an owed cleanup is
    submitted by a rule, with no command that could bring it. With the moment in it, a number that
    one daemon gives out twice (its database fell back to a copy that lacks the first) still has two
    tokens.
    """
    if not world.seed:
        return ""
    return digest((world.seed, world.next_job, now.utc, now.boot))
