"""`needs` and `stage`: the graph of steps, and what is wrong with it."""

import pytest

from tests.config.config_material import Mistakes, Reads


def written(*steps: tuple[str, str]) -> dict[str, str]:
    """A pipeline of these steps, each with its name and further lines."""
    blocks = (f'[[steps]]\nname = "{name}"\nuses = "command"\n{more}\n' for name, more in steps)
    return {"pipelines/p.toml": 'kind = "deploy"\n' + "".join(blocks)}


def run(text: str) -> str:
    return f'with = {{ run = ["{text}"] }}'


def test_what_each_step_waits_for(reads: Reads) -> None:
    files = written(
        ("build", run("x")),
        ("lint", "needs = []\n" + run("x")),
        ("unit", 'stage = "tests"\nneeds = ["build"]\n' + run("x")),
        ("load", 'stage = "tests"\n' + run("x")),
        ("ship", 'needs = ["stage:tests", "lint", "unit"]\n' + run("x")),
    )
    steps = reads(files).pipelines["p"].steps
    assert {step.name: (step.stage, step.needs) for step in steps} == {
        "build": (None, ()),
        "lint": (None, ()),
        "unit": ("tests", ("build",)),
        "load": ("tests", ("unit",)),
        "ship": (None, ("unit", "load", "lint")),
    }


def test_whose_outputs_a_step_reads(mistakes: Mistakes) -> None:
    """A step reads outputs of those that it waits for only."""
    found = mistakes(
        written(
            ("build", run("x")),
            ("lint", "needs = []\n" + run("${steps.build.outputs.x}")),
            ("late", 'needs = ["end"]\n' + run("${steps.build.outputs.x} ${steps.end.outputs.x}")),
            ("end", 'needs = ["build"]\nenv = { X = "${steps.late.outputs.x}" }\n' + run("x")),
        )
    )
    assert [f"{m.key}: {m.text}" for m in found] == [
        "steps.lint.with.run[0]: ${steps.build.outputs.x}: "
        "step build has not ended when this is read",
        "steps.end.env.X: ${steps.late.outputs.x}: step late has not ended when this is read",
    ]


MISTAKES = [
    (
        [("build", ""), ("ship", 'needs = ["biuld", "build", "build"]')],
        [
            'steps.ship.needs[0]: there is no step "biuld"; did you mean build?',
            'steps.ship.needs[2]: "build" stands here twice',
        ],
    ),
    (
        [("unit", 'stage = "tests"'), ("ship", 'needs = ["stage:test", "tests"]')],
        [
            'steps.ship.needs[0]: no step has the stage "test"; did you mean tests?',
            'steps.ship.needs[1]: there is no step "tests"; the stage is written "stage:tests"',
        ],
    ),
    (
        [("unit", 'stage = "a b"'), ("ship", 'needs = "unit"')],
        [
            "steps.unit.stage: expected a name of letters, digits, `-` and `_`, at most 100 long, "
            'got "a b"',
            'steps.ship.needs: expected a list of strings, got "unit": write ["unit"]',
        ],
    ),
    (
        [("ship", 'needs = ["stage tests"]')],
        [
            'steps.ship.needs[0]: expected the name of a step, or "stage:" and the name of a '
            'stage, got "stage tests"'
        ],
    ),
    (
        [("a", 'needs = ["a"]')],
        ["steps.a.needs: a step cannot need itself: a → a"],
    ),
    (
        [("a", 'stage = "s"\nneeds = ["stage:s"]')],
        ["steps.a.needs[0]: this step is in the stage s itself"],
    ),
    (
        [("a", 'needs = ["c"]'), ("b", 'needs = ["a"]'), ("c", 'needs = ["b"]'), ("d", "")],
        ["steps.a.needs: these steps wait for each other: a → c → b → a"],
    ),
    (
        [("a", 'needs = ["b"]'), ("b", "")],
        [
            "steps.a.needs: these steps wait for each other: a → b → a "
            "(b has no `needs`, so it waits for the step above it)"
        ],
    ),
    (
        [
            ("z", 'needs = ["a", "d"]'),
            ("a", 'needs = ["b"]'),
            ("b", 'needs = ["a"]'),
            ("c", 'needs = ["d"]'),
            ("d", 'needs = ["c"]'),
        ],
        [
            "steps.a.needs: these steps wait for each other: a → b → a",
            "steps.c.needs: these steps wait for each other: c → d → c",
        ],
    ),
]


@pytest.mark.parametrize(("steps", "expected"), MISTAKES)
def test_mistakes(mistakes: Mistakes, steps: list[tuple[str, str]], expected: list[str]) -> None:
    files = written(*((name, f"{more}\n{run('x')}") for name, more in steps))
    assert [f"{m.key}: {m.text}" for m in mistakes(files)] == expected


def test_a_long_pipeline_and_a_long_cycle(reads: Reads, mistakes: Mistakes) -> None:
    steps = [(f"s{place}", run("x")) for place in range(1500)]
    assert reads(written(*steps)).pipelines["p"].steps[-1].needs == ("s1498",)
    [cycle] = mistakes(written(("s0", 'needs = ["s1499"]\n' + run("x")), *steps[1:]))
    assert cycle.key == "steps.s0.needs"
    assert cycle.text.count("→") == 1500
