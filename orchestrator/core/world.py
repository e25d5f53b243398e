"""The state that rules are decided on: entities, the indexes over them, and one way to change them.

Only `evolve` changes a world, through the `put_…` methods. Between `begin` and `commit` every
change can be taken back, and `changes` says what a store must write.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec
from sortedcontainers import SortedList

from orchestrator.core.deadlines import next_deadline
from orchestrator.core.definition import Configuration, JobDefinition, StepDefinition
from orchestrator.core.instant import Instant
from orchestrator.core.model import (
    Acquiring,
    Applying,
    Drain,
    Environment,
    Job,
    JobCancelling,
    JobFinished,
    JobQueued,
    JobRunning,
)


class Changes(msgspec.Struct):
    """The entities that a transaction replaced, in their last version.

    A finished job stands here in its last phase, although the world has let it go.
    """

    jobs: dict[int, Job] = {}
    environments: dict[str, Environment | None] = {}
    definitions: dict[str, JobDefinition] = {}
    configuration: tuple[str, Configuration] | None = None
    drain: bool = False


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock: a running job, or (`debt`) the cleanup that is owed for it."""

    job: int
    debt: bool


class World:
    """Open jobs, environments, and the indexes that keep a decision's cost apart from their number.

    `epoch` is the moment at which this world was loaded: deadlines count in its boot's clock.
    """

    def __init__(self, epoch: Instant, configuration: Configuration | None = None) -> None:
        self.epoch = epoch
        self.configuration = configuration
        self.definitions: dict[str, JobDefinition] = {}
        self.environments: dict[str, Environment] = {}
        self.jobs: dict[int, Job] = {}
        self.drain: Drain | None = None
        self.next_job = 1
        self.queues: dict[str, dict[tuple[str, str], SortedList]] = {}
        self.running: dict[str, set[int]] = {}
        self.lock_holders: dict[str, set[Holder]] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.deadlines: SortedList = SortedList()
        self.slots: dict[int, int] = {}
        self.slots_in_use = 0
        self.starving: dict[str, tuple[int, int, int]] = {}
        self.starving_order: SortedList = SortedList()
        self._exclusions: dict[str, frozenset[str]] = {}
        self.lock_users: dict[str, set[str]] = {}
        self.touched: set[str] = set()
        self.touched_jobs: set[int] = set()
        self.freed_locks: set[str] = set()
        self.changes = Changes()
        self._steps: dict[str, dict[str, StepDefinition]] = {}
        self._undo: list[Callable[[], None]] = []
        if configuration is not None:
            self._index_configuration(configuration)

    # --- looking ---------------------------------------------------------------------------

    def environment(self, name: str) -> Environment:
        """The environment, as it is before anything happened in it if nothing has."""
        return self.environments.get(name) or Environment(name=name)

    def definition(self, job: Job) -> JobDefinition:
        """What the job keeps from its configuration."""
        return self.definitions[job.definition]

    def step_definition(self, job: Job, step: str) -> StepDefinition:
        """The definition of one step of a job."""
        return self.step_definitions(job)[step]

    def step_definitions(self, job: Job) -> dict[str, StepDefinition]:
        """The job's steps by name, in their order."""
        known = self._steps.get(job.definition)
        if known is None:
            known = {step.name: step for step in self.definition(job).pipeline.steps}
            self._steps[job.definition] = known
        return known

    def queue(self, environment: str) -> Iterator[Job]:
        """The jobs that wait in an environment, in their order."""
        entries = sorted(
            entry for queue in self.queues.get(environment, {}).values() for entry in queue
        )
        return (self.jobs[job] for _, _, job in entries)

    def running_jobs(self, environment: str) -> Iterator[Job]:
        """The jobs that run in an environment, the oldest first."""
        return (self.jobs[job] for job in sorted(self.running.get(environment, ())))

    def excluded_by(self, kind: str) -> frozenset[str]:
        """The kinds that a kind excludes by today's configuration, in both directions."""
        return self._exclusions.get(kind, frozenset())

    # --- changing --------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a transaction: forget what the last one touched."""
        self.touched = set()
        self.touched_jobs = set()
        self.freed_locks = set()
        self.changes = Changes()
        self._undo = []

    def rollback(self) -> None:
        """Take back everything since `begin`."""
        for undo in reversed(self._undo):
            undo()
        self.begin()

    def commit(self) -> None:
        """Keep everything since `begin`."""
        self._undo = []

    def put_configuration(self, digest: str, configuration: Configuration) -> None:
        """Replace the configuration."""
        old = self.configuration
        self._undo.append(lambda: self._set_configuration(old))
        self._set_configuration(configuration)
        self.changes.configuration = (digest, configuration)
        self.touched.update(configuration.environments, self.environments, self.queues)

    def put_definition(self, digest: str, definition: JobDefinition) -> None:
        """Remember a definition under its digest."""
        if digest in self.definitions:
            return
        self._undo.append(lambda: self._drop_definition(digest))
        self.definitions[digest] = definition
        self.changes.definitions[digest] = definition

    def put_drain(self, drain: Drain | None) -> None:
        """Start or end the drain."""
        old = self.drain
        self._undo.append(lambda: setattr(self, "drain", old))
        self.drain = drain
        self.changes.drain = True
        self.touched.update(self.queues)

    def put_environment(self, environment: Environment) -> None:
        """Replace an environment."""
        name = environment.name
        old = self.environments.get(name)
        self._undo.append(lambda: self._replace_environment(name, old))
        self._replace_environment(name, environment)
        self.changes.environments[name] = environment
        self.touched.add(name)

    def put_job(self, job: Job) -> None:
        """Add or replace a job; a finished one leaves the world."""
        old, next_job = self.jobs.get(job.id), self.next_job
        self._undo.append(lambda: self._take_back_job(job.id, old, next_job))
        self._replace_job(job.id, job)
        self.next_job = max(self.next_job, job.id + 1)
        self.changes.jobs[job.id] = job
        self.touched.add(job.environment)
        self.touched_jobs.add(job.id)

    def starve(self, environment: str, entry: tuple[int, int, int] | None) -> None:
        """Note that an environment's next waiter lacks a slot only (`entry` orders it), or None."""
        old = self.starving.get(environment)
        if old != entry:
            self._undo.append(lambda: self._set_starving(environment, old))
            self._set_starving(environment, entry)

    # --- indexes ---------------------------------------------------------------------------

    def _take_back_job(self, job: int, old: Job | None, next_job: int) -> None:
        self._replace_job(job, old)
        self.next_job = next_job

    def _set_configuration(self, configuration: Configuration | None) -> None:
        self.configuration = configuration
        if configuration is not None:
            self._index_configuration(configuration)

    def _index_configuration(self, configuration: Configuration) -> None:
        self._exclusions = symmetric(configuration.kinds)
        users: dict[str, set[str]] = {}
        for environment in configuration.environments.values():
            for lock in environment.locks:
                users.setdefault(lock, set()).add(environment.name)
        self.lock_users = users

    def _set_starving(self, environment: str, entry: tuple[int, int, int] | None) -> None:
        old = self.starving.pop(environment, None)
        if old is not None:
            self.starving_order.discard((old, environment))
        if entry is not None:
            self.starving[environment] = entry
            self.starving_order.add((entry, environment))

    def _drop_definition(self, digest: str) -> None:
        self.definitions.pop(digest, None)
        self._steps.pop(digest, None)

    def _replace_environment(self, name: str, new: Environment | None) -> None:
        old = self.environments.pop(name, None)
        if old is not None:
            for debt in old.debts:
                self._release(debt.locks, Holder(job=debt.job, debt=True))
        if new is not None:
            self.environments[name] = new
            for debt in new.debts:
                self._hold(debt.locks, Holder(job=debt.job, debt=True))

    def _replace_job(self, id: int, new: Job | None) -> None:
        old = self.jobs.pop(id, None)
        if old is not None:
            self._unindex(old)
        if new is not None and not isinstance(new.phase, JobFinished):
            self.jobs[id] = new
            self._index(new)

    def _index(self, job: Job) -> None:
        if job.key is not None:
            self.keys[job.submitter.uid, job.key] = job.id
        deadline = next_deadline(job, self.definitions[job.definition].pipeline, self.epoch)
        if deadline is not None:
            self.deadlines.add((deadline, job.id))
        match job.phase:
            case JobQueued():
                self._queue(job).add(queue_entry(job))
            case JobRunning(run=run) | JobCancelling(run=run):
                self.running.setdefault(job.environment, set()).add(job.id)
                self._hold(run.locks, Holder(job=job.id, debt=False))
                self._count_slots(job, self._slots_of(job))
            case JobFinished():
                pass

    def _unindex(self, job: Job) -> None:
        if job.key is not None:
            self.keys.pop((job.submitter.uid, job.key), None)
        deadline = next_deadline(job, self.definitions[job.definition].pipeline, self.epoch)
        if deadline is not None:
            self.deadlines.discard((deadline, job.id))
        match job.phase:
            case JobQueued():
                self._queue(job).remove(queue_entry(job))
            case JobRunning(run=run) | JobCancelling(run=run):
                self.running[job.environment].discard(job.id)
                self._release(run.locks, Holder(job=job.id, debt=False))
                self._count_slots(job, 0)
            case JobFinished():
                pass

    def _queue(self, job: Job) -> SortedList:
        queues = self.queues.setdefault(job.environment, {})
        return queues.setdefault((job.kind, job.pipeline), SortedList())

    def _hold(self, locks: tuple[str, ...], holder: Holder) -> None:
        for lock in locks:
            self.lock_holders.setdefault(lock, set()).add(holder)

    def _release(self, locks: tuple[str, ...], holder: Holder) -> None:
        for lock in locks:
            self.lock_holders[lock].discard(holder)
            self.freed_locks.add(lock)

    def _slots_of(self, job: Job) -> int:
        steps = self.step_definitions(job)
        return sum(
            1
            for step in job.steps
            if isinstance(step.phase, Acquiring | Applying)
            and step.waiting_for is None
            and steps[step.name].takes_slot
        )

    def _count_slots(self, job: Job, slots: int) -> None:
        self.slots_in_use += slots - self.slots.pop(job.id, 0)
        if slots:
            self.slots[job.id] = slots


def queue_entry(job: Job) -> tuple[int, int, int]:
    """Where a job stands in its queue: repairs first, then rank, then submission."""
    repairs = job.cleanup_for is not None or job.admin_retry
    return (0 if repairs else 1, job.rank, job.id)


def symmetric(kinds: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """What each kind excludes, in both directions."""
    found: dict[str, set[str]] = {kind: set(excludes) for kind, excludes in kinds.items()}
    for kind, excludes in kinds.items():
        for other in excludes:
            found.setdefault(other, set()).add(kind)
    return {kind: frozenset(excludes) for kind, excludes in found.items()}
