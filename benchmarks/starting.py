"""The daemon's start, with nothing and with 10,000 jobs queued."""

import shutil

from benchmarks.daemon import running_daemon
from benchmarks.place import Place, new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

ROUNDS = 9
QUEUED, ENVIRONMENTS = 10_000, 100


def figures() -> list[Figure]:
    """From the spawn of the process until it says READY=1; drained, so that nothing is left."""
    with new_place(ENVIRONMENTS) as empty, new_place(ENVIRONMENTS) as full:
        seed(empty, 0, drained=True)
        seed(full, QUEUED, drained=True)
        for place in (empty, full):
            place.state.rename(_seeded(place))
        rounds = [(_start(full) * 1000, _start(empty) * 1000) for _ in range(ROUNDS)]
        return [Figure.of_rounds("start with 10,000 queued / none", "ms", 1.5, rounds)]


def _seeded(place: Place) -> str:
    return f"{place.state}.seeded"


def _start(place: Place) -> float:
    """Each start finds what was seeded, not what the last one left."""
    shutil.rmtree(place.state, ignore_errors=True)
    shutil.copytree(_seeded(place), place.state)
    with running_daemon(place) as daemon:
        return daemon.started_in
