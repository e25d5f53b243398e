"""What each part of the last whole run took, in units of the reference test.

docs/testing.md has a budget for each part; `tests/after_the_run.py` holds a run to it. A part is a
directory of tests. Its duration is the sum over its tests, set-up and teardown included. What
`make quick` runs is a part too.
"""

import heapq
import operator
import re
import statistics
from collections.abc import Mapping
from pathlib import PurePosixPath

import msgspec
import pytest

CACHED = "orchestrator/durations"
REFERENCE = "tests/test_reference.py"
NOT_QUICK = {"slow", "seeded", "kubernetes", "spinnaker"}
"""Marks of tests that `make quick` leaves out, or gives fewer seeds."""
KEPT = 50
TOLD = 5
LONG = 5.0
"""Seconds after which a test that is not marked `slow` is told at the end of any run: a part of the
suite has no reference. A moment is meant, on an idle host."""
QUICK = "make quick"
"""A part by name: those tests of all others that `make quick` runs as they are."""
MARKS = "marks"


class Durations(msgspec.Struct, frozen=True):
    """Seconds by part, and of the reference test, which is run several times."""

    parts: dict[str, float]
    quick: dict[str, float]
    """The longest tests that are not marked `slow`, so that `make quick` runs them."""
    reference: tuple[float, ...]

    def in_references(self, seconds: Mapping[str, float]) -> dict[str, float]:
        """How often the reference test would fit into each."""
        unit = statistics.median(self.reference)
        return {name: taken / unit for name, taken in seconds.items()}


def tell_marks(item: pytest.Item, report: pytest.TestReport) -> None:
    """Send them home with the report. Its keywords would not do: they have the names of directories
    too, such as `spinnaker`."""
    report.user_properties.append((MARKS, sorted({mark.name for mark in item.iter_markers()})))


def marks_of(report: pytest.TestReport) -> list[str]:
    """The marks of a test."""
    told = (value for key, value in report.user_properties if key == MARKS)
    return [str(mark) for marks in told if isinstance(marks, list) for mark in marks]


def part_of(nodeid: str) -> str:
    """The directory of a test, without those below `tests/testbed` and the like."""
    directories = PurePosixPath(nodeid.partition("::")[0]).parent.parts
    return "/".join(directories[:3] if directories[0] == "plugins" else directories[:2])


def spread(items: list[pytest.Item]) -> None:
    """Put the reference test's turns evenly among the others.

    Side by side they would all meet the same moment of a busy host.
    """
    turns = [item for item in items if item.nodeid.startswith(REFERENCE)]
    others = [item for item in items if not item.nodeid.startswith(REFERENCE)]
    for number, turn in enumerate(turns, 1):
        others.insert(number * len(others) // (len(turns) + 1), turn)
    items[:] = others


class Recorder:
    """Keeps the durations of one run; pytest calls it where the reports arrive."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.parts: dict[str, float] = {}
        self.quick: dict[str, float] = {}
        self.reference: dict[str, float] = {}

    def pytest_sessionstart(self) -> None:
        """Forget the run before, or that one would be judged where this one ends ill."""
        cache = _cache(self.config)
        if cache and is_whole(self.config) and cache.get(CACHED, None) is not None:
            cache.set(CACHED, None)
            if cache.get(CACHED, None) is not None:
                raise pytest.UsageError(
                    "the last run is not forgotten, nothing can be written there: remove "
                    f"{self.config.getini('cache_dir')}"
                )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid.startswith(REFERENCE):
            before = self.reference.get(report.nodeid, 0.0)
            self.reference[report.nodeid] = before + report.duration
            return
        part = part_of(report.nodeid)
        self.parts[part] = self.parts.get(part, 0.0) + report.duration
        if not NOT_QUICK & set(marks_of(report)):
            self.quick[report.nodeid] = self.quick.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        cache = _cache(self.config)
        if cache and exitstatus == pytest.ExitCode.OK and self.reference and is_whole(self.config):
            parts = self.parts | {QUICK: sum(self.quick.values())}
            longest = heapq.nlargest(KEPT, self.quick.items(), key=operator.itemgetter(1))
            durations = Durations(parts, dict(longest), tuple(self.reference.values()))
            cache.set(CACHED, msgspec.to_builtins(durations))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Nothing fails by it: any test may meet a busy moment."""
        longest = heapq.nlargest(TOLD, self.quick.items(), key=operator.itemgetter(1))
        for test, seconds in longest:
            if seconds > LONG:
                terminalreporter.write_line(
                    f"{test} took {seconds:.0f} s: make it quicker, or mark it `slow`"
                )


LEFT_OUT = re.compile(r"(not \((kubernetes|spinnaker|root)( or (kubernetes|spinnaker|root))*\))?")


def is_whole(config: pytest.Config) -> bool:
    """Whether this run was asked for everything (but for test beds and what needs root)."""
    option = config.option
    chosen = (option.keyword, option.deselect, option.ignore, option.ignore_glob)
    # pytest keeps `--strict-markers` of our own settings here.
    overridden = [one for one in option.override_ini or () if not one.startswith("strict_")]
    other_settings = (overridden, option.inifilename)
    again = (getattr(option, "lf", False), getattr(option, "stepwise", False))
    without_tests = (option.collectonly, option.setuponly, option.setupplan)
    return (
        config.args_source == pytest.Config.ArgsSource.TESTPATHS
        and not any((*chosen, *again, *without_tests, *other_settings))
        and LEFT_OUT.fullmatch(option.markexpr) is not None
        and option.effort == "test"
    )


def last(config: pytest.Config) -> Durations | None:
    """Of the last whole run that passed; None when there was none here."""
    cache = _cache(config)
    found = cache.get(CACHED, None) if cache else None
    return None if found is None else msgspec.convert(found, Durations)


def _cache(config: pytest.Config) -> pytest.Cache | None:
    """None where pytest's plugin for it is switched off."""
    return getattr(config, "cache", None)
