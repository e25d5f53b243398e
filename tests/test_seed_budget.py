"""All that the suite leaves to chance comes out of one budget."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import inner_run, proof_lines, seed_budget
from tests.ambient import inner_environment
from tests.seed_budget import Effort, Share

ROOT = Path(__file__).parents[1]
OWN = (Path(seed_budget.__file__), Path(__file__))
TAKING = {"examples", "in_chunks", "seeds"}
"""The functions that give a share to a test, by its name."""


DRAWING = {
    "tests/e2e/e2e_bench.py",  # ORCHESTRATOR_SEED
    "tests/e2e/test_kills_command.py",
    "tests/process/test_process_crash_windows.py",
    "tests/simulation/sim_world.py",
    "tests/store/store_journeys.py",
    "tests/store/test_store_opening.py",  # the same bytes each time
}
"""Modules that draw without Hypothesis."""
PROPERTIES = """
import hypothesis
import pytest
from hypothesis import strategies as st
from tests.seed_budget import examples

@hypothesis.given(st.booleans())
def test_without(value): pass

@pytest.mark.seeded
@hypothesis.given(st.booleans())
def test_with_a_mark_only(value): pass

@examples("places")
@hypothesis.given(st.booleans())
def test_with_one(value): pass
"""


def texts() -> Iterator[Path]:
    """Every module of the tests, but the budget's own."""
    for path in sorted((*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/*_tests/**/*.py"))):
        if path not in OWN:
            yield path.relative_to(ROOT)


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Those that may leave something to chance."""
    for path in texts():
        text = (ROOT / path).read_text()
        if "hypothesis" in text or "seed" in text:
            yield path, ast.parse(text)


MODULES = list(modules())


def name_of(node: ast.expr) -> str:
    """The last word of what is called."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def shares_taken() -> Iterator[str]:
    for _, tree in MODULES:
        for call in calls(tree):
            if name_of(call.func) in TAKING and call.args:
                share = call.args[0]
                if isinstance(share, ast.Constant) and isinstance(share.value, str):
                    yield share.value


def test_the_shares_are_the_whole() -> None:
    assert sum(share.seeds for share in seed_budget.SHARES.values()) == seed_budget.TOTAL == 1_000


def test_each_share_says_why() -> None:
    assert [name for name, share in seed_budget.SHARES.items() if not share.why] == []


def test_each_share_is_taken_once() -> None:
    assert Counter(shares_taken()) == Counter(seed_budget.SHARES.keys())


@pytest.mark.slow
def test_each_property_takes_a_share(tmp_path: Path) -> None:
    """By whatever name it calls `given`."""
    suite = inner_run.suite(tmp_path, {"some/test_some.py": PROPERTIES})
    done = inner_run.run(suite, "-n", "0", "-p", "no:cacheprovider")
    assert "1 passed, 2 errors" in done.stdout.splitlines()[-1]
    assert done.stdout.count("this property has no share: put @examples(NAME)") >= 2


def test_few_modules_draw_by_themselves() -> None:
    """All of them from the number of a seed, or from one that is fixed."""
    drawing = re.compile(
        r"(?<![.\w])random\.[a-z]\w*\(|random\.(System)?Random\(|from random import"
    )
    assert {str(path) for path in texts() if drawing.search((ROOT / path).read_text())} == DRAWING


def test_nobody_else_says_how_many() -> None:
    """Neither Hypothesis's `max_examples` nor a range of seeds stands elsewhere."""
    found = []
    for path, tree in MODULES:
        for call in calls(tree):
            own = any(keyword.arg == "max_examples" for keyword in call.keywords)
            if own or (name_of(call.func) == "parametrize" and _is_range_of_seeds(call)):
                found.append(f"{path}:{call.lineno}")
    assert found == []


def _is_range_of_seeds(call: ast.Call) -> bool:
    name, values = [*call.args, None, None][:2]
    return (
        isinstance(name, ast.Constant)
        and "seed" in str(name.value)
        and any(name_of(inner.func) == "range" for inner in calls(values or ast.Pass()))
    )


def test_an_effort_multiplies_the_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_budget, "SHARES", {"dear": Share(400, "x"), "small": Share(10, "x")})
    found = {}
    for effort in Effort:
        monkeypatch.setattr(seed_budget, "_chosen", effort)
        found[effort.value] = [seed_budget.seeds(name) for name in ("dear", "small")]
    assert found == {"quick": [8, 3], "test": [400, 10], "proof": [8_000, 200]}


def test_chunks_are_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_budget, "SHARES", {"dear": Share(45, "x")})
    monkeypatch.setattr(seed_budget, "_chosen", Effort.TEST)

    def test(seeds: range) -> None: ...

    parametrize = next(
        mark
        for mark in seed_budget.in_chunks("dear", 20)(test).pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    )
    assert parametrize.args[1] == [range(20), range(20, 40), range(40, 45)]
    assert parametrize.kwargs == {"ids": ["0-19", "20-39", "40-44"]}


def test_hypothesis_takes_the_effort(request: pytest.FixtureRequest) -> None:
    assert seed_budget.effort().value == request.config.getoption("effort")
    assert seed_budget.as_many(range(7)).max_examples == 7
    assert (
        seed_budget.as_many(range(7)).print_blob and seed_budget.as_many(range(7)).deadline is None
    )


def test_in_ci_hypothesis_is_random_too() -> None:
    code = (
        "from types import SimpleNamespace; from hypothesis import settings;"
        "from tests import seed_budget;"
        "seed_budget.pytest_configure(SimpleNamespace(getoption=lambda _: 'proof'));"
        "print(settings().derandomize, settings().database)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inner_environment() | {"CI": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False None\n"


def report(node: str, when: str, failed: bool, *said: object) -> pytest.TestReport:
    """A report with figures, as it comes home from a worker."""
    return pytest.TestReport(
        node,
        ("", 0, ""),
        {},
        "failed" if failed else "passed",
        None,
        when,  # type: ignore[arg-type]
        user_properties=[(proof_lines.PROOF, one) for one in said],
    )


def test_figures_are_summed_up() -> None:
    lines = proof_lines.ProofLines("proof")
    for node, failed in (("a", False), ("b", True)):
        said = ["simulation", {"seeds": 900, "jobs": 1_100}]
        lines.pytest_runtest_logreport(report(node, "call", failed, said))
        lines.pytest_runtest_logreport(report(node, "teardown", False, said, ["kills", "ten"]))
    assert lines.line("simulation") == "1,800 seeds, 1 violation, 2,200 jobs"
    assert lines.line("kills") == "1 violation, ten, ten"
