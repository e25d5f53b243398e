"""`needs` and `stage`: which steps each step waits for, and what is wrong with that graph."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.config.document import Document
from orchestrator.config.files import StepTable
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import Section
from orchestrator.core.values.references import Path

STAGE = "stage:"
"""What a need begins with that means all steps of a stage."""


class NoSuchStep(Exception):
    """No step has this name, or none is in this stage; the message says which and what is near."""


class NamedSteps:
    """The steps of a pipeline by their names and stages; they go by their places."""

    def __init__(self, steps: Sequence[StepTable]) -> None:
        self.names = tuple(step.name for step in steps)
        self._places: dict[str, int] = {}
        self._stages: dict[str, list[int]] = {}
        for place, step in enumerate(steps):
            self._places.setdefault(step.name, place)
            if step.stage is not None:
                self._stages.setdefault(step.stage, []).append(place)

    def place(self, name: str) -> int | None:
        """Where the step of this name stands, None if there is none."""
        return self._places.get(name)

    def has(self, name: str) -> bool:
        """Whether a step has this name, or (`stage:NAME`) this stage."""
        if name.startswith(STAGE):
            return name.removeprefix(STAGE) in self._stages
        return name in self._places

    def find(self, name: str) -> Sequence[int]:
        """The step of this name, or (`stage:NAME`) all of a stage. Raises NoSuchStep.

        "" stands for a name that could not be read, and is none.
        """
        if not name:
            return ()
        if name.startswith(STAGE):
            stage = name.removeprefix(STAGE)
            if stage not in self._stages:
                guess = did_you_mean(near(stage, self._stages))
                raise NoSuchStep(f'no step has the stage "{stage}"{guess}')
            return self._stages[stage]
        if name in self._places:
            return (self._places[name],)
        if name in self._stages:
            raise NoSuchStep(f'there is no step "{name}"; the stage is written "{STAGE}{name}"')
        raise NoSuchStep(f'there is no step "{name}"{did_you_mean(near(name, self._places))}')


class StepsBefore(Collection[str]):
    """Names of steps, told by their places (one bit each); spelled out only where that is asked.

    Spelled out for each step they would grow with the square of a long pipeline. `earlier` are
    those of the sections before.
    """

    def __init__(self, steps: NamedSteps, places: int, earlier: frozenset[str]) -> None:
        self._steps = steps
        self._places = places
        self._earlier = earlier

    def __contains__(self, name: object) -> bool:
        place = self._steps.place(name) if isinstance(name, str) else None
        if place is None:
            return name in self._earlier
        return bool(self._places >> place & 1)

    def __iter__(self) -> Iterator[str]:
        names = enumerate(self._steps.names)
        yield from self._earlier
        yield from (name for place, name in names if self._places >> place & 1)

    def __len__(self) -> int:
        return len(self._earlier) + self._places.bit_count()


class RunOrder:
    """The steps of a pipeline in the order in which they can run; `needs` are by their places."""

    def __init__(self, steps: NamedSteps, needs: Sequence[Sequence[int]]) -> None:
        self.steps = steps
        self.needs = needs
        self.cycles: list[list[int]] = []
        self._before = [0] * len(needs)
        for place in self._sorted():
            for need in needs[place]:
                self._before[place] |= self._before[need] | 1 << need

    def needed(self, place: int) -> tuple[str, ...]:
        """The steps that a step waits for."""
        return tuple(self.steps.names[need] for need in self.needs[place])

    def waits_for(self, place: int, other: int) -> bool:
        """Whether a step begins after another one has ended, by its needs or through others."""
        return bool(self._before[place] >> other & 1)

    def before(self, place: int, earlier: frozenset[str] = frozenset()) -> Collection[str]:
        """Every step that has surely ended when this one begins, `earlier` ones included."""
        return StepsBefore(self.steps, self._before[place], earlier)

    def _sorted(self) -> Iterator[int]:
        """Each place after those it needs. Of a cycle, which is noted, the first goes first."""
        needed_by: list[list[int]] = [[] for _ in self.needs]
        unmet = [len(needs) for needs in self.needs]
        for place, needs in enumerate(self.needs):
            for need in needs:
                needed_by[need].append(place)
        done = [False] * len(self.needs)
        free = [place for place in reversed(range(len(unmet))) if not unmet[place]]
        for start in range(len(unmet)):
            while free or not done[start]:
                if not free:
                    cycle = self._cycle_from(start, done)
                    self.cycles.append(cycle)
                    free.append(cycle[0])
                place = free.pop()
                if done[place]:
                    continue
                done[place] = True
                yield place
                for dependent in needed_by[place]:
                    unmet[dependent] -= 1
                    if not unmet[dependent]:
                        free.append(dependent)

    def _cycle_from(self, start: int, done: list[bool]) -> list[int]:
        """A cycle that a step which can never run leads to; its first step in the file first."""
        way: dict[int, int] = {}
        place = start
        while place not in way:
            way[place] = len(way)
            place = next(need for need in self.needs[place] if not done[need])
        cycle = list(way)[way[place] :]
        first = cycle.index(min(cycle))
        return cycle[first:] + cycle[:first]


def read_order(
    steps: Sequence[StepTable],
    document: Document,
    section: Section,
    sections: Mapping[str, Section],
    made: frozenset[str] = frozenset(),
) -> RunOrder:
    """What each step of a section waits for; names that there are not, and cycles, are reported.

    `sections` says of every step of the pipeline where it stands. What stands in an earlier
    section has ended, so a need of it asks nothing more; nor does one of a step that is `made`.
    """
    named = NamedSteps(steps)
    needs = [
        tuple(dict.fromkeys(_needs(place, step, named, document, section, sections, made)))
        for place, step in enumerate(steps)
    ]
    order = RunOrder(named, needs)
    for cycle in order.cycles:
        _report_cycle(cycle, steps, document, section)
    return order


def _needs(
    place: int,
    step: StepTable,
    named: NamedSteps,
    document: Document,
    section: Section,
    sections: Mapping[str, Section],
    made: frozenset[str],
) -> Iterator[int]:
    if step.needs is None:
        if place:
            yield place - 1
        return
    for at, need in enumerate(step.needs):
        path: Path = (section.value, place, "needs", at)
        if need in step.needs[:at]:
            document.report(path, f'"{need}" stands here twice')
            continue
        if need in made:
            continue
        other = sections.get(need, section)
        if other is not section:
            if not _runs_before(other, section):
                document.report(path, f"{need} stands in `[[{other.value}]]`, which runs later")
            continue
        try:
            found = named.find(need)
        except NoSuchStep as problem:
            document.report(path, str(problem))
            continue
        if place in found and need.startswith(STAGE):
            stage = need.removeprefix(STAGE)
            document.report(path, f"this step is in the stage {stage} itself")
            continue
        yield from found


def _runs_before(one: Section, other: Section) -> bool:
    order = list(Section)
    return order.index(one) < order.index(other)


def _report_cycle(
    cycle: list[int], steps: Sequence[StepTable], document: Document, section: Section
) -> None:
    round_trip = " → ".join(steps[place].name for place in (*cycle, cycle[0]))
    text = f"these steps wait for each other: {round_trip}"
    if len(cycle) == 1:
        text = f"a step cannot need itself: {round_trip}"
    silent = next((place for place in cycle if steps[place].needs is None), None)
    if silent is not None:
        text += f" ({steps[silent].name} has no `needs`, so it waits for the step above it)"
    said = next(place for place in cycle if steps[place].needs is not None)
    document.report((section.value, said, "needs"), text)
