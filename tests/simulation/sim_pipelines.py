"""Which pipelines a seed makes up: sections, graphs, matrices, outcomes, retries, approvals."""

import random
from collections.abc import Iterator

import msgspec

from orchestrator.core.language.definition import (
    ApprovalRule,
    CleanupReference,
    OutcomeRule,
    Parameter,
    PipelineDefinition,
    RetryPolicy,
    StepDefinition,
)
from orchestrator.core.language.words import LongWaitPolicy, Outcome, RunningPolicy, Section
from tests.simulation.fake_adapter import FakeConfig

VERSION = (Parameter(name="version", default="v1"),)
WELL = ("run", "once", "output", "warn", "claim")
BADLY = ("error", "raise", "exit", "rubbish", "stubborn", "once_unknown")


def random_pipelines(rng: random.Random, badness: float) -> list[PipelineDefinition]:
    """One to three pipelines, and the cleanups that they owe."""
    sections = rng.choice((0.0, 0.3, 0.8))
    found = []
    for number in range(rng.randint(1, 3)):
        kind = rng.choice(("deploy", "deploy", "test"))
        cleanup = f"clean-{number}" if rng.random() < 0.6 else None
        found.append(
            PipelineDefinition(
                name=f"{kind}-{number}",
                kind=kind,
                steps=tuple(_random_sections(rng, rng.randint(1, 5), badness, sections)),
                fail_running=rng.choice(tuple(RunningPolicy)),
                halt_running=rng.choice(tuple(RunningPolicy)),
                cleanup=None
                if cleanup is None
                else CleanupReference(cleanup, {"version": "${params.version}"}),
                timeout=rng.choice((None, None, 40.0)),
                force_after=rng.choice((0.0, 10.0, 300.0)),
                params=VERSION,
                approval=random_approval(rng, sections / 2),
                max_wait=rng.choice((None, None, 20.0, 200.0)),
                on_max_wait=rng.choice(tuple(LongWaitPolicy)),
            )
        )
        if cleanup is not None:
            steps = tuple(_random_sections(rng, 1, badness / 2, sections / 2))
            found.append(
                PipelineDefinition(
                    name=cleanup,
                    kind="cleanup",
                    steps=steps,
                    params=VERSION,
                    env={"OWED_BY": "${debt.job}"} if rng.random() < 0.3 else {},
                    max_wait=rng.choice((None, 1.0)),
                )
            )
    return found


def random_approval(rng: random.Random, rate: float) -> ApprovalRule | None:
    """Who must approve, so often."""
    if rng.random() >= rate:
        return None
    return ApprovalRule(
        count=rng.randint(1, 2),
        not_submitter=rng.random() < 0.5,
        expires=rng.choice((None, 20.0, 300.0)),
    )


def _random_sections(
    rng: random.Random, count: int, badness: float, rate: float
) -> Iterator[StepDefinition]:
    for section in Section:
        steps = count if section is Section.STEPS else rng.choice((1, 1, 2))
        if section is Section.STEPS or rng.random() < rate:
            yield from _random_steps(rng, section, steps, badness, matrices=rate > 0)


def _random_steps(
    rng: random.Random, section: Section, count: int, badness: float, *, matrices: bool
) -> tuple[StepDefinition, ...]:
    word = {Section.STEPS: "step"}.get(section, section.value)
    names = tuple(f"{word}-{place}" for place in range(count))
    chained = rng.random() < 0.5
    before: dict[str, set[str]] = {}
    groups: dict[str, tuple[str, ...]] = {}
    steps: list[StepDefinition] = []
    for place, name in enumerate(names):
        some = tuple(one for one in names[:place] if rng.random() < 0.4)
        needs = names[place - 1 : place] if place and chained else some
        before[name] = {*needs}.union(*(before[need] for need in needs))
        one = _random_step(rng, name, section, badness)
        needed = tuple(member for need in needs for member in groups[need])
        one = msgspec.structs.replace(one, needs=needed)
        group = _matrix(rng, one) if matrices and rng.random() < 0.3 else (one,)
        groups[name] = tuple(member.name for member in group)
        steps += group
    after = {
        name: tuple(one for later in names if name in before[later] for one in groups[later])
        for name in names
    }
    outcomes = {name: _random_outcomes(rng, after[name]) for name in names}
    return tuple(
        msgspec.structs.replace(step, outcomes=outcomes[step.matrix_of or step.name])
        for step in steps
    )


def _matrix(rng: random.Random, step: StepDefinition) -> tuple[StepDefinition, ...]:
    limit = rng.choice((None, 1, 2))
    return tuple(
        msgspec.structs.replace(
            step,
            name=f"{step.name}[{value}]",
            matrix={"value": value},
            matrix_of=step.name,
            max_parallel=limit,
        )
        for value in "abcd"[: rng.randint(1, 4)]
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


def _random_step(rng: random.Random, name: str, section: Section, badness: float) -> StepDefinition:
    config = random_settings(rng, badness)
    touches = section is not Section.BEFORE and rng.random() < 0.8
    has_cleanup = bool(config.cleanup) or rng.random() < 0.3
    return StepDefinition(
        name=name,
        uses="fake",
        config=msgspec.json.decode(msgspec.json.encode(config)),
        section=section,
        touches=touches,
        surely_touches=touches and rng.random() < 0.3,
        takes_slot=rng.random() < 0.9,
        has_acquire=bool(config.acquire) or rng.random() < 0.3,
        has_cleanup=has_cleanup,
        verifies=has_cleanup and rng.random() < 0.7,
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

    asks = ("ask",) if rng.random() < 0.15 else ()
    found = {
        "approvals": rng.choice((1, 1, 2)),
        "answer_within": rng.choice((5.0, 60.0, 300.0)),
        "acquire": some(2, ("run", "run_uninterruptible", "once", "wait", "claim")),
        "apply": (*some(1, WELL), *asks, "run", *some(2, WELL)),
        "cancel": rng.choice((None, None, some(1, ("run", "once")))),
        "cleanup": ("sweep", *some(2, ("run", "once", "look"))) if rng.random() < 0.8 else (),
    }
    return msgspec.convert(found, FakeConfig)
