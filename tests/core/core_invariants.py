"""What must be true of every world, whatever happened: checked after each command of each test."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from sortedcontainers import SortedList, SortedSet

from orchestrator.core.decide import settle
from orchestrator.core.language import events as ev
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import BackingOff, Debt, Finished, Job, JobQueued, Run
from orchestrator.core.language.words import Section
from orchestrator.core.rules import rechecks
from orchestrator.core.rules.admission import blockers
from orchestrator.core.rules.payment import debts_paid_by
from orchestrator.core.rules.wanted import wanted
from orchestrator.core.steps.graph import Graph, Plan
from orchestrator.core.world.evolve import evolve
from orchestrator.core.world.queues import (
    Holder,
    Locks,
    Queues,
    Slots,
    held_after_the_job,
    queue_entry,
)
from orchestrator.core.world.world import Relations, World

OF_A_TRANSACTION = ("touched", "changes")
_CONTAINERS = (dict, tuple, frozenset)
_FORMS: dict[type, Callable[[Any], Any] | None] = {}
"""Worked out once a type: every value of every world is made plain after every command."""


def state_of(world: World) -> dict[str, Any]:
    """Everything that a world holds, entities and indexes, without its transaction and caches."""
    return {
        name: _plain(value)
        for name, value in vars(world).items()
        if name not in OF_A_TRANSACTION and not name.startswith("_")
    }


def _plain(value: object) -> Any:
    """Containers and indexes by content; an empty one in a table is as good as none."""
    kind = type(value)
    if kind not in _FORMS:
        _FORMS[kind] = _form(kind)
    form = _FORMS[kind]
    return value if form is None else form(value)


def _form(kind: type) -> Callable[[Any], Any] | None:
    """How values of this type are made plain; None: they are."""
    if issubclass(kind, Mapping):
        return _plain_table
    if issubclass(kind, SortedList | SortedSet):
        return tuple
    if issubclass(kind, list):
        return lambda value: [_plain(item) for item in value]
    if issubclass(kind, set):
        return frozenset
    if issubclass(kind, Graph):  # its verdict is worked out when it is asked for
        return lambda value: _plain_table({**vars(value), "_verdict": None})
    if issubclass(kind, Queues | Locks | Slots | Relations | Plan):
        return lambda value: _plain_table(vars(value))
    return None


def _plain_table(value: Mapping[Any, Any]) -> dict[Any, Any]:
    plain = {key: _plain(item) for key, item in value.items()}
    return {key: item for key, item in plain.items() if item or type(item) not in _CONTAINERS}


class Shadow:
    """A second world that only ever evolves by the journal, and looks at each event as it comes."""

    def __init__(
        self, epoch: Instant, world: World | None = None, ended: set[int] | None = None
    ) -> None:
        self.world = world or World(epoch)
        self.ended = ended or set()

    def follow(self, happened: Iterable[ev.Stamped]) -> None:
        """Evolve by what happened; every event must be allowed by the state before it."""
        for stamped in happened:
            self._look(stamped.event)
            evolve(self.world, stamped)

    def _look(self, event: ev.AnyEvent) -> None:
        match event:
            case ev.JobSubmitted(job=job):
                assert job not in self.ended and job not in self.world.jobs
            case ev.JobAdmitted(job=job, run=run):
                self._look_at_admission(self.world.jobs[job])
                look_at_fairness(self.world, self.world.jobs[job], run)
                assert set(run.pays) == {
                    debt.job for debt in debts_paid_by(self.world, self.world.jobs[job])
                }
            case ev.JobEnded(job=job):
                assert all(step.finished for step in self.world.jobs[job].steps)
                self.ended.add(job)
            case ev.StepStarted(ref=ref):
                self._look_at_start(self.world.jobs[ref.job], ref.step)
            case ev.StepFinished(ref=ref) | ev.StepNotRun(ref=ref) | ev.StepApplied(ref=ref):
                assert not self.world.jobs[ref.job].step(ref.step).finished
            case ev.StepStopRequested(ref=ref):
                step = self.world.jobs[ref.job].step(ref.step)
                assert step.active or isinstance(step.phase, BackingOff)
            case ev.StepRetryScheduled(ref=ref):
                step = self.world.jobs[ref.job].step(ref.step)
                assert step.active and ref.attempt == step.attempt
            case ev.StepApplying(ref=ref):
                assert self.world.jobs[ref.job].step(ref.step).active

    def _environment(self, job: int) -> Any:
        return self.world.environment(self.world.jobs[job].environment)

    def _look_at_admission(self, job: Job) -> None:
        world, environment = self.world, self._environment(job.id)
        pays = bool(debts_paid_by(self.world, job))
        for running in world.running_jobs(job.environment):
            assert running.run is not None
            assert job.kind not in running.run.excludes
            assert running.kind not in world.excluded_by(job.kind)
        for debt in environment.debts:
            assert pays or job.kind not in {*world.excluded_by(debt.kind), *debt.excludes}
        quarantine = environment.quarantine
        assert quarantine is None or pays or job.admin_retry
        assert quarantine is None or not quarantine.is_looked_at
        assert environment.quarantine is None or pays or job.admin_retry
        assert not environment.unknown
        assert world.drain is None or pays

    def _look_at_start(self, job: Job, step: str) -> None:
        world = self.world
        assert world.configuration is not None
        graph, section = world.graphs[job.id], world.step_definition(job, step).section
        assert section is graph.section
        assert section is not Section.STEPS or job.run is not None
        assert section.is_handler or job.stop is None
        if world.step_definition(job, step).takes_slot:
            reserve = 1 if self._pays(job) else 0
            assert world.slots.in_use < world.configuration.capacity + reserve

    def _pays(self, job: Job) -> bool:
        """Whether it is an owed cleanup, or one by hand that pays a debt, or prepares to."""
        if job.run is not None:
            return job.cleanup_for is not None or bool(job.run.pays)
        return job.cleanup_for is not None or bool(debts_paid_by(self.world, job))


def look_at_fairness(world: World, job: Job, run: Run) -> None:
    """Nothing that a job takes is kept by a senior: one that lacks only what jobs hold that run."""
    if run.pays:
        return
    for senior in world.jobs.values():
        waits = isinstance(senior.phase, JobQueued) and queue_entry(senior) < queue_entry(job)
        if not waits or not keeps(world, senior):
            continue
        same = senior.environment == job.environment
        assert not (same and senior.kind in world.excluded_by(job.kind)), (job.id, senior.id)
        needed = () if debts_paid_by(world, senior) else world.locks_of(senior)
        assert not {*needed} & {*run.locks}, (job.id, senior.id)


def keeps(world: World, job: Job) -> bool:
    """Whether a waiter reserves what it needs, from the entities alone and not by any index."""
    paid = debts_paid_by(world, job)
    environment = world.environment(job.environment)
    quarantine = environment.quarantine
    by_itself = quarantine is None or quarantine.automatic
    if quarantine is not None and not paid and not job.admin_retry:
        return False
    if paid and not by_itself and job.cleanup_for is not None:
        return False
    if world.drain is not None and not paid:
        return False
    at_work = [one for one in world.jobs.values() if one.run is not None]
    return all(
        one is not None and all(step.open_question is None for step in one.steps)
        for one in _in_its_way(world, job, at_work, paid)
    )


def _in_its_way(
    world: World, job: Job, at_work: list[Job], paid: tuple[Debt, ...]
) -> Iterator[Job | None]:
    """The running jobs that a waiting one waits for; None for a debt that nobody pays now."""
    payers = {debt: one for one in at_work if one.run for debt in one.run.pays}
    excluded = world.excluded_by(job.kind)
    for one in at_work:
        assert one.run is not None
        twice = {debt.job for debt in paid}.intersection(one.run.pays)
        excludes = one.kind in excluded or job.kind in one.run.excludes
        if one.environment == job.environment and (twice or excludes):
            yield one
        if not paid and {*one.run.locks} & {*world.locks_of(job)}:
            yield one
    for environment in world.environments.values():
        for debt in environment.debts:
            owing = world.jobs.get(debt.job) if debt.conclusion is None else payers.get(debt.job)
            excludes = debt.kind in excluded or job.kind in debt.excludes
            holds = bool({*debt.locks} & {*world.locks_of(job)})
            if not paid and ((environment.name == job.environment and excludes) or holds):
                yield owing
        quarantine = environment.quarantine
        for finding in quarantine.findings if quarantine is not None else ():
            if environment.name != job.environment and {*finding.locks} & {*world.locks_of(job)}:
                yield None


def check(world: World, shadow: Shadow, now: Instant) -> None:
    """After `settle`: the world is what its journal says, and nothing is left to happen."""
    replayed = shadow.world
    at_work = (*world.running, *world.preparing)
    everywhere = {*world.environments, *world.queues.environments, *at_work}
    for environment in everywhere:
        assert list(wanted(world, environment)) == list(wanted(replayed, environment))
    replayed.touched.environments |= everywhere
    replayed.touched.jobs |= set(replayed.jobs)
    assert settle(replayed, now) == []
    _check_same(world, replayed)
    assert not world.deadlines or world.deadlines[0][0] > now.boot
    for environment in everywhere:
        for job in world.queue(environment):
            assert next(blockers(world, job), None) is not None
    _check_locks(world)
    _check_rechecks(world)
    _check_environments(world)
    _check_steps(world)


def _check_same(world: World, replayed: World) -> None:
    """A lock that was taken elsewhere leaves an environment in the line for slots until its turn,
    at the place of a job that lacks the lock too by now; one that ought to stand there always does,
    and no further back than it ought to."""
    one, other = state_of(world), state_of(replayed)
    line, needed = one["slots"].pop("_entry_of", {}), other["slots"].pop("_entry_of", {})
    assert needed.keys() <= line.keys()
    assert all(line[environment] <= entry for environment, entry in needed.items())
    one["slots"].pop("_waiting", None), other["slots"].pop("_waiting", None)
    assert one == other


def _check_locks(world: World) -> None:
    """A lock has one holder, but for what was left behind and what is there to repair it."""
    of_runs = [job.run.locks for job in world.jobs.values() if job.run is not None]
    left = [locks for each in world.environments.values() for _, locks in held_after_the_job(each)]
    for lock in set(chain(*left, *of_runs)):
        holders = world.locks.holders(lock)
        assert len({holder.environment for holder in holders}) == 1
        behind = {holder.job for holder in holders if holder.debt}
        jobs = [world.jobs[holder.job] for holder in holders if not holder.debt]
        assert len(jobs) <= 1
        if behind and jobs:
            assert jobs[0].run is not None
            assert behind & set(jobs[0].run.pays) or jobs[0].admin_retry


def _check_rechecks(world: World) -> None:
    """What was found is looked at while nothing else runs there, and keeps its locks."""
    for name, environment in world.environments.items():
        quarantine = environment.quarantine
        if quarantine is None:
            continue
        assert (quarantine.look is not None) == bool(quarantine.rechecking)
        if quarantine.is_looked_at:
            assert not world.running.get(name)
        elif quarantine.look is not None:
            assert next(rechecks.blockers(world, environment), None) is not None
        for finding in quarantine.findings:
            holder = Holder(job=finding.ref.job, debt=True, environment=name)
            assert all(holder in world.locks.holders(lock) for lock in finding.locks)


def _check_environments(world: World) -> None:
    configured = world.configuration.environments if world.configuration is not None else {}
    for name, environment in world.environments.items():
        assert environment.retired == (name not in configured)
        at_work = world.running.get(name) or world.preparing.get(name)
        used = environment.debts or environment.quarantine or environment.unknown or at_work
        assert not environment.retired or used or name in world.queues.environments
    for job in world.jobs.values():
        assert job.environment in configured or job.environment in world.environments


def _check_steps(world: World) -> None:
    for job in world.jobs.values():
        for step in job.steps:
            if isinstance(step.phase, Finished) and step.phase.began is None:
                assert not step.phase.ending.conclusion.ran
