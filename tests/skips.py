"""What becomes of a skip: a line a reason at the end of the run, and a failure in CI.

Only a missing thing (tests/needs.py) and what the material of an adapter's suite is said to lack
may skip a test. Everything else fails, wherever it runs.
"""

import re
from collections import Counter

import pytest

from tests.needs import NEEDS
from tests.testbed.common.ci import is_ci

HAS_NO = re.compile(r"this adapter's material has no `(?P<name>\w+)`")
"""The reason of the public suite for adapters."""
WHAT_TO_DO = "say what it needs by a mark of tests/needs.py, or let it run"


def judge(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let a test fail that may not be skipped."""
    if hasattr(report, "wasxfail") and report.skipped:
        del report.wasxfail
        _fail(report, f"{item.nodeid} is expected to fail: mend what it tests, or remove it")
    elif (reason := _reason(report)) and not _is_said_to_lack(item, reason):
        _fail_unless_needed(report, item.nodeid, reason)


def judge_module(report: pytest.CollectReport) -> None:
    """The same for a module, or a class, that is skipped as a whole."""
    if reason := _reason(report):
        _fail_unless_needed(report, report.nodeid, reason)


def _is_said_to_lack(item: pytest.Item, reason: str) -> bool:
    lacks: frozenset[str] = getattr(getattr(item, "cls", None), "lacks", frozenset())
    told = HAS_NO.fullmatch(reason)
    return told is not None and told["name"] in lacks


def _fail_unless_needed(
    report: pytest.TestReport | pytest.CollectReport, name: str, reason: str
) -> None:
    if told := HAS_NO.fullmatch(reason):
        _fail(report, f"{name}: {reason}; give it one, or lacks = frozenset({{'{told['name']}'}})")
    elif not reason.startswith(NEEDS):
        _fail(report, f"{name} was skipped ({reason}): {WHAT_TO_DO}")
    elif is_ci():
        _fail(report, f"{name} was skipped in CI: {reason}")


def _fail(report: pytest.TestReport | pytest.CollectReport, why: str) -> None:
    report.outcome = "failed"
    report.longrepr = why


def tell(reporter: pytest.TerminalReporter) -> None:
    """One line for each reason, the most frequent first."""
    reasons = Counter(_reason(report) for report in reporter.getreports("skipped"))
    for reason, count in reasons.most_common():
        reporter.write_line(_line(reason, count))


def _line(reason: str, count: int) -> str:
    if count == 1:
        return f"1 test was skipped: {reason}"
    if reason.startswith(NEEDS):
        reason = f"need {reason.removeprefix(NEEDS)}"
    return f"{count} tests were skipped: {reason}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped; nothing where it was not, or was expected to fail."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ") or "no reason"
    return ""
