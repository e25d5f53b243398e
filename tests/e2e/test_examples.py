"""The files of config/examples, run as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.e2e.example_bench import Example

pytestmark = pytest.mark.slow


@pytest.fixture
def warnings(tmp_path: Path) -> Iterator[Example]:
    with Example(tmp_path, "warnings") as example:
        example.start()
        yield example


@pytest.fixture
def early_exit(tmp_path: Path) -> Iterator[Example]:
    with Example(tmp_path, "terraform-early-exit") as example:
        example.start()
        yield example


RAN = ["success"] * 3
TABLE = [
    ("0", (0, 0), ["success", *RAN], "success", "0", ""),
    ("3", (0, 0), ["success", "skipped", "skipped", "success"], "success", "0", ""),
    ("12", (0, 10), ["warning", *RAN], "success", "1", ""),
    ("20", (0, 11), ["halted", *["not_run"] * 3], "success", "0", "canary"),
    ("1", (1, 1), ["failure", *["not_run"] * 3], "failure", "0", ""),
]


def test_the_table_of_the_warnings_example(warnings: Example) -> None:
    for place, (code, exits, steps, conclusion, marked, halted_by) in enumerate(TABLE):
        plain, strict, result = warnings.ends("release", "staging", "-p", f"code={code}")
        assert (plain, strict) == exits, code
        assert [step["conclusion"] for step in warnings.steps(2 * place + 2).values()] == steps
        assert (result["conclusion"], result["warnings"]) == (conclusion, marked)
        assert result["halted_by"] == halted_by


CAUSES = [
    ("3", "soak-test", "skipped by canary (exit 3: no traffic to test with)"),
    ("20", "release", "halted by canary (exit 20: this release is live already)"),
    ("7", "release", "canary failed (exit 7)"),
]


def test_the_cause_is_told_alike_everywhere(warnings: Example) -> None:
    for place, (code, step, text) in enumerate(CAUSES):
        job = place + 1
        warnings.run("submit", "release", "staging", "-p", f"code={code}", "--wait")
        told = warnings.steps(job)[step]
        assert told["reason"] == text
        assert told["cause"]["step"] == "canary"
        assert told["cause"]["exit"] == int(code)
        [event] = [
            one
            for one in warnings.events()
            if one["type"] == "step_not_run" and (one["job"], one["step"]) == (job, step)
        ]
        assert event["ending"]["reason"] == text
        assert text in warnings.says("show", str(job))
        assert text in warnings.says("log", str(job))
        assert text in warnings.run("log", str(job), step).stderr


def test_the_graph_of_the_warnings_example(warnings: Example) -> None:
    assert warnings.says("pipeline", "release").splitlines()[-8:] == [
        "  steps",
        "    canary        command  touches",
        "      exit 3: continue, skip load-test, soak-test (no traffic to test with)",
        "      exit 10-19: warn (slower than yesterday)",
        "      exit 20: halt (this release is live already)",
        "    ┌─ load-test  command           stage tests",
        "    └─ soak-test  command           stage tests",
        "    release       command  touches",
    ]
    shown = warnings.says("submit", "release", "staging", "--dry-run")
    assert "soak-test" in shown


@needs.TERRAFORM
def test_terraform_with_nothing_to_change_exits_early(early_exit: Example) -> None:
    plain, strict, result = early_exit.ends("web", "staging")
    assert (plain, strict) == (0, 11)
    assert (result["conclusion"], result["halted_by"]) == ("success", "plan")
    first, second = early_exit.steps(1), early_exit.steps(2)
    assert [one["conclusion"] for one in first.values()] == ["success"] * 3
    assert [one["conclusion"] for one in second.values()] == ["halted", "not_run", "not_run"]
    assert second["announce"]["reason"].startswith("halted by plan (exit 0: nothing to change")
    assert early_exit.submit("web", "staging", "-p", "release=v2") == 3
    assert early_exit.finished(3)["halted_by"] is None
