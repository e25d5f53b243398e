"""What all tests share: in CI a test that is skipped for a missing tool is a failure."""

import os
import signal
from collections.abc import Generator, Iterator

import pytest

from orchestrator.testing.daemon_zygote import Zygote
from tests import durations
from tests.row_ids import words

NEEDS = "needs "
"""How the reason of every skip for a missing tool begins."""


def pytest_configure(config: pytest.Config) -> None:
    """Tests interrupt their children, who inherit it if we ignore that, as `nohup` and `&` do."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(durations.Recorder(config))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    durations.spread(items)


def pytest_make_parametrize_id(val: object) -> str | None:
    """The id of a value in a table, where the table gives none."""
    return words(val)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What forks the daemons of all tests."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and "CI" in os.environ and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith(NEEDS):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped in CI: {reason}"
    return report
