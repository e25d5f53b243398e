"""What must hold when a step has ended, however it came to that."""

import time
from collections.abc import Sequence
from typing import Any

from orchestrator.testing.suite_bench import AdapterBench

ONCE = (1,)
NEVER = (0,)
AT_MOST_ONCE = (0, 1)
DYING_SECONDS = 5.0
"""What processes may take to vanish that were killed, or that end with their daemon."""


def expect_end(
    bench: AdapterBench, job: int, *conclusions: str, runs: Sequence[int] = ONCE
) -> dict[str, Any]:
    """Wait for the job's end: clean, with one of these conclusions, and one of these `runs`."""
    ended = bench.finished(job)
    expect(not ended["dirty"], "its cleanup says that something is left", bench, job)
    expect(ended["conclusion"] in conclusions, f"it ended as {ended['conclusion']}", bench, job)
    expect_runs(bench, job, runs)
    left = bench.material.left()
    expect(not left, f"it says that it is clean, and left {left}", bench, job)
    expect_nothing_alive(bench, job)
    return ended


def expect_runs(bench: AdapterBench, job: int, runs: Sequence[int] = ONCE) -> None:
    """The tool has begun its work so often, or so often."""
    found = bench.material.runs()
    wanted = " or ".join(map(str, runs))
    expect(found in runs, f"the tool began its work {found} times, not {wanted}", bench, job)


def expect_stops(bench: AdapterBench, job: int, stops: int) -> None:
    """The tool was asked to stop so often, if it can tell."""
    found = bench.material.stops(bench.log(job))
    expect(
        found is None or found == stops,
        f"it was asked to stop {found} times, not {stops}",
        bench,
        job,
    )


def expect_nothing_alive(bench: AdapterBench, job: int) -> None:
    """No process of the step is left."""
    end = time.monotonic() + DYING_SECONDS
    while (tools := bench.process.tools()) and time.monotonic() < end:
        time.sleep(0.02)
    expect(not tools, f"processes of it are alive: {tools}", bench, job)


def expect(holds: bool, otherwise: str, bench: AdapterBench, job: int) -> None:
    """Fail with the step, its log and the daemon's where something does not hold."""
    if holds:
        return
    step = bench.job(job)["steps"] if bench.process.running else "(no daemon runs)"
    raise AssertionError(
        f"{otherwise}\nsteps: {step}\nlog of the step:\n{bench.log(job)}\n"
        f"log of the daemon:\n{bench.process.log_tail()}"
    )
