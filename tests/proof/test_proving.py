"""A row is written for a whole proof of a commit, and for nothing less."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import inner_run
from tests.builtin.git_repositories import git
from tests.proof import proof_page, proving
from tests.proof.proofs import Proof

PROOF = Proof("simulation", "a stand-in", ("some",), (1_000, "seeds"), workers="0")
LINE = "proof simulation: 1,000 seeds, 0 violations"
PASSED = "== 2 passed in 0.1s =="
SUITE = """
def test_seeds(count_proof):
    count_proof("simulation", {"seeds": 999})

def test_more_seeds(count_proof):
    count_proof("simulation", {"seeds": 1})
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a page of proofs and a suite."""
    inner_run.suite(tmp_path, {"some/test_some.py": SUITE})
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "proof.md").write_text(f"# Proofs\n\n{proof_page.HEADER}")
    (tmp_path / ".gitignore").write_text("__pycache__\n.pytest_cache\n.hypothesis\n")
    git("init", "-q", cwd=tmp_path)
    git("add", ".", cwd=tmp_path)
    git("commit", "-qm", "first", cwd=tmp_path)
    return tmp_path


def rows(root: Path) -> dict[str, proof_page.Row]:
    return proof_page.read((root / "docs" / "proof.md").read_text())


def proves(root: Path, *lines: str, then: str = "") -> bool:
    """Whether that is a proof which prints these lines, and then does this."""
    code = f"for line in {lines!r}: print(line)\n{then}"
    return proving.prove(PROOF, root, lambda _: [sys.executable, "-c", code])


def test_a_proof_has_a_row(root: Path) -> None:
    assert proves(root, LINE, PASSED)
    commit = git("rev-parse", "--short=10", "HEAD", cwd=root).strip()
    row = rows(root)["simulation"]
    assert (row.figures, row.commit) == ("1,000 seeds, 0 violations; 0 min", commit)
    assert proves(root, LINE, PASSED), "the page may change"


@pytest.mark.parametrize(
    ("lines", "then", "why"),
    [
        ((LINE, PASSED), "raise SystemExit(1)", "exit 1, 1 lines of figures"),
        ((LINE, LINE, PASSED), "", "exit 0, 2 lines of figures"),
        ((PASSED,), "", "exit 0, nothing was reported"),
        ((LINE.replace("1,000", "999"), PASSED), "", "fewer than 1,000 seeds: 999 seeds"),
        ((LINE.replace("seeds", "jobs"), PASSED), "", "fewer than 1,000 seeds: 1,000 jobs"),
        ((LINE, "= 2 passed, 1 deselected ="), "", "tests were left out: = 2 passed, 1 deselected"),
        ((LINE, PASSED), "open('conftest.py', 'w')", "the code was changed while it ran"),
    ],
    ids=["exit", "two lines", "no line", "too few", "another noun", "a part", "changed"],
)
def test_less_has_none(
    root: Path, capsys: pytest.CaptureFixture[str], lines: Sequence[str], then: str, why: str
) -> None:
    assert not proves(root, *lines, then=then)
    assert why in capsys.readouterr().out.splitlines()[-1]
    assert rows(root) == {}


@pytest.mark.slow
def test_options_of_the_environment_reach_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that leave tests out nor that we may be a worker."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k test_seeds")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    monkeypatch.setenv("PYTHONPATH", str(inner_run.ROOT))
    assert proving.prove(PROOF, root)
    assert rows(root)["simulation"].figures.startswith("1,000 seeds, 0 violations; ")


@pytest.mark.slow
def test_broken_off_ends_its_tests(root: Path) -> None:
    """By SIGTERM to us; they are given the time to tear down."""
    tests = "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: print('torn down')"
    code = f"""if True:
        import sys
        from pathlib import Path
        from tests.ambient import stop_as_by_keyboard
        from tests.proof import proving, test_proving
        stop_as_by_keyboard()
        ours = [sys.executable, "-c", "import os; print(os.getpid(), flush=True)\\n"
            "from tests.ambient import stop_as_by_keyboard; stop_as_by_keyboard()\\n"
            "print('up', flush=True)\\n" + {tests!r}]
        proving.prove(test_proving.PROOF, Path({str(root)!r}), lambda _: ours)
    """
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(inner_run.ROOT)},
    ) as broken_off:
        assert broken_off.stdout
        said = iter(broken_off.stdout.readline, "")
        next(said)
        pid = int(next(said))
        assert next(said) == "up\n"
        broken_off.send_signal(signal.SIGTERM)
        assert broken_off.wait() != 0
    assert not Path(f"/proc/{pid}").exists()
    assert rows(root) == {}
