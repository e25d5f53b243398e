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


def slot_entry(job: Job, *, reserve: bool = False) -> Entry:
    """Where a job stands in the line for slots: first those that may use the `reserve`, whom no
    other wait must hide; then steps of admitted jobs, for those hold locks; then jobs that wait or
    prepare."""
    reserve = reserve or job.cleanup_for is not None or (job.run is not None and bool(job.run.pays))
    if job.run is not None:
        return (0 if reserve else 2, job.rank, job.id)
    return (1 if reserve else 3, job.rank, job.id)


class Needs(msgspec.Struct, frozen=True):
    """All that decides what a waiting job waits for: those that need the same go one by one.

    `owed`: it is there to pay a debt only. `retry`: an admin's, which a quarantine lets in. `slot`:
    nothing of it could begin without one. What a run that pays needs depends on its debts, so
    those are looked for apart (`Queues.repairs`, `Queues.alike_by_hand`).
    """

    environment: str
    kind: str
    locks: tuple[str, ...]
    slot: bool
    owed: bool
    retry: bool


class Queues:
    """Waiting jobs by what they need, the first of those by lock, and by what makes two runs alike.

    A queue for each `Needs` and not for each pipeline: of a thousand pipelines that wait for the
    same, one job is looked at. The line of a lock has the first of each queue only, so that a lock
    that is let go costs the same however many wait for it.
    """

    def __init__(self) -> None:
        self._queues: dict[str, dict[Needs, SortedList]] = {}
        self._needs: dict[int, Needs] = {}
        self._lines: dict[str, SortedList] = {}
        self._together: dict[str, dict[tuple[str, ...], int]] = {}
        self._alike: dict[tuple[str, Likeness], SortedList] = {}
        self._unapproved: dict[str, SortedList] = {}

    def add(self, job: Job, needs: Needs, *, unapproved: bool = False) -> None:
        """A job begins to wait; `unapproved`, if people would have to be asked for it."""
        self._needs[job.id] = needs
        self._line_up(needs, queue_entry(job))
        alike = job.environment, likeness(job)
        self._alike.setdefault(alike, SortedList()).add(queue_entry(job))
        if unapproved:
            self._unapproved.setdefault(job.environment, SortedList()).add(job.id)

    def remove(self, job: Job) -> Needs:
        """It waits no more; what it needed."""
        needs = self._needs.pop(job.id)
        self._step_out(needs, queue_entry(job))
        _take_out(self._alike, (job.environment, likeness(job)), queue_entry(job))
        if job.id in self._unapproved.get(job.environment, ()):
            _take_out(self._unapproved, job.environment, job.id)
        return needs

    def change(self, job: Job, needs: Needs) -> None:
        """A job that waits needs something else from now on."""
        old = self._needs[job.id]
        if needs != old:
            self._needs[job.id] = needs
            self._step_out(old, queue_entry(job))
            self._line_up(needs, queue_entry(job))

    def _line_up(self, needs: Needs, entry: Entry) -> None:
        queues = self._queues.setdefault(needs.environment, {})
        queue = queues.get(needs)
        if queue is None:
            queue = queues[needs] = SortedList()
            self._put_together(needs, 1)
        first = queue[0] if queue else None
        queue.add(entry)
        self._lead(needs, first, queue[0])

    def _step_out(self, needs: Needs, entry: Entry) -> None:
        queues = self._queues[needs.environment]
        queue = queues[needs]
        first = queue[0]
        queue.remove(entry)
        self._lead(needs, first, queue[0] if queue else None)
        if not queue:
            del queues[needs]
            self._put_together(needs, -1)
        if not queues:
            del self._queues[needs.environment]

    def _lead(self, needs: Needs, old: Entry | None, new: Entry | None) -> None:
        """The first of a queue is another: it stands for all of them in the lines of its locks."""
        if old == new or needs.owed:  # what pays has the locks of its debts, and lacks none
            return
        for lock in needs.locks:
            if old is not None:
                _take_out(self._lines, lock, old)
            if new is not None:
                self._lines.setdefault(lock, SortedList()).add(new)

    def _put_together(self, needs: Needs, change: int) -> None:
        for lock in needs.locks:
            sets = self._together.setdefault(lock, {})
            sets[needs.locks] = sets.get(needs.locks, 0) + change
            if not sets[needs.locks]:
                del sets[needs.locks]
            if not sets:
                del self._together[lock]

    @property
    def environments(self) -> frozenset[str]:
        """Where jobs wait."""
        return frozenset(self._queues)

    def heads(self, environment: str) -> Iterator[tuple[Needs, Entry]]:
        """What is needed, and the first entry, of each queue of an environment."""
        for needs, queue in self._queues.get(environment, {}).items():
            yield needs, queue[0]

    def line(self, lock: str, before: Entry = LAST) -> Iterator[Entry]:
        """The first of each queue whose jobs need a lock, in their order, that stands before."""
        line = self._lines.get(lock)
        return iter(()) if line is None else line.irange(maximum=before, inclusive=(True, False))

    def beside(self, lock: str) -> Iterator[str]:
        """The locks that those need, too, who wait and need this one."""
        for locks in self._together.get(lock, ()):
            yield from locks

    def locks_in(self, environment: str) -> Iterator[str]:
        """The locks that those need who wait in an environment."""
        for needs in self._queues.get(environment, ()):
            yield from needs.locks

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

    The order of those that wait is that of their entries (`progress.starving`). A job between two
    of its steps uses no slot, and its juniors leave it one: else each of its steps would wait for
    a whole step of somebody who came later.
    """

    def __init__(self) -> None:
        self.in_use = 0
        self._between: SortedList = SortedList()
        self._between_of: dict[int, Entry] = {}
        self._of: dict[int | str, int] = {}
        self._entry_of: dict[str, Entry] = {}
        self._waiting: SortedList = SortedList()

    def use(self, by: int | str, slots: int) -> None:
        """A job, or the recheck of an environment, uses so many from now on."""
        self.in_use += slots - self._of.pop(by, 0)
        if slots:
            self._of[by] = slots

    def keep(self, job: int, entry: Entry | None) -> None:
        """A job is between two of its steps from now on (with `entry` its place in the line), or
        (None) is not."""
        old = self._between_of.pop(job, None)
        if old is not None:
            self._between.remove(old)
        if entry is not None:
            self._between_of[job] = entry
            self._between.add(entry)

    def taken(self, before: Entry) -> int:
        """The slots that whoever stands there in the line can't have: those in use, those that are
        left to its seniors between their steps, and those that its seniors in the line take."""
        between = self._between.bisect_left(before)
        return self.in_use + int(between + self._waiting.bisect_left((before, "")))

    @property
    def between(self) -> Iterator[int]:
        """The jobs that are between two of their steps, the most senior first."""
        return (job for _, _, job in self._between)

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
    """The holders of each lock: one; or what jobs of one environment left, and what repairs it."""

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
