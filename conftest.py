"""What all tests share: what they need is asked for, and what is missing is told."""

import logging
import signal
from collections.abc import Generator, Iterator
from importlib.metadata import entry_points

import pytest
import structlog

from orchestrator.plugin.hookspecs import GROUP
from orchestrator.testing.daemon_zygote import Zygote
from tests import ambient, durations, needs, short_paths, skips
from tests.row_ids import words
from tests.testbed.kubernetes import helm_turns

pytest_plugins = ["tests.seed_budget", "tests.proof_lines"]


def pytest_configure(config: pytest.Config) -> None:
    ambient.leave_git_hook()
    ambient.leave_proxies()
    needs.declare(config)
    short_paths.leave_long_tmpdir(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(durations.Recorder(config))
        ambient.stop_as_by_keyboard()
        ambient.demand_paths(config)
    # As the daemon does, unless it is told otherwise: at `debug` each decision is put into words.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    # Tests interrupt their children, who inherit it if we ignore that, as `nohup` and `&` do.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    short_paths.call_user_by_number(session.config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    return short_paths.told(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        ambient.end_what_is_left(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    helm_turns.take(config, items)
    durations.spread(items)


def pytest_make_parametrize_id(val: object) -> str | None:
    """The id of a value in a table, where the table gives none."""
    return words(val)


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What forks the daemons of all tests."""
    zygote = Zygote([point.module for point in entry_points(group=GROUP)])
    yield zygote
    zygote.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    needs.demand_marked(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    skips.judge(item, report)
    durations.tell_marks(item, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    skips.judge_module(report)
    if report.failed and hasattr(collector.config, "workerinput"):
        report.longrepr = str(report.longrepr)  # by which xdist knows that another has told it
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """After pytest's own summary, right above its last line."""
    yield
    skips.tell(terminalreporter)
