"""`make bench`: every figure, or those that are named: `python -m benchmarks job_to_job idle`."""

import os
import sys
from collections.abc import Callable

from benchmarks import (
    command_line,
    idle,
    job_to_job,
    large_pipelines,
    starting,
    submissions,
    waiting,
)
from benchmarks.report import Figure, table

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "command_line": command_line.figures,
    "job_to_job": job_to_job.figures,
    "starting": starting.figures,
    "submissions": submissions.figures,
    "idle": idle.figures,
    "large_pipelines": large_pipelines.figures,
    "waiting": waiting.figures,
}


def main(names: list[str]) -> None:
    """Measure and print; a target that is missed is a line of the table, not a failure."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name]()
    print(table(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
