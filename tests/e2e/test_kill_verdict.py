"""What judges the kill tests finds each thing that it is there for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import kill_verdict as verdict
from tests.e2e.kill_verdict import Job, Trace

Lines = list[dict[str, Any]]


def ran(job: int, kind: str, first: int, last: int | None, **more: Any) -> Lines:
    """What the tool of a job's only step writes; None: it has not ended."""
    who = {"job": job, "step": "apply", "attempt": 1, "environment": "north", "kind": kind}
    begin = {**who, "pid": job, "event": "begin", "at": first}
    return [begin] if last is None else [begin, {**begin, "event": "end", "at": last, **more}]


@pytest.fixture
def trace(tmp_path: Path) -> Callable[[Lines], Trace]:
    def written(lines: Lines) -> Trace:
        (tmp_path / "trace").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return Trace(tmp_path / "trace")

    return written


Written = Callable[[Lines], Trace]


def job(id: int, conclusion: str, exit: int | None) -> Job:
    step = {"name": "apply", "attempt": 1, "conclusion": conclusion, "exit": exit}
    return {"id": id, "conclusion": conclusion, "steps": [step]}


def is_found(judge: Callable[..., None], *given: Any) -> bool:
    try:
        judge(*given)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (ran(1, "test", 0, 9), False),
        (ran(1, "test", 0, 9) + ran(1, "test", 10, 19), True),
        (ran(1, "test", 0, 9) + ran(1, "test", 0, 9)[1:], True),
        (ran(1, "test", 0, 9, signals=2), True),
    ],
    ids=["once", "twice", "two ends", "two stops"],
)
def test_a_tool_ran_twice(trace: Written, lines: Lines, found: bool) -> None:
    assert is_found(verdict.none_ran_twice, trace(lines)) is found


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        *[("deploy", "deploy", True), ("deploy", "cleanup", True), ("cleanup", "deploy", True)],
        *[("test", "deploy", True), ("deploy", "test", True)],
        *[("test", "test", False), ("test", "cleanup", False), ("cleanup", "test", False)],
    ],
)
def test_two_at_work_at_once(trace: Written, first: str, second: str, found: bool) -> None:
    """Whichever of them began first."""
    both = ran(1, first, 0, 9) + ran(2, second, 5, 19)
    assert is_found(verdict.exclusion_held, trace(both)) is found
    one_by_one = ran(1, first, 0, 9) + ran(2, second, 10, 19)
    assert not is_found(verdict.exclusion_held, trace(one_by_one))
    elsewhere = [{**line, "environment": "south"} for line in ran(2, second, 5, 19)]
    assert not is_found(verdict.exclusion_held, trace(ran(1, first, 0, 9) + elsewhere))


@pytest.mark.parametrize(
    ("kinds", "conclusion", "found"),
    [
        (("deploy", "cleanup"), "success", False),
        (("deploy", "cleanup", "deploy", "cleanup"), "success", False),
        (("deploy",), "success", True),
        (("deploy", "deploy", "cleanup"), "success", True),
        (("deploy", "cleanup"), "failure", True),
    ],
    ids=["clean", "twice clean", "none", "two deploys", "failed"],
)
def test_a_cleanup_is_missing(
    trace: Written, kinds: tuple[str, ...], conclusion: str, found: bool
) -> None:
    lines = [line for n, kind in enumerate(kinds) for line in ran(n, kind, 10 * n, 10 * n + 9)]
    jobs = {n: job(n, conclusion, 0) for n in range(len(kinds))}
    assert is_found(verdict.no_cleanup_skipped, trace(lines), jobs) is found


@pytest.mark.parametrize(
    ("tool", "conclusion", "exit", "found"),
    [
        (0, "success", 0, False),
        (3, "failure", 3, False),
        (143, "cancelled", 143, False),
        (0, "lost", None, False),
        ("never ended", "lost", None, False),
        ("never began", "not_run", None, False),
        (3, "success", 3, True),
        (3, "success", 0, True),
        (0, "failure", 0, True),
        (0, "failure", 3, True),
        (143, "cancelled", None, True),
        ("never ended", "success", 0, True),
        ("never ended", "failure", None, True),
        (0, "skipped", None, True),
        ("never ended", "not_run", None, True),
    ],
)
def test_an_outcome_is_not_true(
    trace: Written, tool: int | str, conclusion: str, exit: int | None, found: bool
) -> None:
    ended = ran(1, "test", 0, 9, exit=tool)
    lines = {"never began": [], "never ended": ended[:1]}.get(str(tool), ended)
    jobs = {1: job(1, conclusion, exit)}
    assert is_found(verdict.outcomes_are_true, trace(lines), jobs) is found


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (["began", "line 0", "line 1"], False),
        (["line 0"], True),
        (["line 0", "line 0", "line 1"], True),
        (["line 1", "line 0"], True),
        (["line 0", "line 1", "line 2"], True),
    ],
    ids=["whole", "cut", "twice", "out of order", "too many"],
)
def test_a_log_is_not_whole(trace: Written, tmp_path: Path, log: list[str], found: bool) -> None:
    directory = tmp_path / "jobs" / "1" / "steps" / "apply" / "1"
    directory.mkdir(parents=True)
    (directory / "log").write_text("".join(f"{line}\n" for line in log))
    lines = ran(1, "test", 0, 9, lines=2)
    assert is_found(verdict.logs_are_whole, trace(lines), tmp_path) is found


def test_who_was_at_work(trace: Written) -> None:
    """Neither what had not begun, nor what had ended, nor what never did."""
    lines = ran(1, "test", 0, 9) + ran(2, "test", 10, 19) + ran(3, "test", 0, None)
    assert verdict.at_work_during(trace(lines), [5, 6]) == 1
