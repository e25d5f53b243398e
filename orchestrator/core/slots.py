"""How many tools are at work on this host, and which environments wait for one to end."""

from sortedcontainers import SortedList

from orchestrator.core.queues import Entry


class Slots:
    """Slots in use by job, and the environments whose next step or job lacks nothing but a slot.

    The order of those that wait is that of their entries (`progress.starving`).
    """

    def __init__(self) -> None:
        self.in_use = 0
        self._of_job: dict[int, int] = {}
        self._entry_of: dict[str, Entry] = {}
        self._waiting: SortedList = SortedList()

    def use(self, job: int, slots: int) -> None:
        """A job uses so many from now on."""
        self.in_use += slots - self._of_job.pop(job, 0)
        if slots:
            self._of_job[job] = slots

    def entry(self, environment: str) -> Entry | None:
        """Where an environment stands in the line, None if it does not wait."""
        return self._entry_of.get(environment)

    def wait(self, environment: str, entry: Entry | None) -> None:
        """An environment waits (with `entry` its place in the line), or (None) waits no more."""
        old = self._entry_of.pop(environment, None)
        if old is not None:
            self._waiting.remove((old, environment))
        if entry is not None:
            self._entry_of[environment] = entry
            self._waiting.add((entry, environment))

    def first(self, count: int) -> list[str]:
        """The environments that have waited longest, `count` at most."""
        return [environment for _, environment in self._waiting[: max(0, count)]]
