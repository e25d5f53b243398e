"""What is around the tests neither reaches them nor is left behind by them."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import ambient, inner_run

PASSING = {"some/test_some.py": "def test(): pass"}
OPEN = """
import time
from pathlib import Path
from tests import ambient

def test():
    with ambient.open_directory() as root:
        Path("began").write_text(str(root))
        try:
            time.sleep(600)
        finally:
            Path("torn down").touch()
"""


@contextmanager
def left(name: str) -> Iterator[Path]:
    """What was left in $TMPDIR under a name that begins as those of ours."""
    path = Path(tempfile.mkdtemp(prefix=f"{ambient.OUTSIDE}{name}-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.slow
def test_what_a_killed_run_left(tmp_path: Path) -> None:
    suite = inner_run.suite(tmp_path, PASSING)
    with (
        left("killed") as over,
        subprocess.Popen(["sleep", "600"], cwd=over) as tool,
        ambient.open_directory() as used,
    ):
        (over / "file").touch()
        assert inner_run.run(suite, "-n", "0").returncode == 0
        assert not over.exists()
        assert used.exists(), "of a run that goes on"
        assert tool.wait() < 0


@pytest.mark.slow
def test_what_cannot_be_removed_fails_nothing(tmp_path: Path) -> None:
    suite = inner_run.suite(tmp_path, PASSING)
    with left("one") as one, left("two") as two:
        (one / "kept").mkdir()
        (one / "kept" / "file").touch()
        (one / "kept").chmod(0)
        two.rmdir()
        two.symlink_to(tmp_path)
        done = inner_run.run(suite, "-n", "0")
        two.unlink()
        if one.exists():  # not if root runs the tests
            (one / "kept").chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "conftest.py").exists()


def test_a_directory_is_not_held_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are descriptors kept of what has been removed."""
    monkeypatch.setattr(ambient, "_held", {})
    open_files = Path("/proc/self/fd")
    before = len(list(open_files.iterdir()))
    for _ in range(3):
        root = ambient.outside_directory()
        assert ambient._locked(root) is None
        root.rmdir()
    assert len(list(open_files.iterdir())) == before + 1
    for descriptor in ambient._held.values():
        os.close(descriptor)


@pytest.mark.slow
def test_a_wrong_path_is_one_line(tmp_path: Path) -> None:
    done = inner_run.run(inner_run.suite(tmp_path, PASSING), "some", "nothing")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip() == "ERROR: there is no nothing"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_stopped_run_tears_down(tmp_path: Path, number: signal.Signals) -> None:
    suite = inner_run.suite(tmp_path, {"some/test_some.py": OPEN})
    with subprocess.Popen(
        inner_run.command("-n", "0"),
        cwd=suite,
        env=inner_run.environment(suite),
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    ) as run:
        while not (began := tmp_path / "began").exists() or not began.read_text():
            assert run.poll() is None
        run.send_signal(number)
        assert run.wait() == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "torn down").exists()
    assert not Path(began.read_text()).exists()


def test_git_decides_by_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    told = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    ).stdout.split()
    for name in told:
        monkeypatch.setenv(name, "another")
    ambient.leave_git_hook()
    assert [name for name in told if name in os.environ] == []


@pytest.mark.slow
def test_no_proxy_reaches_the_tests(tmp_path: Path) -> None:
    """Nor what they start: whom they ask is on loopback."""
    test = "import os\ndef test(): assert [n for n in os.environ if '_proxy' in n.lower()] == []"
    suite = inner_run.suite(tmp_path, {"some/test_some.py": test})
    names = ("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY")
    proxies = dict.fromkeys(names, "socks5://127.0.0.1:1")
    assert inner_run.run(suite, "-n", "0", **proxies).returncode == 0


def test_an_inner_run_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    monkeypatch.setenv("SOME", "thing")
    inner = ambient.inner_environment()
    assert inner["SOME"] == "thing"
    assert not [name for name in inner if name.startswith("PYTEST_")]
