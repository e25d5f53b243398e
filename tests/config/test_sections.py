"""`before`, `finally` and `on_…`, matrices, approvals: read, and what is wrong with them."""

import pytest

from orchestrator.core.language.definition import ApprovalRule, OutcomeRule
from orchestrator.core.language.words import LongWaitPolicy, Outcome, Role, Section
from tests.config.config_material import Mistakes, Reads
from tests.row_ids import told_by

RUN = 'uses = "command"\nwith = { run = ["x"] }\n'


def step(key: str, name: str, more: str = "") -> str:
    return f'[[{key}]]\nname = "{name}"\n{RUN}{more}\n'


def written(*blocks: str, top: str = "") -> dict[str, str]:
    return {"pipelines/p.toml": f'kind = "deploy"\n{top}\n' + "".join(blocks)}


def test_sections_in_their_order(reads: Reads) -> None:
    """Every section, in the order in which they run."""
    files = written(
        step("finally", "report"),
        step("finally", "wipe"),
        step("steps", "apply"),
        step("on_cancel", "tell"),
        step("before", "build"),
        step("before", "plan"),
    )
    steps = reads(files).pipelines["p"].steps
    assert [(one.section, one.name, one.needs) for one in steps] == [
        (Section.BEFORE, "build", ()),
        (Section.BEFORE, "plan", ("build",)),
        (Section.STEPS, "apply", ()),
        (Section.ON_CANCEL, "tell", ()),
        (Section.FINALLY, "report", ()),
        (Section.FINALLY, "wipe", ("report",)),
    ]


def test_what_is_not_known_touches_in_steps_only(reads: Reads) -> None:
    ship = '[[{}]]\nname = "{}"\nuses = "ship"\nwith = {{ action = "{}" }}\n'
    files = written(
        step("before", "build"),
        ship.format("before", "plan", "plan"),
        step("steps", "apply"),
        step("steps", "look", "touches = false"),
        step("finally", "report"),
        step("finally", "scale", "touches = true"),
        ship.format("finally", "undo", "apply"),
    )
    steps = reads(files).pipelines["p"].steps
    assert {one.name: (one.touches, one.surely_touches) for one in steps} == {
        "build": (False, False),
        "plan": (False, False),
        "apply": (True, False),
        "look": (False, False),
        "report": (False, False),
        "scale": (True, True),
        "undo": (True, True),
    }


def test_a_matrix_is_many_steps(reads: Reads) -> None:
    """A matrix stands for a step for each combination."""
    files = written(
        step("steps", "build"),
        step("steps", "test", 'matrix = { on = ["a b", "c"], py = [3, 3.5] }\nmax_parallel = 2'),
        step("steps", "ship", 'outcomes = { "exit 3" = { then = "continue", skip = ["late"] } }'),
        step("steps", "late", 'matrix = { n = [1, 2] }\nwhen = "matrix.n > 1"'),
    )
    steps = reads(files).pipelines["p"].steps
    assert [one.name for one in steps] == [
        "build",
        "test[a_b,3]",
        "test[a_b,3.5]",
        "test[c,3]",
        "test[c,3.5]",
        "ship",
        "late[1]",
        "late[2]",
    ]
    test = steps[1]
    assert (test.matrix, test.matrix_of, test.max_parallel, test.needs) == (
        {"on": "a b", "py": 3},
        "test",
        2,
        ("build",),
    )
    assert steps[5].needs == ("test[a_b,3]", "test[a_b,3.5]", "test[c,3]", "test[c,3.5]")
    assert steps[5].outcomes == (
        OutcomeRule("exit 3", Outcome.CONTINUE, skip=("late[1]", "late[2]")),
    )


def test_approvals_and_waits(reads: Reads) -> None:
    files = written(
        step("steps", "a"),
        '[approval]\nroles = ["approver", "admin"]\ncount = 2\nexpires = "4h"\n',
        top='max_wait = "12h"\non_max_wait = "warn"\ngrace = "3m"',
    ) | {"environments/e.toml": "[approval]\nnot_submitter = true\n"}
    configuration = reads(files)
    pipeline = configuration.pipelines["p"]
    assert pipeline.approval == ApprovalRule((Role.APPROVER, Role.ADMIN), 2, False, 14400.0)
    assert (pipeline.max_wait, pipeline.on_max_wait) == (43200.0, LongWaitPolicy.WARN)
    assert pipeline.steps[0].grace == 180.0
    assert configuration.environments["e"].approval == ApprovalRule(not_submitter=True)


def test_steps_of_a_later_section(reads: Reads) -> None:
    """A step of a later section can be needed by nobody and skipped by all."""
    files = written(
        step("before", "plan", 'outcomes = { "exit 9" = { then = "continue", skip = ["b"] } }'),
        step("steps", "a", 'needs = ["plan"]'),
        step("steps", "b", "needs = []"),
    )
    steps = {one.name: one for one in reads(files).pipelines["p"].steps}
    assert steps["a"].needs == ()
    assert steps["plan"].outcomes[0].skip == ("b",)


MISTAKES = [
    (
        [step("before", "build", "touches = true"), step("steps", "a")],
        [
            "before.build.touches: this step touches the environment, and nothing is locked "
            "before admission: it belongs to `[[steps]]`"
        ],
    ),
    (
        [
            '[[before]]\nname = "b"\nuses = "ship"\nwith = { action = "apply" }\n',
            step("steps", "a"),
        ],
        [
            "before.b.uses: this step touches the environment, and nothing is locked "
            "before admission: it belongs to `[[steps]]`"
        ],
    ),
    (
        [step("before", "a"), step("steps", "a"), step("finally", "a")],
        [
            "steps.a.name: the step in line 4 has this name too",
            "finally.a.name: the step in line 4 has this name too",
        ],
    ),
    (
        [step("steps", "a", 'needs = ["z"]'), step("finally", "z", 'needs = ["a", "y"]')],
        [
            "steps.a.needs[0]: z stands in `[[finally]]`, which runs later",
            'finally.z.needs[1]: there is no step "y"',
        ],
    ),
    (
        [step("finally", "y", 'needs = ["z"]'), step("finally", "z"), step("steps", "a")],
        [
            "finally.y.needs: these steps wait for each other: y → z → y "
            "(z has no `needs`, so it waits for the step above it)"
        ],
    ),
    (
        [step("steps", "a", "max_parallel = 2"), step("steps", "b", "matrix = { x = [] }")],
        [
            "steps.a.max_parallel: this step has no `matrix` to run in parallel",
            "steps.b.matrix.x: expected a list of length >= 1",
        ],
    ),
    (
        [step("steps", "a", 'matrix = { x = ["a b", "a/b"] }')],
        ["steps.a.matrix: two of these steps would be named a[a_b]"],
    ),
    (
        [step("steps", "a", f"matrix = {{ x = {list(range(20))}, y = {list(range(20))} }}")],
        ["steps.a.matrix: this makes 400 steps; 256 are the most"],
    ),
    (
        [
            step("steps", "a", "when = \"job.conclusion == 'success'\""),
            step("on_failure", "b", "when = \"job.failed_step == 'a'\""),
        ],
        [
            "steps.a.when: ${job.conclusion} is not known before the steps have ended: "
            "read it in `finally` or `on_…`"
        ],
    ),
    (
        [step("steps", "a"), "[approval]\ncount = 0\nroles = []\nexpires = 0\n"],
        [
            "approval.count: expected a whole number >= 1",
            "approval.roles: expected a list of length >= 1",
            "approval.expires: a limit of 0 leaves nobody time to answer",
        ],
    ),
]


@pytest.mark.parametrize(("blocks", "expected"), MISTAKES, ids=told_by(MISTAKES, 1))
def test_mistakes(mistakes: Mistakes, blocks: list[str], expected: list[str]) -> None:
    found = [f"{mistake.key}: {mistake.text}" for mistake in mistakes(written(*blocks))]
    assert found == expected


def test_a_cleanup_may_not_wait_for_people(mistakes: Mistakes) -> None:
    files = written(step("steps", "a"), top='cleanup = "c"')
    files["pipelines/c.toml"] = f'kind = "cleanup"\n{step("steps", "c")}[approval]\n'
    assert [mistake.text for mistake in mistakes(files)] == [
        "pipelines/c.toml has an `[approval]`; what is owed must wait for nobody"
    ]


def test_a_limit_that_is_for_nothing(mistakes: Mistakes) -> None:
    files = written(step("steps", "a"), top='on_max_wait = "warn"')
    assert [mistake.text for mistake in mistakes(files)] == [
        "there is no `max_wait` that this could be for"
    ]
    files = written(step("steps", "a"), top='max_wait = "soon"\non_max_wait = "warn"')
    assert [one.key for one in mistakes(files)] == ["max_wait"]
