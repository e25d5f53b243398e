"""What the core takes for an event while 10,000 jobs wait, by what those wait for."""

import time
from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.report import Figure
from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    StepDefinition,
)
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import StepRef
from orchestrator.core.world.world import World

OWNER = cmd.Caller(uid=0, user="owner", is_owner=True)
NOW = Instant(utc=1_700_000_000_000, boot=5_000_000, boot_id="boot")
WAITING, CLASSES = 10_000, 1_000
ROUNDS, JOBS = 5, 40


def figures() -> list[Figure]:
    """Each beside the same of one class: jobs of one pipeline in one environment."""
    one = _Queue(("p",), ("e",), ())
    many = [f"x{number}" for number in range(CLASSES)]
    measured = {
        "pipelines of one environment": _Queue(many, ("e",), ()),
        "environments": _Queue(("p",), many, ()),
        "environments behind one lock": _Queue(("p",), many, ("lock",)),
    }
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, queue in measured.items():
            rounds[name].append((queue.cost(), one.cost()))
    return [
        Figure.of_rounds(f"an event, {WAITING} queued in {CLASSES} {name} / one", "µs", 1.33, each)
        for name, each in rounds.items()
    ]


class _Queue:
    """A world in which jobs wait in every environment that runs one, or for the lock of all."""

    def __init__(
        self, pipelines: Sequence[str], environments: Sequence[str], locks: tuple[str, ...]
    ) -> None:
        self.world = World(NOW)
        self._do(cmd.AcceptConfiguration(_configuration(pipelines, environments, locks), "digest"))
        for number in range(WAITING):
            pipeline = pipelines[number % len(pipelines)]
            self._do(_submission(pipeline, environments[number % len(environments)]))

    def cost(self) -> float:
        """The median of microseconds that an event takes, of the lives of some jobs; for each that
        ends another one comes."""
        spent: list[float] = []
        for _ in range(JOBS):
            running = next(job for job in self.world.jobs.values() if job.run is not None)
            ref = StepRef(job=running.id, step="apply")
            for command in (
                cmd.AcquireDone(ref=ref),
                cmd.ApplyDone(ref=ref, succeeded=True, exit=0),
                cmd.CleanupDone(ref=ref),
                _submission(running.pipeline, running.environment),
            ):
                began = time.perf_counter()
                self._do(command)
                spent.append(time.perf_counter() - began)
        return median(spent) * 1e6

    def _do(self, command: cmd.Command) -> None:
        self.world.begin()
        take(self.world, command, NOW)
        settle(self.world, NOW)
        self.world.commit()


def _configuration(
    pipelines: Iterable[str], environments: Iterable[str], locks: tuple[str, ...]
) -> Configuration:
    steps = (StepDefinition(name="apply", uses="command"),)
    return Configuration(
        state_dir="/state",
        socket="/socket",
        kinds={"deploy": ("deploy",)},
        pipelines={
            name: PipelineDefinition(name=name, kind="deploy", origin=name, steps=steps)
            for name in pipelines
        },
        environments={name: EnvironmentDefinition(name=name, locks=locks) for name in environments},
        capacity=2 * CLASSES,
    )


def _submission(pipeline: str, environment: str) -> cmd.Submit:
    return cmd.Submit(caller=OWNER, pipeline=pipeline, environment=environment)
