"""`outcomes`: what the ends of a step mean, and what is wrong with such a table."""

import re
import signal
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.config.document import Document
from orchestrator.config.files import OutcomeTable
from orchestrator.config.needs import NamedSteps, NoSuchStep
from orchestrator.config.sections import WrittenSection
from orchestrator.core.language.definition import OutcomeRule
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import Outcome
from orchestrator.core.steps.outcomes import exit_range
from orchestrator.core.values.references import Path

LARGEST_EXIT = 255
_GOES_ON = (Outcome.CONTINUE, Outcome.WARN)
_EXIT = re.compile(r"exit (\d+)(?:-(\d+))?", re.ASCII)
_REAL_TIME = re.compile(r"SIGRTM(IN|AX)([+-]\d+)?", re.ASCII)


class OutcomeReader:
    """Reads the outcomes of the steps of one section. `later` are the sections after it."""

    def __init__(
        self, written: WrittenSection, later: Sequence[NamedSteps], document: Document
    ) -> None:
        self._key = written.key
        self._steps = written.tables
        self._order = written.order
        self._later = later
        self._document = document

    def rules(self, place: int) -> tuple[OutcomeRule, ...]:
        """The table of one step; mistakes are reported."""
        table = self._steps[place].outcomes
        path: Path = (self._key, place, "outcomes")
        report_matches(((match, (*path, match)) for match in table), self._document)
        return tuple(
            self._rule(match, written, place, (*path, match)) for match, written in table.items()
        )

    def _rule(
        self, match: str, written: Outcome | OutcomeTable, place: int, path: Path
    ) -> OutcomeRule:
        if isinstance(written, Outcome):
            return OutcomeRule(match, written)
        if written.skip and written.then not in _GOES_ON:
            self._document.report(
                (*path, "skip"), f'after "{written.then.value}" no step begins any more'
            )
        skip = dict.fromkeys(
            other
            for at, name in enumerate(written.skip)
            for other in self._skipped(name, place, (*path, "skip", at))
        )
        return OutcomeRule(match, written.then, written.reason, tuple(skip))

    def _skipped(self, name: str, place: int, path: Path) -> Iterator[str]:
        if (later := self._in_later_section(name)) is not None:
            yield from later
            return
        try:
            found = self._order.steps.find(name)
        except NoSuchStep as problem:
            self._document.report(path, str(problem))
            return
        for other in found:
            if self._order.waits_for(other, place):
                yield self._steps[other].name
            else:
                self._document.report(path, self._too_late(other, place))

    def _in_later_section(self, name: str) -> tuple[str, ...] | None:
        """The steps of that name or stage that stand in a later section only, which have not begun
        for certain."""
        if self._order.steps.has(name):
            return None
        for section in self._later:
            if section.has(name):
                return tuple(section.names[place] for place in section.find(name))
        return None

    def _too_late(self, other: int, place: int) -> str:
        mine, its = self._steps[place].name, self._steps[other].name
        if other == place:
            return "a step cannot skip itself: it has run by then"
        if self._order.waits_for(place, other):
            return f"{its} has run by then: {mine} waits for it"
        return f"{its} may have begun by then, for it does not wait for {mine}: add it to `needs`"


def report_matches(matches: Iterable[tuple[str, Path]], document: Document) -> None:
    """Report statuses and signals that there are not, and ranges that overlap."""
    ranges: list[str] = []
    for match, path in matches:
        problem = _exit_problem(match, ranges) or _signal_problem(match)
        if problem is not None:
            document.report(path, problem)
        elif exit_range(match):
            ranges.append(match)


def _exit_problem(match: str, earlier: Sequence[str]) -> str | None:
    written = _EXIT.fullmatch(match)
    if written is None:
        return None
    first, last = int(written[1]), int(written[2] or written[1])
    if last > LARGEST_EXIT:
        return f"an exit status is {LARGEST_EXIT} at most"
    if written[2] and first >= last:
        return "a range goes from the lower status to the higher"
    for other in earlier if written[2] else ():
        if exit_range(other).start <= last and first < exit_range(other).stop:
            return f'"{other}" has some of these too, and of two ranges none is more specific'
    return None


def _signal_problem(match: str) -> str | None:
    word, _, name = match.partition(" ")
    known = signal.Signals.__members__
    if word != "signal" or name in known or _REAL_TIME.fullmatch(name):
        return None
    guess = did_you_mean(near(name, known) or near(f"SIG{name}", known))
    return f'there is no signal "{name}"{guess}'
