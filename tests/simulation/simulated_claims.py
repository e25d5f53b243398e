"""A fake of `ClaimBook`: the claims of all attempts, in memory."""

from collections.abc import Callable
from pathlib import Path

import trio

from orchestrator.core.language.model import StepRef
from orchestrator.engine.attempt.process_place import ProcessPlaces
from orchestrator.plugin import Claim
from tests.simulation.simulated_host import SimulatedHost


class SimulatedClaims:
    """Behaves as `ClaimBook` does; must outlive every engine that uses it, as a disk does."""

    def __init__(self, host: SimulatedHost, now: Callable[[], int]) -> None:
        self._host = host
        self._now = now
        self._claims: dict[tuple[str, StepRef, str], tuple[int, Path]] = {}

    async def claim(self, resource: str, ref: StepRef, token: str, processes: Path) -> None:
        """The attempt may hold the resource from now on."""
        await trio.lowlevel.checkpoint()
        self._claims.setdefault((resource, ref, token), (self._now(), processes))

    async def claims(self, resource: str) -> tuple[Claim, ...]:
        """Who claimed it, the newest first."""
        await trio.lowlevel.checkpoint()
        found = []
        for (claimed, ref, token), (began, processes) in self._claims.items():
            if claimed == resource:
                dead = self._is_dead(processes, token)
                ended = self._now() if dead else None
                found.append(Claim(resource, ref.job, ref.step, ref.attempt, began, ended, dead))
        return tuple(reversed(found))

    def _is_dead(self, processes: Path, token: str) -> bool:
        return all(
            self._host.owner(place.directory) in (None, token)
            and self._host.is_tree_dead(place.directory)
            for place in ProcessPlaces(processes).all()
        )
