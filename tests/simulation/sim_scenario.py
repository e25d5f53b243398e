"""What a seed decides beforehand: configurations, how often what goes wrong, how tools behave."""

import random
import signal

import msgspec

from orchestrator.core.definition import (
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    OutcomeRule,
    Parameter,
    PipelineDefinition,
    RetryPolicy,
    StepDefinition,
)
from orchestrator.core.words import Outcome, RunningPolicy
from orchestrator.testing.fake_adapter import FakeConfig
from orchestrator.testing.fake_tool import FOREVER, FakeTool, StartFault

VERSION = (Parameter(name="version", default="v1"),)
WELL = ("run", "once", "output", "warn", "claim")
BADLY = ("error", "raise", "exit", "rubbish", "stubborn", "once_unknown")


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
    pipelines = _random_pipelines(rng, badness)
    return [_random_configuration(rng, environments, pipelines) for _ in range(rng.randint(1, 3))]


def _random_configuration(
    rng: random.Random,
    environments: list[str],
    pipelines: list[PipelineDefinition],
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
                name=name, locks=tuple(one for one in ("db", "vpc") if rng.random() < 0.4)
            )
            for name in kept
        },
        pipelines={one.name: one for one in pipelines},
        capacity=rng.choice((1, 2, 8)),
    )


def _random_pipelines(rng: random.Random, badness: float) -> list[PipelineDefinition]:
    found = []
    for number in range(rng.randint(1, 3)):
        kind = rng.choice(("deploy", "deploy", "test"))
        cleanup = f"clean-{number}" if rng.random() < 0.6 else None
        found.append(
            PipelineDefinition(
                name=f"{kind}-{number}",
                kind=kind,
                steps=_random_steps(rng, rng.randint(1, 5), badness),
                fail_running=rng.choice(tuple(RunningPolicy)),
                halt_running=rng.choice(tuple(RunningPolicy)),
                cleanup=None
                if cleanup is None
                else CleanupReference(cleanup, {"version": "${params.version}"}),
                timeout=rng.choice((None, None, 40.0)),
                force_after=rng.choice((0.0, 10.0, 300.0)),
                params=VERSION,
            )
        )
        if cleanup is not None:
            steps = _random_steps(rng, 1, badness / 2)
            found.append(
                PipelineDefinition(name=cleanup, kind="cleanup", steps=steps, params=VERSION)
            )
    return found


def _random_steps(rng: random.Random, count: int, badness: float) -> tuple[StepDefinition, ...]:
    names = tuple(f"step-{place}" for place in range(count))
    chained = rng.random() < 0.5
    before: dict[str, set[str]] = {}
    steps = []
    for place, name in enumerate(names):
        some = tuple(one for one in names[:place] if rng.random() < 0.4)
        needs = names[place - 1 : place] if place and chained else some
        before[name] = {*needs}.union(*(before[need] for need in needs))
        steps.append(_random_step(rng, name, needs, badness))
    return tuple(
        msgspec.structs.replace(
            one, outcomes=_random_outcomes(rng, tuple(n for n in names if one.name in before[n]))
        )
        for one in steps
    )


def _random_outcomes(rng: random.Random, after: tuple[str, ...]) -> tuple[OutcomeRule, ...]:
    """`after` are the steps that wait for this one, so that they can be skipped."""
    skip = tuple(name for name in after if rng.random() < 0.5)
    halts = OutcomeRule("exit 3", Outcome.HALT)
    warns = OutcomeRule(rng.choice(("failure", "exit 1-2")), Outcome.WARN, skip=skip)
    skips = OutcomeRule("success", Outcome.CONTINUE, skip=skip)
    return rng.choice(((), (), (halts,), (warns,), (halts, warns), (skips, halts)))


def _random_retry(rng: random.Random) -> RetryPolicy | None:
    if rng.random() < 0.6:
        return None
    return RetryPolicy(
        attempts=rng.randint(2, 4),
        backoff=rng.choice((0.0, 3.0, 60.0)),
        factor=rng.choice((1.0, 2.0)),
        on=rng.choice(((), ("exit 1",), ("failure", "timed_out"))),
    )


def _random_step(
    rng: random.Random, name: str, needs: tuple[str, ...], badness: float
) -> StepDefinition:
    config = random_settings(rng, badness)
    return StepDefinition(
        name=name,
        uses="fake",
        config=msgspec.json.decode(msgspec.json.encode(config)),
        needs=needs,
        touches=rng.random() < 0.8,
        takes_slot=rng.random() < 0.9,
        has_acquire=bool(config.acquire) or rng.random() < 0.3,
        has_cleanup=bool(config.cleanup) or rng.random() < 0.3,
        timeout=rng.choice((None, None, 5.0, 30.0)),
        grace=rng.choice((None, 2.0, 60.0)),
        cleanup_timeout=rng.choice((30.0, 300.0)),
        retry=_random_retry(rng),
    )


def random_settings(rng: random.Random, badness: float) -> FakeConfig:
    """What a step's adapter does in each of its phases."""

    def some(most: int, words: tuple[str, ...]) -> tuple[str, ...]:
        chosen = [rng.choice(words) for _ in range(rng.randint(0, most))]
        if rng.random() < badness:
            chosen.insert(rng.randint(0, len(chosen)), rng.choice(BADLY))
        return tuple(chosen)

    found = {
        "acquire": some(2, ("run", "run_uninterruptible", "once", "wait", "claim")),
        "apply": (*some(1, WELL), "run", *some(2, WELL)),
        "cancel": rng.choice((None, None, some(1, ("run", "once")))),
        "cleanup": ("sweep", *some(2, ("run", "once", "look"))) if rng.random() < 0.8 else (),
    }
    return msgspec.convert(found, FakeConfig)
