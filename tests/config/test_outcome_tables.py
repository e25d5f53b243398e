"""`outcomes`: rules as the file says them, and what is wrong with them."""

import pytest

from orchestrator.core.language.definition import OutcomeRule
from orchestrator.core.language.words import Outcome, RunningPolicy
from tests.config.config_material import Mistakes, Reads

STEPS = """
kind = "deploy"
[[steps]]
name = "build"
uses = "command"
with = { run = ["x"] }
[[steps]]
name = "canary"
uses = "command"
with = { run = ["x"] }
[steps.outcomes]
%s
[[steps]]
name = "load"
stage = "slow"
uses = "command"
with = { run = ["x"] }
[[steps]]
name = "soak"
stage = "slow"
needs = ["canary"]
uses = "command"
with = { run = ["x"] }
[[steps]]
name = "docs"
needs = []
uses = "command"
with = { run = ["x"] }
"""


def test_rules_are_read(reads: Reads) -> None:
    lines = (
        'success = "halt"\n"exit 3" = { then = "continue", skip = ["stage:slow", "load"] }\n'
        '"exit 10-19" = { then = "warn", reason = "flaky" }\n"signal SIGKILL" = "fail"\n'
        '\'stage "Canary" TERMINAL\' = "warn"\n"status A B" = "fail"'
    )
    pipeline = reads({"pipelines/p.toml": STEPS % lines}).pipelines["p"]
    assert pipeline.steps[1].outcomes == (
        OutcomeRule("success", Outcome.HALT),
        OutcomeRule("exit 3", Outcome.CONTINUE, skip=("load", "soak")),
        OutcomeRule("exit 10-19", Outcome.WARN, "flaky"),
        OutcomeRule("signal SIGKILL", Outcome.FAIL),
        OutcomeRule('stage "Canary" TERMINAL', Outcome.WARN),
        OutcomeRule("status A B", Outcome.FAIL),
    )
    assert pipeline.steps[0].outcomes == ()
    assert (pipeline.fail_running, pipeline.halt_running) == (RunningPolicy.FINISH,) * 2


def test_what_becomes_of_steps_in_parallel(reads: Reads) -> None:
    text = 'fail_running = "stop"\nhalt_running = "stop"\n' + STEPS % ""
    pipeline = reads({"pipelines/p.toml": text}).pipelines["p"]
    assert (pipeline.fail_running, pipeline.halt_running) == (RunningPolicy.STOP,) * 2


WORDS = (
    'the key should be "exit N", "exit N-M", "signal NAME", "status NAME", '
    '\'stage "NAME" STATUS\', "success", "failure", "cancelled" or "timed_out"'
)
MISTAKES = [
    (
        'failure = "wran"',
        [
            'failure: expected one of "continue", "warn", "fail", "halt" or a table, got "wran"; '
            "did you mean warn?"
        ],
    ),
    ('"exit x" = "warn"', [f'"exit x": {WORDS}']),
    ('"exit 03" = "warn"', [f'"exit 03": {WORDS}']),
    ('lost = "warn"', [f"lost: {WORDS}"]),
    ('"exit 256" = "warn"', ['"exit 256": an exit status is 255 at most']),
    (
        '"exit 9-1" = "warn"',
        ['"exit 9-1": a range goes from the lower status to the higher'],
    ),
    (
        '"exit 1-9" = "warn"\n"exit 9-20" = "fail"',
        ['"exit 9-20": "exit 1-9" has some of these too, and of two ranges none is more specific'],
    ),
    (
        '"signal KILL" = "warn"',
        ['"signal KILL": there is no signal "KILL"; did you mean SIGKILL or SIGILL?'],
    ),
    ('failure = { skip = ["load"] }', ["failure: `then` is missing: expected one of"]),
    (
        'failure = { then = "warn", skip = ["laod", "stage:fast"] }',
        [
            'failure.skip[0]: there is no step "laod"; did you mean load?',
            'failure.skip[1]: no step has the stage "fast"',
        ],
    ),
    (
        'failure = { then = "warn", skip = ["build", "canary", "docs"] }',
        [
            "failure.skip[0]: build has run by then: canary waits for it",
            "failure.skip[1]: a step cannot skip itself: it has run by then",
            "failure.skip[2]: docs may have begun by then, for it does not wait for canary: "
            "add it to `needs`",
        ],
    ),
    (
        'failure = { then = "halt", skip = ["load"] }',
        ['failure.skip: after "halt" no step begins any more'],
    ),
]


@pytest.mark.parametrize(("lines", "expected"), MISTAKES)
def test_mistakes(mistakes: Mistakes, lines: str, expected: list[str]) -> None:
    found = [f"{m.key}: {m.text}" for m in mistakes({"pipelines/p.toml": STEPS % lines})]
    assert len(found) == len(expected)
    for text, wanted in zip(found, expected, strict=True):
        assert text.startswith(f"steps.canary.outcomes.{wanted}"), found
