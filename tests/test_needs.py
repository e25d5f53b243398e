"""What is missing is told in a line, fails in CI, and is nowhere skipped in silence."""

from pathlib import Path

import pytest

from tests import inner_run, skips
from tests.testbed.common.ci import is_ci

TESTS = """
import pytest
from tests import needs

@needs.SSH
@pytest.mark.parametrize("case", range(2))
def test_ssh(case): pass

@needs.TERRAFORM
@needs.SSH
def test_two_needs(): pass

@needs.TERRAFORM
def test_by_a_mark(): pass

@pytest.fixture
def terraform():
    needs.demand(needs.TERRAFORM)

def test_by_a_fixture(terraform): pass

@needs.ROOT
def test_as_root(): pass

def test_without_needs(): pass
"""
ORDINARY = "import os\nos.geteuid = lambda: 1000\n"
"""A plugin by which a run is that of an ordinary user."""
SSH = "ssh (Debian: openssh-client)"
TERRAFORM = "terraform (https://developer.hashicorp.com/terraform/install)"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite below our conftest."""
    return inner_run.suite(tmp_path, {"some/test_some.py": TESTS, "ordinary.py": ORDINARY})


def run(suite: Path, *words: str, ci: bool = False) -> tuple[int, list[str]]:
    """Run it where no program is, as an ordinary user; its exit status and what it says."""
    ours = {"PATH": ""} | ({"CI": "1"} if ci else {})
    done = inner_run.run(suite, "-p", "ordinary", *words, **ours)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.slow
def test_a_line_a_need(suite: Path) -> None:
    status, lines = run(suite, "-n", "2")
    assert status == 0
    assert lines[-4:-1] == [
        f"3 tests were skipped: need {SSH}",
        f"2 tests were skipped: need {TERRAFORM}",
        "1 test was skipped: needs root (pytest -m root, as root)",
    ]
    assert "1 passed, 6 skipped" in lines[-1]
    assert not [line for line in lines if "SKIPPED" in line]


@pytest.mark.slow
def test_in_ci_nothing_is_missing(suite: Path) -> None:
    """But what needs root, an ordinary user leaves out, as `make test ROOT=no` does."""
    status, lines = run(suite, "-m", "not root", ci=True)
    assert status == 1
    assert "1 passed, 1 deselected, 5 errors" in lines[-1]
    assert f"some/test_some.py::test_by_a_mark was skipped in CI: needs {TERRAFORM}" in lines
    assert f"some/test_some.py::test_by_a_fixture was skipped in CI: needs {TERRAFORM}" in lines


@pytest.mark.slow
def test_in_ci_root_leaves_nothing_out(suite: Path) -> None:
    status, lines = run(suite, "-m", "root", ci=True)
    assert status == 1
    needed = "needs root (pytest -m root, as root)"
    assert f"some/test_some.py::test_as_root was skipped in CI: {needed}" in lines
    (suite / "ordinary.py").write_text("import os\nos.geteuid = lambda: 0\n")
    assert "1 passed, 6 deselected" in run(suite, "-m", "root", ci=True)[1][-1]


OTHERS = """
import unittest
import pytest
from pytest import skip

def test_by_hand(): skip("no time")

@unittest.skip("later")
def test_by_a_decorator(): pass

class TestOld(unittest.TestCase):
    def test_old(self): self.skipTest("old")

@pytest.mark.xfail(reason="known")
def test_known(): assert False

class TestSuite:
    lacks = {"stubborn"}
    def test_lacking(self): skip("this adapter's material has no `stubborn`")
    def test_unsaid(self): skip("this adapter's material has no `dirty`")
"""
MODULE = "import pytest\npytest.importorskip('no_such_module')"


@pytest.mark.slow
def test_nothing_else_skips(suite: Path) -> None:
    (suite / "some" / "test_some.py").write_text(OTHERS)
    status, lines = run(suite, "-n", "0", "-p", "no:cacheprovider")
    assert status == 1
    assert "5 failed, 1 skipped" in lines[-1]
    test, do = "some/test_some.py::test", skips.WHAT_TO_DO
    assert f"{test}_by_hand was skipped (no time): {do}" in lines
    assert f"{test}_known is expected to fail: mend what it tests, or remove it" in lines
    assert any("`dirty`; give it one, or lacks = frozenset({'dirty'})" in line for line in lines)


@pytest.mark.slow
def test_no_module_is_skipped(suite: Path) -> None:
    """Which is told once, however many workers have found it."""
    (suite / "some" / "test_module.py").write_text(MODULE)
    (suite / "some" / "test_broken.py").write_text("import no_such_module")
    status, lines = run(suite, "-n", "2", "-m", "not root")
    assert status != 0
    said = "some/test_module.py was skipped (could not import"
    assert sum(line.startswith(said) for line in lines) == 1
    assert lines.count("E   ModuleNotFoundError: No module named 'no_such_module'") == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(None, False), ("", False), ("0", False), ("false", False), ("False", False)],
        *[("no", False), ("true", True), ("1", True), ("woodpecker", True)],
    ],
)
def test_what_is_ci(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool) -> None:
    monkeypatch.delenv("CI", raising=False)
    if value is not None:
        monkeypatch.setenv("CI", value)
    assert is_ci() is expected
