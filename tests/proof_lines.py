"""What was found, in one line for each subject, at the end of a run: `proof NAME: FIGURES`.

The first word is the effort. A test reports a line of its own (`report_proof`), or adds to figures
that are summed up over all tests and workers (`count_proof`). They travel as properties of a test's
last report, which xdist brings home. Every property counts its examples by itself.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

PROOF = "proof"
PROPERTIES = "properties"
PASSING = re.compile(r"(\d+) passing")
"""In Hypothesis's statistics of a test, one for each of its phases."""

ReportProof: TypeAlias = Callable[[str, str], None]
CountProof: TypeAlias = Callable[[str, Mapping[str, int]], None]


@pytest.fixture
def report_proof(request: pytest.FixtureRequest) -> ReportProof:
    """Says what this test found under a name, in words."""

    def report(name: str, text: str) -> None:
        request.node.user_properties.append((PROOF, [name, text]))

    return report


@pytest.fixture
def count_proof(request: pytest.FixtureRequest) -> CountProof:
    """Adds to the figures of a name: `{"seeds": 20, "jobs": 81}`."""

    def count(name: str, figures: Mapping[str, int]) -> None:
        request.node.user_properties.append((PROOF, [name, dict(figures)]))

    return count


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> object:
    statistics = getattr(item, "hypothesis_statistics", None)
    if statistics is not None:
        tried = sum(map(int, PASSING.findall(statistics)))
        item.user_properties.append((PROOF, [PROPERTIES, {"seeds": tried}]))
    return (yield)


class ProofLines:
    """Gathers what the tests of a run report; lives where the reports arrive."""

    def __init__(self, effort: str) -> None:
        self._effort = effort
        self._texts: dict[str, list[str]] = {}
        self._figures: dict[str, dict[str, int]] = {}
        self._violations: dict[str, int] = {}
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)
        if report.when != "teardown":
            return
        found: list[Any] = [value for key, value in report.user_properties if key == PROOF]
        for name, said in found:
            if isinstance(said, str):
                self._texts.setdefault(name, []).append(said)
            else:
                figures = self._figures.setdefault(name, {})
                for noun, number in said.items():
                    figures[noun] = figures.get(noun, 0) + number
        for name in {name for name, _ in found}:
            self._violations[name] = self._violations.get(name, 0) + (report.nodeid in self._failed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for name in sorted(self._violations):
            terminalreporter.write_line(f"{self._effort} {name}: {self.line(name)}")

    def line(self, name: str) -> str:
        """`20 seeds, 0 violations, 81 jobs`: a violation is a test that failed."""
        said = [f"{number:,} {noun}" for noun, number in self._figures.get(name, {}).items()]
        if said or self._violations[name]:
            found = self._violations[name]
            said.insert(1, f"{found:,} violation{'' if found == 1 else 's'}")
        return ", ".join(said + self._texts.get(name, []))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ProofLines(config.getoption("effort")))
