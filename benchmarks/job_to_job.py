"""End to end of consecutive jobs, with nothing and with 10,000 jobs queued beside them."""

from contextlib import ExitStack
from datetime import datetime
from statistics import median

from benchmarks.child import Child, running_child
from benchmarks.daemon import Daemon, running_daemon
from benchmarks.place import MEASURED, Place, new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

ROUNDS = 7
JOBS = 60
"""Consecutive jobs in one round."""
QUEUED, ENVIRONMENTS = 10_000, 100
CAPACITY = 1
"""So that every queued job waits for what the measured ones leave: the worst of cases."""


def figures() -> list[Figure]:
    """Job to job, what a full queue adds to it, and the memory that this takes."""
    with ExitStack() as stack:
        alone = _daemon(stack, 1, 0)
        crowded = _daemon(stack, ENVIRONMENTS, QUEUED)
        bare = _bare_loop(stack)
        rounds = [
            (seconds(alone), float(bare.ask(str(JOBS))), seconds(crowded)) for _ in range(ROUNDS)
        ]
        ours, reference, full = (median(times) * 1000 for times in zip(*rounds, strict=True))
        return [
            Figure("job to job / bare loop", ours, "ms", 2.0, reference),
            Figure("job to job, 10,000 queued / none", full, "ms", 4 / 3, ours),
            Figure("memory with 10,000 queued", crowded.resident, "MB", 150),
        ]


def _place(stack: ExitStack, environments: int) -> Place:
    return stack.enter_context(new_place(environments, CAPACITY))


def _daemon(stack: ExitStack, environments: int, queued: int) -> Daemon:
    place = _place(stack, environments)
    seed(place, queued, drained=True)
    return stack.enter_context(running_daemon(place))


def _bare_loop(stack: ExitStack) -> Child:
    place = _place(stack, 1)
    return stack.enter_context(running_child("benchmarks.bare_loop", place.directory, place.state))


def seconds(daemon: Daemon, jobs: int = JOBS) -> float:
    """Seconds from the end of one job to the end of the next, of a daemon that is drained.

    The jobs go before all others; when they are done the last one rings a bell.
    """
    connection = daemon.connect()
    job = {"pipeline": "true", "environment": MEASURED, "priority": 1}
    first = connection.ask("POST", "/v1/jobs", job)["id"]
    for _ in range(jobs):
        last = connection.ask("POST", "/v1/jobs", job)["id"]
    connection.ask("POST", "/v1/jobs", {**job, "pipeline": "bell"})
    connection.ask("POST", "/v1/daemon/resume")
    daemon.place.wait_for_bell()
    connection.ask("POST", "/v1/daemon/drain")
    ended = [_end(connection.ask("GET", f"/v1/jobs/{id}")) for id in (first, last)]
    connection.close()
    return (ended[1] - ended[0]) / jobs


def _end(job: dict[str, str]) -> float:
    return datetime.fromisoformat(job["finished_at"]).timestamp()
