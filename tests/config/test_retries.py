"""`retry`: what the file says, and what is wrong with it."""

import pytest

from orchestrator.core.language.definition import RetryPolicy
from tests.config.config_material import Mistakes, Reads

STEP = 'kind = "deploy"\n[[steps]]\nname = "a"\nuses = "command"\nwith = { run = ["x"] }\n'


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("{ attempts = 3 }", RetryPolicy(3)),
        (
            '{ attempts = 5, backoff = "5s", factor = 2, max = "1m", on = ["exit 75", "failure"] }',
            RetryPolicy(5, 5.0, 2.0, 60.0, ("exit 75", "failure")),
        ),
    ],
)
def test_what_is_read(reads: Reads, written: str, policy: RetryPolicy) -> None:
    step = reads({"pipelines/p.toml": f"{STEP}retry = {written}\n"}).pipelines["p"].steps[0]
    assert step.retry == policy


MISTAKES = [
    ("3", ["retry: expected a table, got the number 3"]),
    ("{}", ["retry: `attempts` is missing: expected a whole number"]),
    ("{ attempts = 1 }", ["retry.attempts: expected a whole number >= 2"]),
    ("{ attempts = 2, factor = 0.5 }", ["retry.factor: expected a number >= 1.0"]),
    ("{ attempts = 2, on = [] }", ["retry.on: expected a list of length >= 1"]),
    (
        '{ attempts = 2, backoff = "2d", max = "1m" }',
        [
            "retry.backoff: a step waits a day at most for its next attempt",
            "retry.max: this is less than `backoff`, which is waited first",
        ],
    ),
    (
        '{ attempts = 2, on = ["success", "cancelled", "exit 300", "failure", "failure"] }',
        [
            "retry.on[2]: an exit status is 255 at most",
            "retry.on[0]: what went well is not tried again",
            "retry.on[1]: after a stop nothing is tried again",
            'retry.on[4]: "failure" stands here twice',
        ],
    ),
]


@pytest.mark.parametrize(("written", "expected"), MISTAKES)
def test_mistakes(mistakes: Mistakes, written: str, expected: list[str]) -> None:
    found = mistakes({"pipelines/p.toml": f"{STEP}retry = {written}\n"})
    assert {f"{m.key}: {m.text}" for m in found} == {f"steps.a.{text}" for text in expected}
