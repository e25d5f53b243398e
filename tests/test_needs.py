"""What is missing is told in a line, fails in CI, and is nowhere skipped in silence."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

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
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "test_some.py").write_text(TESTS)
    (tmp_path / "ordinary.py").write_text(ORDINARY)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -rfExX\n")
    return tmp_path


def run(suite: Path, *words: str, ci: bool = False) -> tuple[int, list[str]]:
    """Run it where no program is, as an ordinary user; its exit status and what it says."""
    environment = {"PATH": "", "PYTHONPATH": f"{ROOT}:{suite}"} | ({"CI": "1"} if ci else {})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "ordinary", *words],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
    )
    print(done.stdout, done.stderr)
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), None),
        (("ROOT=no",), "not (root)"),
        (("KUBERNETES=no", "ROOT=no"), "not (kubernetes or root)"),
    ],
    ids=["all", "no root", "two"],
)
def test_what_make_test_leaves_out(words: tuple[str, ...], expected: str | None) -> None:
    of_ours = (
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "MAKEOVERRIDES",
        "ROOT",
        "KUBERNETES",
        "SPINNAKER",
    )
    env = {name: value for name, value in os.environ.items() if name not in of_ours}
    told = subprocess.run(
        ["make", "--dry-run", "test", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"-m '(.*)'", told.stdout)
    assert (found and found[1]) == expected


def test_nothing_else_skips() -> None:
    skipping = re.compile(
        r"pytest\.(skip|xfail)\(|mark\.(skip|xfail)|import skip|importorskip|SkipTest|skip(If|Un)"
    )
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    found = {str(file.relative_to(ROOT)) for file in files if skipping.search(file.read_text())}
    assert found == {"tests/needs.py", "tests/test_needs.py"}
