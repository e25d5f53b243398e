"""The state that rules are decided on: entities, the indexes over them, and one way to change them.

Only `evolve` changes a world, through the `put_…` methods. Between `begin` and `commit` every
change can be taken back, and `changes` says what a store must write.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec.structs import replace
from sortedcontainers import SortedList, SortedSet

from orchestrator.core.language.definition import Configuration, JobDefinition, StepDefinition
from orchestrator.core.language.digest import digest
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    CleaningUp,
    Drain,
    Environment,
    Job,
    JobCancelling,
    JobFinished,
    JobPreparing,
    JobQueued,
    JobRunning,
    Step,
)
from orchestrator.core.language.words import Outcome
from orchestrator.core.steps.approval_rules import open_rules
from orchestrator.core.steps.graph import Graph, Plan
from orchestrator.core.values.conditions import reads_debt
from orchestrator.core.world.deadlines import next_deadline, recheck_deadline
from orchestrator.core.world.queues import (
    Entry,
    Holder,
    Locks,
    Needs,
    Queues,
    Slots,
    held_after_the_job,
    slot_entry,
)
from orchestrator.core.world.transaction import Changes, InForce, Touched

__all__ = ["Changes", "World"]


DeadlineOf: TypeAlias = tuple[int, str]
"""A job's number and no name, or 0 and the environment that is looked at again."""


class World:
    """Open jobs, environments, and the indexes that keep a decision's cost apart from their number.

    `epoch` is the moment at which this world was loaded: deadlines count in its boot's clock.
    `accepted` is since when the configuration is in force, in UTC milliseconds. `seed` is what the
    daemon that opened it brought to make tokens of (orchestrator.core.rules.tokens).
    """

    def __init__(
        self,
        epoch: Instant,
        configuration: Configuration | None = None,
        accepted: int | None = None,
    ) -> None:
        self.epoch = epoch
        self.configuration: Configuration | None = None
        self.accepted = accepted
        self.definitions: dict[str, JobDefinition] = {}
        self.environments: dict[str, Environment] = {}
        self.jobs: dict[int, Job] = {}
        self.drain: Drain | None = None
        self.next_job = 1
        self.seed = ""
        self.open_ids: SortedSet = SortedSet()
        self.queues = Queues()
        self.running: dict[str, set[int]] = {}
        self.preparing: dict[str, set[int]] = {}
        self.asking: set[int] = set()
        self.graphs: dict[int, Graph] = {}
        self.locks = Locks()
        self.slots = Slots()
        self.relations = Relations(None)
        self.retired: set[str] = set()
        self.keys: dict[tuple[int, str], int] = {}
        self.deadlines: SortedList = SortedList()
        self.touched = Touched()
        self.changes = Changes()
        self._deadline_of: dict[DeadlineOf, int] = {}
        self._plans: dict[str, Plan] = {}
        self._reads_debt: dict[str, bool] = {}
        self._digested: dict[tuple[str, ...], tuple[str, JobDefinition]] = {}
        self._undo: list[Callable[[], None]] = []
        self._jobs_before: dict[int, Job | None] = {}
        self._touched_before = Touched()
        if configuration is not None:
            self._set_configuration(configuration, accepted)

    # --- looking ---------------------------------------------------------------------------

    def environment(self, name: str) -> Environment:
        """The environment, as it is before anything happened in it if nothing has."""
        return self.environments.get(name) or Environment(name=name)

    @property
    def capacity(self) -> int:
        """How many tools may be at work at once."""
        return self.configuration.capacity if self.configuration is not None else 1

    def definition(self, job: Job) -> JobDefinition:
        """What the job keeps from its configuration."""
        return self.definitions[job.definition]

    def plan(self, job: Job) -> Plan:
        """The job's steps as they depend on each other."""
        known = self._plans.get(job.definition)
        if known is None:
            known = self._plans[job.definition] = Plan(self.definition(job).pipeline.steps)
        return known

    def locks_of(self, job: Job) -> tuple[str, ...]:
        """The locks of the job's environment, as configured now, else as it was submitted."""
        configuration = self.configuration
        if configuration is not None and job.environment in configuration.environments:
            return configuration.environments[job.environment].locks
        return self.definition(job).environment.locks

    def reads_debt(self, definition: str) -> bool:
        """Whether the definition of this digest reads which debt a run of it pays."""
        known = self._reads_debt.get(definition)
        if known is None:
            known = self._reads_debt[definition] = reads_debt(self.definitions[definition])
        return known

    def step(self, job: Job, name: str) -> Step:
        """The step of that name of a running job. Raises KeyError if there is none."""
        return job.steps[self.plan(job).places[name]]

    def step_definition(self, job: Job, step: str) -> StepDefinition:
        """The definition of one step of a job."""
        return self.plan(job).by_name[step]

    def step_definitions(self, job: Job) -> dict[str, StepDefinition]:
        """The job's steps by name, in their order."""
        return self.plan(job).by_name

    def active_steps(self, job: Job) -> Iterator[tuple[Step, StepDefinition]]:
        """The steps of a job whose adapters are at work, in their order."""
        graph = self.graphs.get(job.id)
        if graph is not None:
            for place in graph.active:
                yield job.steps[place], graph.plan.steps[place]

    def backing_off(self, job: Job) -> Iterator[Step]:
        """The steps of a job that wait for their next attempt, in their order."""
        graph = self.graphs.get(job.id)
        if graph is not None:
            yield from (job.steps[place] for place in graph.backing_off)

    def committed_job(self, id: int) -> Job | None:
        """The open job as the last commit left it, also while a transaction changes it."""
        return self._jobs_before[id] if id in self._jobs_before else self.jobs.get(id)

    def newest(self) -> Job | None:
        """The open job that was submitted last."""
        return self.jobs[self.open_ids[-1]] if self.open_ids else None

    def queue(self, environment: str) -> Iterator[Job]:
        """The jobs that wait in an environment, in their order."""
        return (self.jobs[job] for _, _, job in self.queues.in_order(environment))

    def running_jobs(self, environment: str) -> Iterator[Job]:
        """The jobs that run in an environment, the oldest first."""
        return (self.jobs[job] for job in sorted(self.running.get(environment, ())))

    def preparing_jobs(self, environment: str) -> Iterator[Job]:
        """The jobs of an environment whose steps may be at work although they were not admitted."""
        return (self.jobs[job] for job in sorted(self.preparing.get(environment, ())))

    def jobs_at_work(self, environment: str) -> Iterator[Job]:
        """The jobs of an environment whose steps may be at work, admitted or not."""
        yield from self.running_jobs(environment)
        yield from self.preparing_jobs(environment)

    def in_handlers(self, job: Job) -> bool:
        """Whether nothing but the handlers of a job is left to run."""
        graph = self.graphs.get(job.id)
        return graph is not None and graph.in_handlers

    def excluded_by(self, kind: str) -> frozenset[str]:
        """The kinds that a kind excludes by today's configuration, in both directions."""
        return self.relations.exclusions.get(kind, frozenset())

    def digested(
        self, key: tuple[str, ...], definition: JobDefinition
    ) -> tuple[str, JobDefinition]:
        """A definition with its digest, which is made once for each `key` while the configuration
        lasts: of a large pipeline it takes longer than all else that a submission does."""
        known = self._digested.get(key)
        if known is None:
            known = self._digested[key] = digest(definition), definition
        return known

    # --- changing --------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a transaction. What was touched before and not looked at stays touched."""
        self.changes = Changes()
        self._undo = []
        self._jobs_before = {}
        self._touched_before = self.touched.copy()

    def rollback(self) -> None:
        """Take back everything since `begin`."""
        # Backwards: each puts back what stood before its own change. Forwards, a job that was
        # changed twice would end as the first change had left it.
        for undo in reversed(self._undo):
            undo()
        # `settle` has emptied it: what was touched before `begin` would not be looked at, though it
        # could start, until something else touched it.
        self.touched = self._touched_before
        self.begin()

    def commit(self) -> None:
        """Keep everything since `begin`."""
        self._undo = []
        self._jobs_before = {}

    def put_configuration(self, new: InForce) -> None:
        """Replace the configuration."""
        old, accepted = self.configuration, self.accepted
        self._undo.append(lambda: self._set_configuration(old, accepted))
        self._set_configuration(new.configuration, new.accepted)
        self.changes.configuration = new
        self._touch_all()

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
        self._touch_all()

    def put_seed(self, seed: str) -> None:
        """Make tokens of this from now on. It is not written: each daemon brings its own."""
        old = self.seed
        self._undo.append(lambda: setattr(self, "seed", old))
        self.seed = seed

    def put_numbers_from(self, number: int) -> None:
        """Give no job a number below this one."""
        old = self.next_job
        if number > old:
            self._undo.append(lambda: setattr(self, "next_job", old))
            self.next_job = self.changes.numbers_from = number

    def put_environment(self, environment: Environment) -> None:
        """Add or replace an environment."""
        self._change_environment(environment.name, environment)

    def drop_environment(self, name: str) -> None:
        """Forget an environment."""
        self._change_environment(name, None)

    def put_job(self, job: Job) -> None:
        """Add or replace a job; a finished one leaves the world."""
        self._change_job(job, None)

    def put_step(self, job: Job, step: Step) -> None:
        """Replace one step of a running job."""
        place = self.plan(job).places[step.name]
        steps = (*job.steps[:place], step, *job.steps[place + 1 :])
        self._change_job(replace(job, steps=steps), place)

    def starve(self, environment: str, entry: Entry | None) -> bool:
        """Note where an environment stands among those that lack a slot only (None: it does not).
        Whether that is new."""
        old = self.slots.entry(environment)
        if old == entry:
            return False
        self._undo.append(lambda: self.slots.wait(environment, old))
        self.slots.wait(environment, entry)
        return True

    # --- indexes ---------------------------------------------------------------------------

    def _touch_all(self) -> None:
        configured = self.configuration.environments if self.configuration is not None else ()
        self.touched.environments.update(configured, self.environments, self.queues.environments)
        self.touched.jobs.update(*self.preparing.values())

    def _change_environment(self, name: str, new: Environment | None) -> None:
        old = self.environments.get(name)
        self._undo.append(lambda: self._replace_environment(name, old))
        self._replace_environment(name, new)
        self.changes.environments[name] = new
        self.touched.environments.add(name)

    def _change_job(self, job: Job, place: int | None) -> None:
        old, next_job = self.jobs.get(job.id), self.next_job
        # The first one only: attempts read `committed_job` while a batch is being committed, and
        # the next event of that batch would show them the uncommitted one before it.
        self._jobs_before.setdefault(job.id, old)
        self._undo.append(lambda: self._take_back_job(job.id, old, place, next_job))
        self._replace_job(job.id, job, place)
        self.next_job = max(self.next_job, job.id + 1)
        self.changes.jobs[job.id] = job
        self.touched.environments.add(job.environment)
        self.touched.jobs.add(job.id)

    def _take_back_job(self, id: int, old: Job | None, place: int | None, next_job: int) -> None:
        self._replace_job(id, old, place)
        self.next_job = next_job

    def _set_configuration(self, configuration: Configuration | None, accepted: int | None) -> None:
        old = self.configuration
        self.configuration = configuration
        self.accepted = accepted
        self.relations = Relations(configuration)
        self._digested = {}
        for environment in self.queues.environments:
            # Only those: with thousands that wait the others would make each reload slow.
            if _locks_in(old, environment) != _locks_in(configuration, environment):
                for job in list(self.queue(environment)):
                    self.queues.change(job, self._needs_of(job))

    def _drop_definition(self, digest: str) -> None:
        del self.definitions[digest]
        self._plans.pop(digest, None)
        self._reads_debt.pop(digest, None)

    def _replace_environment(self, name: str, new: Environment | None) -> None:
        old = self.environments.pop(name, None)
        self.retired.discard(name)
        if old is not None:
            for holder, locks in held_after_the_job(old):
                self._release(locks, holder)
            self._put_recheck(old, at_work=False)
        if new is not None:
            self.environments[name] = new
            if new.retired:
                self.retired.add(name)
            for holder, locks in held_after_the_job(new):
                self.locks.hold(locks, holder)
            self._put_recheck(new, at_work=True)

    def _put_recheck(self, environment: Environment, *, at_work: bool) -> None:
        """Index a recheck that is at work, or take it out again."""
        if environment.quarantine is None or not environment.quarantine.is_looked_at:
            return
        self.slots.use(environment.name, 1 if at_work else 0)
        deadline = recheck_deadline(environment.quarantine, self.epoch) if at_work else None
        self._set_deadline((0, environment.name), deadline)

    def _replace_job(self, id: int, new: Job | None, place: int | None) -> None:
        """Replace a job of which nothing changed but the step at `place`, or (None) no step, or
        every one."""
        old = self.jobs.pop(id, None)
        self.open_ids.discard(id)
        graph = self.graphs.pop(id, None)
        if old is not None:
            self._unindex(old)
        if new is None or isinstance(new.phase, JobFinished):
            return
        self.jobs[id] = new
        self.open_ids.add(id)
        if old is not None and graph is not None and place is not None:
            graph.replace(place, old.steps[place], new.steps[place])
        if old is None or graph is None or (place is None and old.steps is not new.steps):
            graph = Graph(self.plan(new), new.steps) if new.steps else None
        if graph is not None:
            self.graphs[id] = graph
        self._index(new)

    def _index(self, job: Job) -> None:
        if job.key is not None:
            self.keys[job.submitter.uid, job.key] = job.id
        if isinstance(job.phase, JobQueued):
            rules = open_rules(job, self.definition(job))
            self.queues.add(job, self._needs_of(job), unapproved=bool(rules))
        if isinstance(job.phase, JobPreparing | JobRunning | JobCancelling):
            at_work = self.preparing if job.run is None else self.running
            at_work.setdefault(job.environment, set()).add(job.id)
            if job.run is not None:
                self.locks.hold(
                    job.run.locks, Holder(job=job.id, debt=False, environment=job.environment)
                )
            slots = self._slots_of(job)
            self.slots.use(job.id, slots)
            self.slots.keep(job.id, None if slots else self._place_between(job))
            if any(step.open_question is not None for step, _ in self.active_steps(job)):
                self.asking.add(job.id)
        definition, steps = self.definition(job), self._steps_at_work(job)
        deadline = next_deadline(job, definition, steps, self.epoch, self.in_handlers(job))
        self._set_deadline((job.id, ""), deadline)

    def _unindex(self, job: Job) -> None:
        if job.key is not None:
            del self.keys[job.submitter.uid, job.key]
        if isinstance(job.phase, JobQueued):
            # Whoever comes after it may have waited for what it reserved, in whatever environment.
            self.touched.locks.update(self.queues.remove(job).locks)
        if isinstance(job.phase, JobPreparing | JobRunning | JobCancelling):
            at_work = self.preparing if job.run is None else self.running
            at_work[job.environment].remove(job.id)
            if job.run is not None:
                self._release(
                    job.run.locks, Holder(job=job.id, debt=False, environment=job.environment)
                )
            self.slots.use(job.id, 0)
            self.slots.keep(job.id, None)
            self.asking.discard(job.id)
        self._set_deadline((job.id, ""), None)

    def _set_deadline(self, of: DeadlineOf, deadline: int | None) -> None:
        old = self._deadline_of.pop(of, None)
        if old is not None:
            self.deadlines.remove((old, *of))
        if deadline is not None:
            self._deadline_of[of] = deadline
            self.deadlines.add((deadline, *of))

    def _release(self, locks: tuple[str, ...], holder: Holder) -> None:
        self.locks.release(locks, holder)
        # Jobs of other environments wait for these too: nothing else touches their environments
        # when a lock is let go, so they would go on waiting for a free one. Each change of a holder
        # comes through here: when it asks people, who waits for it reserves nothing any more.
        self.touched.locks.update(locks)

    def _steps_at_work(self, job: Job) -> Iterator[tuple[Step, StepDefinition]]:
        yield from self.active_steps(job)
        for step in self.backing_off(job):
            yield step, self.step_definition(job, step.name)

    def _needs_of(self, job: Job) -> Needs:
        return Needs(
            environment=job.environment,
            kind=job.kind,
            locks=tuple(dict.fromkeys(self.locks_of(job))),
            slot=self.plan(job).begins_with_slot,
            owed=job.owed_by is not None,
            retry=job.admin_retry,
        )

    def _place_between(self, job: Job) -> Entry | None:
        """Where a job that uses no slot stands in the line for its next step's, while the step
        before that is being cleaned up after: that needs nobody, and is soon over."""
        graph = self.graphs.get(job.id)
        endings = [
            step.phase.ending
            for step, _ in self.active_steps(job)
            if isinstance(step.phase, CleaningUp) and step.waiting_for is None
        ]
        if graph is None or not endings:
            return None
        stopped = any(ending.outcome in (Outcome.FAIL, Outcome.HALT) for ending in endings)
        return slot_entry(job) if graph.wants_slots_later(stopped=stopped) else None

    def _slots_of(self, job: Job) -> int:
        return sum(
            1
            for step, definition in self.active_steps(job)
            if isinstance(step.phase, Acquiring | Applying)
            and step.waiting_for is None
            and step.open_question is None
            and definition.takes_slot
        )


def _locks_in(configuration: Configuration | None, environment: str) -> tuple[str, ...] | None:
    """What jobs of an environment need; None if it is not configured."""
    known = configuration.environments.get(environment) if configuration is not None else None
    return None if known is None else known.locks


class Relations:
    """The relations of one configuration, or of none."""

    def __init__(self, configuration: Configuration | None) -> None:
        self.exclusions = symmetric(configuration.kinds) if configuration is not None else {}


def symmetric(kinds: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """What each kind excludes, in both directions."""
    found: dict[str, set[str]] = {kind: set(excludes) for kind, excludes in kinds.items()}
    for kind, excludes in kinds.items():
        for other in excludes:
            found.setdefault(other, set()).add(kind)
    return {kind: frozenset(excludes) for kind, excludes in found.items()}
