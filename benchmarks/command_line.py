"""Whole processes of the command line beside an interpreter that does nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.daemon import running_daemon
from benchmarks.place import MEASURED, new_place
from benchmarks.report import Figure
from benchmarks.seeding import seed

ROUNDS = 25
QUEUED = 20
"""Jobs that `orchestrator jobs` lists."""
PROGRAM = str(Path(sys.executable).with_name("orchestrator"))
BARE = (sys.executable, "-c", "pass")
COMMANDS = {
    "orchestrator jobs": (PROGRAM, "jobs"),
    "orchestrator submit": (PROGRAM, "submit", "true", MEASURED),
}


def figures() -> list[Figure]:
    """`jobs` and `submit`."""
    with new_place() as place:
        seed(place, QUEUED, drained=True)
        with running_daemon(place):
            environment = {**os.environ, "ORCHESTRATOR_SOCKET": str(place.socket)}
            return [_figure(what, argv, environment) for what, argv in COMMANDS.items()]


def _figure(what: str, argv: Sequence[str], environment: dict[str, str]) -> Figure:
    rounds = [
        (_milliseconds(argv, environment), _milliseconds(BARE, environment)) for _ in range(ROUNDS)
    ]
    return Figure.of_rounds(f"{what} / python -c pass", "ms", 3.5, rounds)


def _milliseconds(argv: Sequence[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000
