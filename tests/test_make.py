"""What `make test` runs: with limits that no run escapes, and all but what was left out."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
OF_OURS = ("ROOT", "KUBERNETES", "SPINNAKER", "TESTS", "WORKERS", "HARD_STOP_SECONDS", "PROOF")


def commands(*words: str) -> list[str]:
    """What make would run for these words."""
    env = {name: value for name, value in os.environ.items() if name not in (*OF_MAKE, *OF_OURS)}
    told = subprocess.run(
        ["make", "--dry-run", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.strip() for line in told.stdout.splitlines()]


def run_of_tests(*words: str) -> str:
    """The one command that runs the tests."""
    [found] = [line for line in commands(*words) if "--session-timeout" in line]
    return found


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), None),
        (("ROOT=no",), "not (root)"),
        (("KUBERNETES=no", "ROOT=no"), "not (kubernetes or root)"),
    ],
    ids=["all", "no root", "two"],
)
def test_what_is_left_out(words: tuple[str, ...], expected: str | None) -> None:
    found = re.search(r"-m '(.*)'", run_of_tests("test", *words))
    assert (found and found[1]) == expected


@pytest.mark.parametrize("target", ["test", "quick"])
def test_a_run_has_limits(target: str) -> None:
    """As docs/testing.md has them: no test is started after the first, all is over after the next;
    the slowest tests are told."""
    run, page = run_of_tests(target), (ROOT / "docs" / "testing.md").read_text()
    started = number(r" --session-timeout (\d+)", run)
    stopped = number(r"-m tools\.hard_stop (\d+) ", run)
    assert (
        f"After {started // 60}\nminutes no test is started, after {stopped // 60} the run" in page
    )
    assert "--durations 10" in run


def test_a_whole_run_is_judged() -> None:
    """After it, and not after a part."""
    judge = "pytest -qq tests/after_the_run.py"
    whole, part = commands("test"), commands("test", "TESTS=tests/core")
    [place] = [place for place, line in enumerate(whole) if line.endswith(judge)]
    assert "--session-timeout" in whole[place - 1]
    assert not [line for line in part if "after_the_run" in line]
    assert run_of_tests("test", "TESTS=tests/core").endswith(" tests/core")
