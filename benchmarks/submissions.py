"""Submissions a second, durable, beside an empty handler on the same HTTP stack."""

from benchmarks.child import running_child
from benchmarks.daemon import Daemon, running_daemon
from benchmarks.http import answers_per_second, request
from benchmarks.place import MEASURED, Place, new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

ROUNDS = 11
CLIENTS = 8
REQUESTS = 200
SUBMISSION = request("POST", "/v1/jobs", {"pipeline": "true", "environment": MEASURED})


def figures() -> list[Figure]:
    """Eight clients that keep their connections."""
    with new_place() as place, new_place() as other:
        seed(place, 0, drained=True)
        with (
            running_daemon(place) as daemon,
            running_child("benchmarks.empty_server", other.socket) as empty,
        ):
            empty.read()
            rounds = [_round(daemon, other) for _ in range(ROUNDS)]
    what = "submissions, 8 clients / empty handler"
    return [Figure.of_rounds(what, "/s", 0.5, rounds, at_least=True)]


def _round(daemon: Daemon, other: Place) -> tuple[float, float]:
    requests = [SUBMISSION] * REQUESTS
    ours = answers_per_second(daemon.place.socket, CLIENTS, requests)
    return ours, answers_per_second(other.socket, CLIENTS, requests)
