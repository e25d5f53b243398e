"""What an idle daemon costs, after it has worked."""

import time

from benchmarks.daemon import running_daemon
from benchmarks.job_to_job import seconds
from benchmarks.place import new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

JOBS = 20
SETTLE, WATCH = 12.0, 20.0
"""Seconds. trio ends idle threads after 10 s, once; what is watched comes after that."""


def figures() -> list[Figure]:
    """Memory, CPU and wake-ups of all its threads."""
    with new_place() as place:
        seed(place, 0, drained=True)
        with running_daemon(place) as daemon:
            seconds(daemon, JOBS)
            time.sleep(SETTLE)
            before = daemon.usage()
            time.sleep(WATCH)
            after = daemon.usage()
            cpu = (after.cpu - before.cpu) / WATCH * 100
            wakes = (after.switches - before.switches) / WATCH
            return [
                Figure("idle: memory", daemon.resident, "MB", 70),
                Figure("idle: CPU", cpu, "%", 0.1),
                Figure("idle: wake-ups", wakes, "/s", 0),
            ]
