"""What is waited for: the order of the jobs that wait, the host's slots, and the locks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec
from sortedcontainers import SortedList

from orchestrator.core.language.model import Debt, Environment, Job

K = TypeVar("K")

Entry: TypeAlias = tuple[int, int, int]
"""Where a job stands in its queue: repairs first, then its rank, then its number."""

Likeness: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""Pipeline, digest of the definition, parameters, secrets."""

LAST: Entry = (2, 0, 0)
"""Behind every job."""


def queue_entry(job: Job) -> Entry:
    """Where a job stands in its queue."""
    repairs = job.owed_by is not None or job.admin_retry
    return (0 if repairs else 1, job.rank, job.id)


class Queues:
    """Waiting jobs by environment, kind and pipeline, and by what makes two runs alike."""

    def __init__(self) -> None:
        self._queues: dict[str, dict[tuple[str, str], SortedList]] = {}
        self._alike: dict[tuple[str, Likeness], SortedList] = {}
        self._unapproved: dict[str, SortedList] = {}

    def add(self, job: Job, *, unapproved: bool = False) -> None:
        """A job begins to wait; `unapproved`, if people would have to be asked for it."""
        queues = self._queues.setdefault(job.environment, {})
        queues.setdefault((job.kind, job.pipeline), SortedList()).add(queue_entry(job))
        alike = job.environment, likeness(job)
        self._alike.setdefault(alike, SortedList()).add(queue_entry(job))
        if unapproved:
            self._unapproved.setdefault(job.environment, SortedList()).add(job.id)

    def remove(self, job: Job) -> None:
        """It waits no more."""
        queues = self._queues[job.environment]
        _take_out(queues, (job.kind, job.pipeline), queue_entry(job))
        if not queues:
            del self._queues[job.environment]
        _take_out(self._alike, (job.environment, likeness(job)), queue_entry(job))
        if job.id in self._unapproved.get(job.environment, ()):
            _take_out(self._unapproved, job.environment, job.id)

    @property
    def environments(self) -> frozenset[str]:
        """Where jobs wait."""
        return frozenset(self._queues)

    def heads(self, environment: str) -> Iterator[tuple[str, Entry]]:
        """The kind and the first entry of each queue of an environment."""
        for (kind, _), queue in self._queues.get(environment, {}).items():
            yield kind, queue[0]

    def first(self, environment: str) -> Entry:
        """The first entry of an environment."""
        return min((entry for _, entry in self.heads(environment)), default=LAST)

    def in_order(self, environment: str) -> list[Entry]:
        """Every entry of an environment."""
        return sorted(
            entry for queue in self._queues.get(environment, {}).values() for entry in queue
        )

    def repairs(self, environment: str) -> Iterator[Entry]:
        """The entries of an environment that go before all others."""
        for queue in self._queues.get(environment, {}).values():
            yield from queue.irange(maximum=(1,))

    def alike_by_hand(self, environment: str, debt: Debt) -> Entry | None:
        """The first job that waits for the same run as a debt and is no repair: one that somebody
        submitted."""
        queue = self._alike.get((environment, likeness(debt)), SortedList())
        return next(queue.irange(minimum=(1,)), None)

    def unapproved(self, environment: str) -> Sequence[int]:
        """The jobs that wait only because nobody is asked to approve what pays a debt."""
        return tuple(self._unapproved.get(environment, ()))

    def place(self, job: Job) -> int:
        """The place of a job among all that wait in its environment, from 1."""
        mine = queue_entry(job)
        queues = self._queues.get(job.environment, {}).values()
        return 1 + sum(int(queue.bisect_left(mine)) for queue in queues)


def _take_out(queues: dict[K, SortedList], key: K, entry: Entry | int) -> None:
    queues[key].remove(entry)
    if not queues[key]:
        del queues[key]


class Alike(Protocol):
    """What has everything that makes two runs the same."""

    @property
    def pipeline(self) -> str: ...
    @property
    def definition(self) -> str: ...
    @property
    def params(self) -> dict[str, str]: ...
    @property
    def secrets(self) -> dict[str, str]: ...
    @property
    def secret_digests(self) -> dict[str, str]: ...


def likeness(of: Alike) -> Likeness:
    """What makes two runs in one environment the same. Secrets are compared by keyed digests; one
    of which none is known equals itself only."""
    secrets = {name: of.secret_digests.get(name, place) for name, place in of.secrets.items()}
    return of.pipeline, of.definition, _sorted(of.params), _sorted(secrets)


def _sorted(table: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(table.items()))


class Slots:
    """Slots in use by job, and the environments whose next step or job lacks nothing but a slot.

    The order of those that wait is that of their entries (`progress.starving`).
    """

    def __init__(self) -> None:
        self.in_use = 0
        self._of: dict[int | str, int] = {}
        self._entry_of: dict[str, Entry] = {}
        self._waiting: SortedList = SortedList()

    def use(self, by: int | str, slots: int) -> None:
        """A job, or the recheck of an environment, uses so many from now on."""
        self.in_use += slots - self._of.pop(by, 0)
        if slots:
            self._of[by] = slots

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


class Holder(msgspec.Struct, frozen=True, order=True):
    """Who holds a lock: a running job, or (`debt`) what it left when it had ended: the cleanup that
    is owed for it, and what its steps left behind."""

    job: int
    debt: bool
    environment: str


def held_after_the_job(environment: Environment) -> Iterator[tuple[Holder, tuple[str, ...]]]:
    """What the jobs that have ended in an environment still hold. Debt and findings of one job are
    one holder: either alone keeps its locks."""
    held: dict[int, tuple[str, ...]] = {debt.job: debt.locks for debt in environment.debts}
    quarantine = environment.quarantine
    for finding in quarantine.findings if quarantine is not None else ():
        held[finding.ref.job] = (*held.get(finding.ref.job, ()), *finding.locks)
    for job, locks in held.items():
        yield Holder(job=job, debt=True, environment=environment.name), tuple(dict.fromkeys(locks))


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
