"""What must be true after daemons were killed: judged from the traces of the tools alone, and from
what the last daemon tells.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

Job: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[int, str, int, str]
"""Job, step, attempt, and which of its processes: the one that does its work has no name."""

TOUCHING = "apply"
"""The step of a deploy that makes a cleanup owed."""
EXCLUDED = {"deploy": {"deploy", "cleanup", "test"}, "cleanup": {"deploy", "cleanup"}}
"""Of a kind, those that may not be at work beside it; whichever began first."""


class Line(msgspec.Struct, frozen=True):
    """One line of a trace: a tool began, or ended."""

    job: int
    step: str
    attempt: int
    environment: str
    kind: str
    pid: int
    event: str
    at: int
    part: str = ""
    lines: int = 0
    exit: int = 0
    signals: int = 0

    @property
    def key(self) -> Key:
        return self.job, self.step, self.attempt, self.part


class Trace:
    """All that the tools have written."""

    def __init__(self, path: Path) -> None:
        lines = path.read_bytes().splitlines() if path.exists() else []
        self.lines = [msgspec.json.decode(line, type=Line) for line in lines]
        self.begins = self._by_key("begin")
        self.ends = self._by_key("end")

    def _by_key(self, event: str) -> dict[Key, list[Line]]:
        found: dict[Key, list[Line]] = defaultdict(list)
        for line in self.lines:
            if line.event == event:
                found[line.key].append(line)
        return found

    def spans(self) -> dict[int, tuple[str, str, int, int]]:
        """Of each job that ran anything: environment, kind, its first begin and its last end."""
        spans: dict[int, tuple[str, str, int, int]] = {}
        for line in self.lines:
            environment, kind, first, last = spans.get(
                line.job, (line.environment, line.kind, line.at, line.at)
            )
            spans[line.job] = environment, kind, min(first, line.at), max(last, line.at)
        return spans


def none_ran_twice(trace: Trace) -> None:
    """Each attempt began each of its tools once at most, and asked it to stop once at most."""
    for key, begun in trace.begins.items():
        assert len(begun) == 1, f"{key} ran {len(begun)} times: {begun}"
    for key, ended in trace.ends.items():
        assert len(ended) == 1, f"{key} ended {len(ended)} times: {ended}"
        assert ended[0].signals <= 1, f"{key} was asked to stop {ended[0].signals} times"


def exclusion_held(trace: Trace) -> None:
    """No two jobs that exclude each other were at work in one environment at once."""
    spans = sorted(trace.spans().items(), key=lambda item: item[1][2])
    for place, (job, (environment, kind, _, last)) in enumerate(spans):
        for other, (its_environment, its_kind, first, _) in spans[place + 1 :]:
            if its_environment == environment and exclude_each_other(kind, its_kind):
                together = f"jobs {job} and {other} were at work in {environment} at once"
                assert first > last, together


def exclude_each_other(kind: str, other: str) -> bool:
    return other in EXCLUDED.get(kind, ()) or kind in EXCLUDED.get(other, ())


def no_cleanup_skipped(trace: Trace, jobs: dict[int, Job]) -> None:
    """After each deploy that touched its environment a cleanup succeeded, before another deploy."""
    owing: dict[str, int] = {}
    for job, (environment, kind, _, _) in sorted(trace.spans().items(), key=lambda i: i[1][2]):
        if kind == "deploy":
            assert environment not in owing, f"{job} began before the cleanup after {owing}"
            if any(key[0] == job and key[1] == TOUCHING for key in trace.begins):
                owing[environment] = job
        elif kind == "cleanup" and jobs[job]["conclusion"] == "success":
            owing.pop(environment, None)
    assert not owing, f"never cleaned up: {owing}"


def outcomes_are_true(trace: Trace, jobs: dict[int, Job]) -> None:
    """What is said of each step is what its tool did."""
    for job in jobs.values():
        for step in job["steps"]:
            key = (job["id"], step["name"], step["attempt"], "")
            ended = trace.ends[key][0] if key in trace.ends else None
            if key in trace.begins:
                assert step["conclusion"] not in ("not_run", "skipped"), f"{key} ran: {step}"
            if step["conclusion"] != "lost":
                assert step["exit"] == (ended and ended.exit), f"{key}: {ended} and {step}"
            if step["conclusion"] in ("success", "failure"):
                failed = step["conclusion"] == "failure"
                assert ended is not None and bool(ended.exit) is failed, f"{key}: {ended}, {step}"


def logs_are_whole(trace: Trace, state: Path) -> None:
    """Each log holds what its tool wrote, each line once and in order."""
    for (job, step, attempt, part), ended in trace.ends.items():
        path = state / "jobs" / str(job) / "steps" / step / str(attempt) / "log"
        lines = path.read_text().splitlines()
        wrote = [f"{part}line {number}" for number in range(ended[0].lines)]
        found = [line for line in lines if line.startswith(f"{part}line ")]
        assert found == wrote, f"the log of {job} {step}: {json.dumps(lines)}"


def at_work_during(trace: Trace, moments: list[int]) -> int:
    """How many tools were at work at one of these moments (boot-time nanoseconds)."""
    return sum(
        any(begun[0].at < moment < trace.ends[key][0].at for moment in moments)
        for key, begun in trace.begins.items()
        if key in trace.ends
    )
