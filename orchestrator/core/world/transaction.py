"""What a transaction of the world has changed, and what must be looked at because of it."""

import msgspec

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.model import Environment, Job


class InForce(msgspec.Struct, frozen=True):
    """A configuration in force, its digest, and since when it is (UTC milliseconds; None where an
    earlier release did not say)."""

    digest: str
    configuration: Configuration
    accepted: int | None


class Changes(msgspec.Struct):
    """The entities that a transaction replaced, in their last version.

    A finished job stands here in its last phase, although the world has let it go. No number below
    `numbers_from` is given out any more (None: as before).
    """

    jobs: dict[int, Job] = {}
    environments: dict[str, Environment | None] = {}
    definitions: dict[str, JobDefinition] = {}
    configuration: InForce | None = None
    drain: bool = False
    numbers_from: int | None = None


class Touched(msgspec.Struct):
    """What changed and has not been looked at: environments, running jobs, locks set free."""

    environments: set[str] = set()
    jobs: set[int] = set()
    locks: set[str] = set()

    def copy(self) -> "Touched":
        """The same, to come back to."""
        return Touched(set(self.environments), set(self.jobs), set(self.locks))
