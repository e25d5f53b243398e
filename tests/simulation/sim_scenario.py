"""What a seed decides beforehand: configurations, how often what goes wrong, how tools behave."""

import random
import signal

import msgspec

from orchestrator.core.language.definition import (
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
)
from tests.simulation.fake_tool import FOREVER, FakeTool, StartFault
from tests.simulation.sim_pipelines import random_approval, random_pipelines


class Rates(msgspec.Struct, frozen=True):
    """How probable each fault is, each time that it could happen."""

    crash: float = 0.0
    commit_fails: float = 0.0
    commit_unknown: float = 0.0
    slow_commit: float = 0.3
    reboot: float = 0.0
    tool_fails: float = 0.0
    tool_is_slow: float = 0.0
    tool_ignores_signals: float = 0.0
    supervisor_dies: float = 0.0
    start_fails: float = 0.0
    leaves_behind: float = 0.0
    unkillable: float = 0.0


def random_rates(rng: random.Random) -> Rates:
    """Each seed has some kinds of faults, and others not at all."""

    def some(most: float) -> float:
        return rng.choice((0.0, 0.0, most / 5, most))

    return Rates(
        crash=some(0.04),
        commit_fails=some(0.2),
        commit_unknown=some(0.02),
        slow_commit=rng.choice((0.0, 0.3, 0.8)),
        reboot=some(0.5),
        tool_fails=some(0.4),
        tool_is_slow=rng.choice((0.0, 0.2, 0.7)),
        tool_ignores_signals=some(0.5),
        supervisor_dies=some(0.2),
        start_fails=some(0.2),
        leaves_behind=some(0.5),
        unkillable=some(0.05),
    )


def random_tool(rng: random.Random, rates: Rates) -> FakeTool:
    """What the next tool does."""

    def happens(rate: float) -> bool:
        return rate > 0 and rng.random() < rate

    slow = happens(rates.tool_is_slow)
    fails = happens(rates.tool_fails)
    return FakeTool(
        seconds=rng.choice((20.0, 60.0, 120.0)) if slow else rng.choice((0.0, 0.1, 1.0, 3.0)),
        code=rng.choice((1, 2, 3)) if fails else 0,
        signal=int(signal.SIGSEGV) if fails and rng.random() < 0.2 else None,
        stops_after=None if happens(rates.tool_ignores_signals) else rng.choice((0.0, 0.1, 5.0)),
        code_after_stop=rng.choice((1, 0, 130)),
        supervisor_dies_after=rng.random() * 3 if happens(rates.supervisor_dies) else FOREVER,
        leaves_behind=rng.choice((1.0, 500.0)) if happens(rates.leaves_behind) else 0.0,
        unkillable=happens(rates.unkillable),
        start_takes=rng.choice((0.0, 0.0, 0.2, 1.0)),
        fault=rng.choice(list(StartFault)) if happens(rates.start_fails) else None,
    )


def random_configurations(rng: random.Random) -> list[Configuration]:
    """The configuration that it begins with, and what reloads may bring."""
    environments = ["one", "two", "three"][: rng.randint(1, 3)]
    badness = rng.choice((0.0, 0.0, 0.15))
    pipelines = random_pipelines(rng, badness)
    approvals = rng.choice((0.0, 0.0, 0.5))
    return [
        _random_configuration(rng, environments, pipelines, approvals)
        for _ in range(rng.randint(1, 3))
    ]


def _random_configuration(
    rng: random.Random,
    environments: list[str],
    pipelines: list[PipelineDefinition],
    approvals: float,
) -> Configuration:
    kept = [name for name in environments if rng.random() < 0.9] or environments
    return Configuration(
        state_dir="/state",
        socket="/socket",
        kinds={
            "deploy": ("deploy", "cleanup"),
            "cleanup": ("cleanup", "deploy", *rng.choice(((), ("test",)))),
            "test": rng.choice(((), ("deploy",), ("test",))),
        },
        environments={
            name: EnvironmentDefinition(
                name=name,
                locks=tuple(one for one in ("db", "vpc") if rng.random() < 0.4),
                approval=random_approval(rng, approvals),
            )
            for name in kept
        },
        pipelines={pipeline.name: pipeline for pipeline in pipelines},
        capacity=rng.choice((1, 2, 8)),
    )
