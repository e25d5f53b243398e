"""What becomes of a skip: a line a reason at the end of the run, and a failure in CI."""

import os
from collections import Counter

import pytest

from tests.needs import NEEDS


def is_ci() -> bool:
    """Whether $CI says so; people switch it off by an empty value, `false` or `0`."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def fail_in_ci(item: pytest.Item, report: pytest.TestReport) -> None:
    """Nothing may be missing there."""
    if is_ci() and (reason := _reason(report)).startswith(NEEDS):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {reason}"


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
        return report.longrepr[2].removeprefix("Skipped: ")
    return ""
