"""End to end of consecutive jobs, with nothing and with 10,000 jobs queued beside them."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime

from benchmarks.child import Child, running_child
from benchmarks.daemon import Daemon, running_daemon
from benchmarks.place import HOLDER, MEASURED, new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

ROUNDS = 15
JOBS = 25
"""Consecutive jobs in one round."""
QUEUED, ENVIRONMENTS = 10_000, 100


def figures() -> list[Figure]:
    """Job to job, what a full queue adds to it, and the memory that this takes."""
    with ExitStack() as stack:
        alone = _daemon(stack, 1, 0)
        crowded = _daemon(stack, ENVIRONMENTS, QUEUED)
        stack.enter_context(_lock_held(crowded))
        bare = _bare_loop(stack)
        rounds = [
            (seconds(alone) * 1000, float(bare.ask(str(JOBS))) * 1000, seconds(crowded) * 1000)
            for _ in range(ROUNDS)
        ]
        to_bare = [(ours, reference) for ours, reference, _ in rounds]
        to_alone = [(full, ours) for ours, _, full in rounds]
        return [
            Figure.of_rounds("job to job / bare loop", "ms", 2, to_bare),
            Figure.of_rounds("job to job, 10,000 queued / none", "ms", 4 / 3, to_alone),
            Figure("memory with 10,000 queued", crowded.resident, "MB", 150),
        ]


@contextmanager
def _lock_held(daemon: Daemon) -> Iterator[None]:
    """One job holds what all queued jobs lack, so that they wait and the measured ones run."""
    job = {"pipeline": "hold", "environment": HOLDER, "priority": 2}
    with closing(daemon.connect()) as connection:
        held = connection.ask("POST", "/v1/jobs", job)["id"]
    seconds(daemon, 1)
    try:
        yield
    finally:
        with closing(daemon.connect()) as connection:
            connection.ask("POST", f"/v1/jobs/{held}/cancel", {})


def _daemon(stack: ExitStack, environments: int, queued: int) -> Daemon:
    place = stack.enter_context(new_place(environments))
    seed(place, queued, drained=True)
    return stack.enter_context(running_daemon(place))


def _bare_loop(stack: ExitStack) -> Child:
    place = stack.enter_context(new_place())
    return stack.enter_context(running_child("benchmarks.bare_loop", place.directory, place.state))


def seconds(daemon: Daemon, jobs: int = JOBS) -> float:
    """Seconds from the end of one job to the end of the next, of a daemon that is drained.

    The jobs go before all others; when they are done the last one rings a bell.
    """
    job = {"pipeline": "true", "environment": MEASURED, "priority": 1}
    with closing(daemon.connect()) as connection:
        first = connection.ask("POST", "/v1/jobs", job)["id"]
        for _ in range(jobs):
            last = connection.ask("POST", "/v1/jobs", job)["id"]
        connection.ask("POST", "/v1/jobs", {**job, "pipeline": "bell"})
        connection.ask("POST", "/v1/daemon/resume")
        daemon.place.wait_for_bell()
        connection.ask("POST", "/v1/daemon/drain")
        ended = [_end(connection.ask("GET", f"/v1/jobs/{id}")) for id in (first, last)]
    return (ended[1] - ended[0]) / jobs


def _end(job: dict[str, str]) -> float:
    return datetime.fromisoformat(job["finished_at"]).timestamp()
