"""Only a whole run that has passed is kept, and its parts are held to their budgets."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import after_the_run, durations, inner_run
from tests.durations import QUICK, Durations, Recorder

TESTS = """
import time
from pathlib import Path
import pytest

def test_quick(): time.sleep(0.1)

def test_another(): assert not Path("fail").exists()

@pytest.mark.slow
def test_slow(): time.sleep(0.2)
"""
RUNS: dict[str, tuple[list[str], str]] = {
    "part": (["tests/some"], "kept"),
    "words": (["-k", "quick"], "kept"),
    "marks": (["-m", "slow"], "kept"),
    "quick": (["--effort", "quick"], "kept"),
    "settings": (["-o", "testpaths=tests/some"], "kept"),
    "strict": (["--strict-markers"], "new"),
    "collect": (["--collect-only"], "kept"),
    "plan": (["--setup-plan"], "kept"),
    "fail": ([], "forgotten"),
    "beds": (["-m", "not (kubernetes or root)"], "new"),
    "whole": (["-n", "2"], "new"),
}
"""Words of pytest, and what becomes of the run before."""
DRIVER = """
import json, sys
from pathlib import Path
import pytest
kept, ends = Path(".pytest_cache/v/orchestrator/durations"), {}
for name, words in json.loads(sys.argv[1]).items():
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text('"before"')
    if name == "fail": Path("fail").touch()
    pytest.main(words)
    Path("fail").unlink(missing_ok=True)
    found = json.loads(kept.read_text())
    ends[name] = {"before": "kept", None: "forgotten"}.get(str(found) if found else None, "new")
print(json.dumps([ends, found]))
"""


@pytest.mark.slow
def test_which_runs_are_kept(tmp_path: Path) -> None:
    tests = {"tests/test_reference.py": "def test_turn(): pass", "tests/some/test_some.py": TESTS}
    suite = inner_run.suite(tmp_path, tests)
    (suite / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nmarkers = slow: slow\n")
    runs = {name: words for name, (words, _) in RUNS.items()}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(runs)],
        cwd=suite,
        env=inner_run.environment(suite),
        capture_output=True,
        text=True,
        check=True,
    )
    ends, last = json.loads(done.stdout.splitlines()[-1])
    assert ends == {name: end for name, (_, end) in RUNS.items()}
    assert last["parts"].keys() == {"tests/some", QUICK}
    assert last["parts"][QUICK] > 0.1
    assert last["parts"]["tests/some"] > last["parts"][QUICK] + 0.2
    assert {test.partition("::")[2] for test in last["quick"]} == {"test_quick", "test_another"}
    assert len(last["reference"]) == 1


@pytest.mark.parametrize(
    ("marks", "whole"),
    [
        ("", True),
        ("not (root)", True),
        ("not (kubernetes or spinnaker or root)", True),
        ("not (slow)", False),
        ("root", False),
        ("not (root or slow)", False),
    ],
)
def test_what_a_whole_run_leaves_out(marks: str, whole: bool) -> None:
    assert (durations.LEFT_OUT.fullmatch(marks) is not None) is whole


def test_a_run_that_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be judged in place of the one that begins."""
    monkeypatch.setattr(durations, "is_whole", lambda config: True)
    cache = SimpleNamespace(get=lambda *_: {"parts": {}}, set=lambda *_: None)
    config: Any = SimpleNamespace(cache=cache, getini=lambda _: ".pytest_cache")
    with pytest.raises(pytest.UsageError, match=r"remove \.pytest_cache"):
        Recorder(config).pytest_sessionstart()


def test_who_keeps_make_quick_waiting_is_told() -> None:
    config: Any = None
    recorder = Recorder(config)
    for name, marks, seconds in (("long", [], 4.0), ("marked", ["slow"], 9.0), ("quick", [], 0.1)):
        for when in ("setup", "call"):
            report = pytest.TestReport(
                f"tests/test_it.py::{name}",
                ("", 0, ""),
                {},
                "passed",
                None,
                when,
                duration=seconds,
                user_properties=[(durations.MARKS, marks)],
            )
            recorder.pytest_runtest_logreport(report)
    told: list[str] = []
    reporter: Any = SimpleNamespace(write_line=told.append)
    recorder.pytest_terminal_summary(reporter)
    assert told == ["tests/test_it.py::long took 8 s: make it quicker, or mark it `slow`"]


# --- the budget ----------------------------------------------------------------------------------


@pytest.fixture
def last(monkeypatch: pytest.MonkeyPatch) -> Durations:
    """Reference tests of a second, and three parts; one of them has no budget."""
    monkeypatch.setattr(after_the_run, "budgets", lambda: {"tests/some": 10, "tests/near": 20})
    parts = {"tests/some": 22.0, "tests/near": 36.0, "tests/new": 1.0}
    return Durations(parts, {"test_it": 2 * after_the_run.LONGEST + 1, "test_b": 2.0}, (1.0, 2, 3))


def test_a_part_over_its_budget(last: Durations) -> None:
    """Though another one has none."""
    told = "tests/some: 11 reference tests, its budget in docs/testing.md is 10"
    assert after_the_run.over_budget(last) == [told]


def test_a_part_near_its_budget(last: Durations) -> None:
    assert after_the_run.near_budget(last) == ["tests/near: 18 reference tests of its 20"]


def test_a_part_without_a_budget(last: Durations) -> None:
    assert after_the_run.without_budget(last) == ["tests/new"]


def test_a_part_that_was_not_run(last: Durations) -> None:
    last.parts.pop("tests/near")
    assert after_the_run.not_run(last) == ["tests/near"]


def test_a_slow_test_without_the_mark(last: Durations) -> None:
    assert after_the_run.without_mark(last) == ["test_it: 8.5"]


def test_the_page_has_budgets() -> None:
    found = after_the_run.budgets()
    assert {QUICK, "tests", "tests/core", "plugins/helm/helm_tests"} <= found.keys()
