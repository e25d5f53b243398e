"""What a decision costs does not grow with what waits, and a run is linear in its steps.

Calls are counted, not seconds: the same world costs the same calls on every machine.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import pytest
from msgspec.structs import replace

from orchestrator.core.decide import settle, take
from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import StepDefinition
from orchestrator.core.language.words import Section
from orchestrator.core.world.world import World
from tests.core.core_setup import (
    API,
    ROOT,
    WEB,
    WEB_CLEANUP,
    accept,
    acquired,
    applied,
    at,
    chain,
    cleaned,
    config,
    pipeline,
    step,
    submit,
)

ENVIRONMENTS = tuple(f"e{number}" for number in range(100))


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, ours and the libraries'."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def decide_all(world: World, commands: Sequence[cmd.Command]) -> None:
    """A transaction, as the writer makes it, up to its commit."""
    world.begin()
    for command in commands:
        take(world, command, at())
    settle(world, at())


def transact(world: World, *commands: cmd.Command) -> None:
    """A whole transaction."""
    decide_all(world, commands)
    world.commit()


@functools.cache
def loaded(jobs: int, name: str) -> World:
    """A world in which one job runs in each of 100 environments, and so many wait."""
    world = World(at())
    transact(world, accept(CONFIGURATIONS[name]))
    for place in range(len(ENVIRONMENTS)):
        transact(world, submit("api", ENVIRONMENTS[place]))
    transact(world, *(submit("api", ENVIRONMENTS[n % len(ENVIRONMENTS)]) for n in range(jobs)))
    return world


SHARED = dict.fromkeys(ENVIRONMENTS, ("vpc",))
CONFIGURATIONS = {
    "free": config(API, WEB, WEB_CLEANUP, environments=ENVIRONMENTS, capacity=200),
    "full": config(API, WEB, WEB_CLEANUP, environments=ENVIRONMENTS, capacity=50),
    "locked": config(API, WEB, WEB_CLEANUP, environments=SHARED, capacity=200),
}
COMMANDS: dict[str, Callable[[World], list[cmd.Command]]] = {
    "a submission": lambda world: [submit("web", "e7")],
    "an end that admits the next": lambda world: [acquired(1), applied(1), cleaned(1)],
    "a cancel in the queue": lambda world: [cmd.Cancel(caller=ROOT, job=world.next_job - 1)],
    "a look at the clock": lambda world: [cmd.LookAtClock()],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_decision_costs_the_same(configuration: str, command: str) -> None:
    """A decision costs the same with 10 jobs waiting and with 10,000."""
    few, many = (cost_of(command, loaded(jobs, configuration)) for jobs in (10, 10_000))
    assert many < few * 1.5 + 100, (few, many)


def cost_of(command: str, world: World) -> int:
    """The calls that it takes; the world is as before."""
    commands = COMMANDS[command](world)
    cost = calls(lambda: decide_all(world, commands))
    world.rollback()
    return cost


THOUSAND = tuple(f"x{number}" for number in range(1000))
SHAPES: dict[str, tuple[Sequence[str], dict[str, tuple[str, ...]]]] = {
    "pipelines": (THOUSAND, dict.fromkeys(["e7"], ())),
    "environments": (("api",), dict.fromkeys(["e7", *THOUSAND], ())),
    "environments behind a lock": (("api",), dict.fromkeys(["e7", *THOUSAND], ("vpc",))),
    "environments with two locks": (("api",), {"e7": ("vpc",)} | {n: ("vpc", n) for n in THOUSAND}),
}


def queued(pipelines: Sequence[str], locks: dict[str, tuple[str, ...]]) -> World:
    """A world in which 2,000 jobs wait, or run where nothing keeps them."""
    world = World(at())
    names = {*pipelines, "api"}
    configuration = config(*(pipeline(name) for name in names), environments=locks, capacity=2000)
    transact(world, accept(configuration))
    transact(world, submit("api", "e7"))
    places = list(locks)
    transact(
        world,
        *(
            submit(pipelines[number % len(pipelines)], places[number % len(places)])
            for number in range(2000)
        ),
    )
    return world


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_what_waits_for_others_costs_nothing(shape: str) -> None:
    """An end that admits the next costs the same, whatever the others wait for."""
    few, many = (cost_of_a_life(queued(*of)) for of in ((("api",), {"e7": ()}), SHAPES[shape]))
    assert many < few * 1.33, (few, many)


def cost_of_a_life(world: World) -> int:
    """The calls that the end of a job takes, and the coming of another."""
    commands: list[cmd.Command] = [acquired(1), applied(1), cleaned(1), submit("api", "e7")]
    return calls(lambda: decide_all(world, commands))


def run_through(steps: tuple[StepDefinition, ...], capacity: int) -> int:
    """The calls that a whole run of these steps takes, one observation at a time."""
    world = World(at())
    configuration = config(pipeline("long", steps=steps), environments=("e",), capacity=capacity)
    transact(world, accept(configuration))
    transact(world, submit("long", "e"))

    def work() -> None:
        while 1 in world.jobs:
            definition = next(one for _, one in world.active_steps(world.jobs[1]))
            transact(world, acquired(1, definition.name))
            transact(world, applied(1, definition.name))
            transact(world, cleaned(1, definition.name))

    return calls(work)


def wide(size: int) -> tuple[StepDefinition, ...]:
    return tuple(step(f"s{number}") for number in range(size))


def long(size: int) -> tuple[StepDefinition, ...]:
    return chain(*(f"s{number}" for number in range(size)))


def fan(size: int) -> tuple[StepDefinition, ...]:
    """One step, many that need it, one that needs them all."""
    middle = tuple(step(f"s{number}", needs=("first",)) for number in range(size))
    last = step("last", needs=tuple(one.name for one in middle))
    return (step("first"), *middle, last)


def matrix(size: int) -> tuple[StepDefinition, ...]:
    """A step over many values, two of them at a time, and one that needs them all."""
    values = tuple(
        step(f"s{n}", matrix={"n": n}, matrix_of="s", max_parallel=2) for n in range(size)
    )
    return (*values, step("last", needs=tuple(one.name for one in values)))


def sections(size: int) -> tuple[StepDefinition, ...]:
    """As many steps in every section."""
    return tuple(
        replace(one, name=f"{section.value}-{one.name}", section=section, needs=())
        for section in Section
        for one in wide(size // len(Section))
    )


def conditions(size: int) -> tuple[StepDefinition, ...]:
    """Many steps side by side, each with a condition on one that has ended."""
    when = "steps.first.outputs.x != 'y'"
    return (
        step("first"),
        *(step(f"s{number}", needs=("first",), when=when) for number in range(size)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("shape", [wide, long, fan, matrix, sections, conditions])
def test_a_run_is_linear_in_its_steps(
    shape: Callable[[int], tuple[StepDefinition, ...]],
) -> None:
    few, many = (run_through(shape(size), capacity=4) for size in (50, 500))
    assert many < few * 13, (few, many)
