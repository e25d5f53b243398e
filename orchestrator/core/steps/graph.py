"""Which steps of a running job may begin, and which will never."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from sortedcontainers import SortedSet

from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.model import (
    BackingOff,
    Cause,
    Ending,
    Finished,
    Job,
    JobCancelling,
    Pending,
    Step,
)
from orchestrator.core.language.words import Outcome, Section, StepConclusion
from orchestrator.core.steps.causes import cause_of, stopped_by_request, stopped_by_step
from orchestrator.core.steps.verdict import Verdict, verdict


class Plan:
    """The steps of a definition: where each stands, what it needs, and which steps need it.

    `prepares`: steps run before the job queues. `begins_with_slot`: no step could begin without a
    slot when it is admitted. `limited` are the steps of a matrix with `max_parallel`, by its name.
    """

    def __init__(self, steps: Iterable[StepDefinition]) -> None:
        self.steps = tuple(steps)
        self.by_name = {step.name: step for step in self.steps}
        self.places = {step.name: place for place, step in enumerate(self.steps)}
        self.needs = [{self.places[need] for need in step.needs} for step in self.steps]
        self.prepares = any(step.section is Section.BEFORE for step in self.steps)
        roots = [step for step in self.steps if step.section is Section.STEPS and not step.needs]
        self.begins_with_slot = bool(roots) and all(step.takes_slot for step in roots)
        self.needed_by: list[list[int]] = [[] for _ in self.steps]
        for place, needs in enumerate(self.needs):
            for need in needs:
                self.needed_by[need].append(place)
        self.limited = _limited(self.steps)
        self.sure_handlers = tuple(
            (place, step.section)
            for place, step in enumerate(self.steps)
            if step.surely_touches and step.section.is_handler
        )
        self.matrices = _matrices(self.steps)
        self.conditional = {place for place, step in enumerate(self.steps) if step.when is not None}


def _matrices(steps: tuple[StepDefinition, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {}
    for place, step in enumerate(steps):
        if step.matrix_of is not None:
            found.setdefault(step.matrix_of, []).append(place)
    return {name: tuple(places) for name, places in found.items()}


def _limited(steps: tuple[StepDefinition, ...]) -> dict[int, str]:
    return {
        place: step.matrix_of
        for place, step in enumerate(steps)
        if step.matrix_of is not None and step.max_parallel is not None
    }


class Graph:
    """How far a job is; steps go by their places in the plan.

    It follows the job one replaced step at a time, each at the cost of what that changes, so that
    a whole run costs its steps and their needs, however many there are.
    """

    def __init__(self, plan: Plan, steps: Iterable[Step]) -> None:
        self.plan = plan
        self.pending: dict[Section, SortedSet] = defaultdict(SortedSet)
        self.active = SortedSet()
        self.backing_off = SortedSet()
        self.stoppers = SortedSet()
        self.unfinished = len(plan.steps)
        self.begun = 0
        self._verdict: Verdict | None = None
        self._left = dict.fromkeys(Section, 0)
        self._slots_left = dict.fromkeys(Section, 0)
        self._due: set[int] = set()
        self._unmet = [len(needs) for needs in plan.needs]
        self._at_work: dict[str, int] = {}
        self._candidates: dict[str, SortedSet] = {}
        self._offered: dict[str, int] = {}
        self._wanted: set[int] = set()
        self._unasked: dict[Section, SortedSet] = defaultdict(SortedSet)
        self._ready: dict[tuple[Section, bool], SortedSet] = defaultdict(SortedSet)
        for place, step in enumerate(plan.steps):
            self._left[step.section] += 1
            self._slots_left[step.section] += step.takes_slot
            self.pending[step.section].add(place)
            self._set_ready(place)
        for place, one in enumerate(steps):
            self.replace(place, Step(name=one.name), one)

    def replace(self, place: int, old: Step, new: Step) -> None:
        """A step was replaced; doing it backwards takes it back."""
        definition = self.plan.steps[place]
        if not definition.section.is_handler:
            self._verdict = None
        _put(self.active, place, new.active)
        _put(self.backing_off, place, isinstance(new.phase, BackingOff))
        _put(self._due, place, isinstance(new.phase, BackingOff) and new.phase.due)
        _put(self.stoppers, place, not definition.section.is_handler and _stops(new))
        finished = int(old.finished) - int(new.finished)
        self.unfinished += finished
        self._left[definition.section] += finished
        self.begun += int(_has_begun(new)) - int(_has_begun(old))
        pending = isinstance(new.phase, Pending)
        _put(self.pending[definition.section], place, pending)
        if definition.takes_slot:
            self._slots_left[definition.section] += pending - isinstance(old.phase, Pending)
        self._set_ready(place)
        self._count_at_work(place, int(new.active) - int(old.active))
        meets = _meets_order if definition.section.is_handler else _meets_needs
        change = int(meets(old)) - int(meets(new))
        if change:
            for dependent in self.plan.needed_by[place]:
                self._unmet[dependent] += change
                self._set_ready(dependent)

    def _count_at_work(self, place: int, change: int) -> None:
        """The steps of a matrix with `max_parallel` wait for each other."""
        name = self.plan.limited.get(place)
        if change and name is not None:
            self._at_work[name] = self._at_work.get(name, 0) + change
            if not self._at_work[name]:
                del self._at_work[name]
            self._offer_first(place, name)

    def _set_ready(self, place: int) -> None:
        step = self.plan.steps[place]
        pending = place in self.pending[step.section]
        ready = place in self._due or (pending and not self._unmet[place])
        name = self.plan.limited.get(place)
        if name is None:
            self._offer(place, ready)
            return
        _put(self._candidates.setdefault(name, SortedSet()), place, ready)
        self._offer_first(place, name)

    def _offer_first(self, member: int, name: str) -> None:
        """Of a matrix with `max_parallel` the first that could begin is ready, if any may."""
        limit, candidates = self.plan.steps[member].max_parallel, self._candidates.get(name)
        may = limit is None or self._at_work.get(name, 0) < limit
        first = candidates[0] if candidates and may else None
        offered = self._offered.pop(name, None)
        # The one offered before still stands in the ready queue: left there, it would begin beside
        # the others, more at once than `max_parallel`.
        if offered is not None and offered != first:
            self._offer(offered, False)
        if first is not None:
            self._offered[name] = first
            self._offer(first, True)

    def _offer(self, place: int, ready: bool) -> None:
        step = self.plan.steps[place]
        _put(self._ready[step.section, step.takes_slot], place, ready)
        if not ready:
            self._wanted.discard(place)
        if place in self.plan.conditional:
            unasked = ready and place not in self._wanted
            _put(self._unasked[step.section], place, unasked)

    @property
    def section(self) -> Section:
        """The section that the job is in: the first with steps that have not ended, else the last
        of all."""
        return next((one for one, left in self._left.items() if left), Section.FINALLY)

    @property
    def in_handlers(self) -> bool:
        """Whether nothing but handlers is left to run."""
        return not (self._left[Section.BEFORE] or self._left[Section.STEPS])

    def verdict(self, job: Job) -> Verdict:
        """What the handlers of the job, which is in them, are told; no stop changes that."""
        if self._verdict is None:
            self._verdict = verdict(job, self.plan.steps)
        return self._verdict

    def ready(self, *, slot: bool) -> str | None:
        """The first step that may begin; without a free `slot` the first that takes none."""
        section = self.section
        queues = [self._ready[section, takes] for takes in ((True, False) if slot else (False,))]
        place = min((queue[0] for queue in queues if queue), default=None)
        return None if place is None else self.plan.steps[place].name

    def conditional(self) -> list[int]:
        """The steps that may begin if their `when` holds, but those of which that is known."""
        return list(self._unasked[self.section])

    def want(self, place: int) -> None:
        """The `when` of a step holds; that is forgotten with whatever makes it ready."""
        self._wanted.add(place)
        self._unasked[self.plan.steps[place].section].discard(place)

    @property
    def wants_slot(self) -> str | None:
        """The first step that could begin if it had a slot."""
        queue = self._ready[self.section, True]
        return self.plan.steps[queue[0]].name if queue else None

    def wants_slots_later(self, *, stopped: bool) -> bool:
        """Whether steps that take a slot will follow: of the section that it is in, unless an end
        has `stopped` that, and those that always do."""
        sections = (Section.FINALLY,) if stopped else (self.section, Section.FINALLY)
        return any(self._slots_left[section] for section in sections)


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
    """The pending steps, but handlers, of a job that was stopped, or that a step's end has
    stopped."""
    if not (isinstance(job.phase, JobCancelling) or graph.stoppers):
        return None
    pending = (*graph.pending[Section.BEFORE], *graph.pending[Section.STEPS])
    if not pending:
        return None
    steps = tuple(graph.plan.steps[place].name for place in pending)
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


def _has_begun(step: Step) -> bool:
    match step.phase:
        case Pending() | Finished(began=None):
            return False
        case _:
            return True


def _meets_order(step: Step) -> bool:
    """Handlers go one after the other, however each ends."""
    return step.finished


def _meets_needs(step: Step) -> bool:
    return isinstance(step.phase, Finished) and step.phase.ending.conclusion.meets_needs


def _stops(step: Step) -> bool:
    """Whether the end of a step stops its job."""
    return isinstance(step.phase, Finished) and step.phase.ending.outcome in (
        Outcome.FAIL,
        Outcome.HALT,
    )
