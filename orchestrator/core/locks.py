"""Who holds which lock."""

from collections.abc import Iterable

import msgspec


class Holder(msgspec.Struct, frozen=True, order=True):
    """Who holds a lock: a running job, or (`debt`) the cleanup that is owed for it."""

    job: int
    debt: bool
    environment: str


class Locks:
    """The holders of each lock: one, or a debt and the job that pays it."""

    def __init__(self) -> None:
        self._holders: dict[str, set[Holder]] = {}

    def hold(self, locks: Iterable[str], holder: Holder) -> None:
        """The holder has these from now on."""
        for lock in locks:
            self._holders.setdefault(lock, set()).add(holder)

    def release(self, locks: Iterable[str], holder: Holder) -> None:
        """The holder has them no more."""
        for lock in locks:
            self._holders[lock].remove(holder)
            if not self._holders[lock]:
                del self._holders[lock]

    def holders(self, lock: str) -> frozenset[Holder]:
        """Who holds it now."""
        return frozenset(self._holders.get(lock, ()))

    def all_held(self) -> Iterable[str]:
        """Every lock that somebody holds."""
        return self._holders.keys()
