"""How much the suite leaves to chance: one budget for all properties and simulations together.

A seed is one random case: a simulation, a history of a state machine, an example of a property.
`make test` tries TOTAL of them, shared out by SHARES; a table over fixed rows is no seed. `make
quick` tries a fiftieth of each share, and FEWEST at least, for Hypothesis's first example is always
the simplest; `make proof` tries twenty times the share (`pytest --effort quick|test|proof`).

Tests that kill at random have seconds in place of seeds (SECONDS), for what a kill takes depends on
the host; the moments that they must reach have names, come first, and are no part of it.

What repeats a failure is printed with it: the seed of a simulation, Hypothesis's own
`@reproduce_failure`, the number in the name of a test, ORCHESTRATOR_SEED of kills.
"""

import enum
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., Any])


class Effort(enum.Enum):
    """How long a run may look."""

    QUICK = "quick"
    TEST = "test"
    PROOF = "proof"


class Share(NamedTuple):
    """So many of TOTAL, and why."""

    seeds: int
    why: str


TOTAL = 1_000
TIMES = {Effort.QUICK: 0.02, Effort.TEST: 1.0, Effort.PROOF: 20.0}
FEWEST = 3
SHARES = {
    "simulation": Share(
        390,
        "the whole engine under crashes, reboots and failing disks: what needs several things to "
        "go wrong shows nowhere else; rules that were broken by hand showed within 150",
    ),
    "histories": Share(
        70, "forty commands in any order, all invariants after each: as dear as a simulation"
    ),
    "fair locks": Share(30, "four locks, five environments, forty arrivals and steps"),
    "plans": Share(60, "whole jobs of any graph and any outcomes, driven to their end"),
    "mangled files": Share(50, "three files at once, and any of their lines"),
    "mangled bytes": Share(20, "files that are no text: few kinds of them"),
    "mangled pipeline": Share(40, "every key of a pipeline, with every wrong value"),
    "torn pipeline": Share(30, "lines cut, gone, twice or moved: a small room"),
    "mangled surroundings": Share(30, "the three files around a pipeline"),
    "mistakes together": Share(20, "pairs and triples of two dozen mistakes"),
    "mangled source": Share(40, "a pipeline with a source, for its own messages"),
    "journeys": Share(30, "a hundred and twenty transactions each, on a real disk"),
    "crash windows": Share(10, "real processes, beside a named test for each window"),
    "places": Share(10, "any text has a first line"),
    "masked pieces": Share(25, "a secret's pieces, wherever the output is cut"),
    "masked overlaps": Share(25, "secrets within secrets, the same"),
    "drawn graphs": Share(15, "small graphs, each drawn once"),
    "durations": Share(10, "numbers to text and back"),
    "references": Share(10, "parsing ends: a small alphabet"),
    "resolved values": Share(10, "any text as a value"),
    "parameter values": Share(20, "five types, with and without limits"),
    "conditions": Share(15, "any text is malformed or has an answer"),
    "condition answers": Share(20, "against a model of the language"),
    "foreseen conditions": Share(20, "the same with half of what it reads unknown"),
}
SECONDS = {
    "kills-command": {Effort.QUICK: 0.0, Effort.TEST: 8.0, Effort.PROOF: 300.0},
    "kills-terraform": {Effort.QUICK: 0.0, Effort.TEST: 8.0, Effort.PROOF: 300.0},
    "kills-spinnaker": {Effort.QUICK: 0.0, Effort.TEST: 8.0, Effort.PROOF: 300.0},
}
"""How long a test kills at random, once it has reached its named moments."""

_chosen = Effort.TEST


def effort() -> Effort:
    """What this run was asked for."""
    return _chosen


def seeds(name: str) -> int:
    """How many random cases a property or simulation tries in this run."""
    return max(FEWEST, round(SHARES[name].seeds * TIMES[_chosen]))


def seconds(name: str) -> float:
    """How long a test may kill in this run."""
    return SECONDS[name][_chosen]


def in_chunks(name: str, most: int) -> Callable[[Test], Test]:
    """Runs a test once for so many seeds at a time: its argument `seeds` is their range."""
    every = range(seeds(name))
    chunks = [every[first : first + most] for first in every[::most]]
    given = pytest.mark.parametrize("seeds", chunks, ids=[_name(chunk) for chunk in chunks])
    return lambda test: pytest.mark.seeded(name)(given(test))


def _name(chunk: range) -> str:
    return str(chunk[0]) if len(chunk) == 1 else f"{chunk[0]}-{chunk[-1]}"


def examples(name: str, *allowed: HealthCheck) -> Callable[[Test], Test]:
    """Gives a property its number of examples; stands above `given`."""
    given = settings(max_examples=seeds(name), suppress_health_check=[*_TIMED, *allowed])
    return lambda test: pytest.mark.seeded(name)(given(test))


def as_many(seeds: range, **more: Any) -> settings:
    """For a state machine that is run for these seeds."""
    return settings(max_examples=len(seeds), **more)


# --- pytest ------------------------------------------------------------------------------------

_TIMED = (HealthCheck.too_slow,)
"""Nothing is timed in tests: a busy host is no mistake in a strategy."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--effort",
        choices=[effort.value for effort in Effort],
        default=Effort.TEST.value,
        help="how much is left to chance: seeds and kills (tests/seed_budget.py)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Test modules read their shares when they are imported, which is later."""
    global _chosen
    _chosen = Effort(config.getoption("effort"))
    for profile in Effort:
        # In CI, Hypothesis's own profile tries the same examples in every run.
        settings.register_profile(
            profile.value,
            deadline=None,
            print_blob=True,
            derandomize=False,
            suppress_health_check=_TIMED,
        )
    settings.load_profile(_chosen.value)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A property without a share would try as many examples as Hypothesis likes."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        shares = [mark.args[0] for mark in item.iter_markers("seeded") if mark.args]
        if not SHARES.keys() & set(shares):
            pytest.fail(
                "this property has no share: put @examples(NAME) above its `given`, and NAME into "
                "SHARES (tests/seed_budget.py)",
                pytrace=False,
            )
