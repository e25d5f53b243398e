"""Which steps of a running job may begin, and which will never."""

from collections.abc import Iterable

import msgspec
from sortedcontainers import SortedSet

from orchestrator.core.causes import cause_of, stopped_by_request, stopped_by_step
from orchestrator.core.definition import StepDefinition
from orchestrator.core.model import (
    BackingOff,
    Cause,
    Ending,
    Finished,
    Job,
    JobCancelling,
    Pending,
    Step,
)
from orchestrator.core.words import Outcome, StepConclusion


class Plan:
    """The steps of a definition: where each stands, what it needs, and which steps need it.

    `begins_with_slot`: no step could begin without a slot.
    """

    def __init__(self, steps: Iterable[StepDefinition]) -> None:
        self.steps = tuple(steps)
        self.by_name = {step.name: step for step in self.steps}
        self.places = {step.name: place for place, step in enumerate(self.steps)}
        self.needs = [{self.places[need] for need in step.needs} for step in self.steps]
        roots = [step for step in self.steps if not step.needs]
        self.begins_with_slot = bool(roots) and all(step.takes_slot for step in roots)
        self.needed_by: list[list[int]] = [[] for _ in self.steps]
        for place, needs in enumerate(self.needs):
            for need in needs:
                self.needed_by[need].append(place)


class Graph:
    """How far a running job is; steps go by their places in the plan.

    It follows the job one replaced step at a time, each at the cost of what that changes, so that
    a whole run costs its steps and their needs, however many there are.
    """

    def __init__(self, plan: Plan, steps: Iterable[Step]) -> None:
        self.plan = plan
        self.pending = set(range(len(plan.steps)))
        self._due: set[int] = set()
        self.active = SortedSet()
        self.backing_off = SortedSet()
        self.stoppers = SortedSet()
        self.unfinished = len(plan.steps)
        self._unmet = [len(needs) for needs in plan.needs]
        self._ready = {True: SortedSet(), False: SortedSet()}
        for place, unmet in enumerate(self._unmet):
            if not unmet:
                self._ready[plan.steps[place].takes_slot].add(place)
        for place, step in enumerate(steps):
            self.replace(place, Step(name=step.name), step)

    def replace(self, place: int, old: Step, new: Step) -> None:
        """A step was replaced; doing it backwards takes it back."""
        _put(self.active, place, new.active)
        _put(self.backing_off, place, isinstance(new.phase, BackingOff))
        _put(self._due, place, isinstance(new.phase, BackingOff) and new.phase.due)
        _put(self.stoppers, place, _stops(new))
        self.unfinished += int(old.finished) - int(new.finished)
        _put(self.pending, place, isinstance(new.phase, Pending))
        self._set_ready(place)
        change = int(_meets_needs(old)) - int(_meets_needs(new))
        if change:
            for dependent in self.plan.needed_by[place]:
                self._unmet[dependent] += change
                self._set_ready(dependent)

    def _set_ready(self, place: int) -> None:
        ready = place in self._due or (place in self.pending and not self._unmet[place])
        _put(self._ready[self.plan.steps[place].takes_slot], place, ready)

    def ready(self, *, slot: bool) -> str | None:
        """The first step that may begin; without a free `slot` the first that takes none."""
        queues = [queue for takes, queue in self._ready.items() if queue and (slot or not takes)]
        place = min((queue[0] for queue in queues), default=None)
        return None if place is None else self.plan.steps[place].name

    @property
    def wants_slot(self) -> bool:
        """Whether a step could begin if it had a slot."""
        return bool(self._ready[True])


def _put(places: "set[int] | SortedSet", place: int, member: bool) -> None:
    if member:
        places.add(place)
    else:
        places.discard(place)


class NeverRun(msgspec.Struct, frozen=True):
    """Steps that will not be reached, and why."""

    steps: tuple[str, ...]
    ending: Ending
    cause: Cause | None = None


def never_run(job: Job, graph: Graph) -> NeverRun | None:
    """The pending steps of a job that was stopped, or that a step's end has stopped."""
    if not graph.pending or not (isinstance(job.phase, JobCancelling) or graph.stoppers):
        return None
    steps = tuple(graph.plan.steps[place].name for place in sorted(graph.pending))
    if isinstance(job.phase, JobCancelling):
        return NeverRun(steps, not_run(stopped_by_request(job.phase.stop)))
    stopper = job.steps[graph.stoppers[0]]
    reason = stopped_by_step(stopper.name, ending_of(stopper))
    return NeverRun(steps, not_run(reason), cause_of(stopper))


def ending_of(step: Step) -> Ending:
    """How a step that has ended did so."""
    assert isinstance(step.phase, Finished)
    return step.phase.ending


def not_run(reason: str) -> Ending:
    """The ending of a step that was never reached."""
    return Ending(
        conclusion=StepConclusion.NOT_RUN, outcome=Outcome.CONTINUE, exit=None, reason=reason
    )


def skipped(reason: str) -> Ending:
    """The ending of a step that need not run."""
    return Ending(conclusion=StepConclusion.SKIPPED, outcome=Outcome.CONTINUE, reason=reason)


def _meets_needs(step: Step) -> bool:
    return isinstance(step.phase, Finished) and step.phase.ending.conclusion.meets_needs


def _stops(step: Step) -> bool:
    """Whether the end of a step stops its job."""
    return isinstance(step.phase, Finished) and step.phase.ending.outcome in (
        Outcome.FAIL,
        Outcome.HALT,
    )
