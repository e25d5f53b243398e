"""Neither a long $TMPDIR nor a long name of the user makes a socket's path too long."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import inner_run, short_paths

TEST = """
import tempfile
def test(tmp_path):
    print("base", tmp_path.parents[{up}], "of", tempfile.gettempdir())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "up"), [("0", 1), ("1", 2)], ids=["alone", "worker"])
def test_base(tmp_path: Path, workers: str, up: int) -> None:
    long = tmp_path / ("x" * 60)
    long.mkdir()
    suite = inner_run.suite(tmp_path, {"some/test_some.py": TEST.format(up=up)})
    done = inner_run.run(suite, "-rP", "-n", workers, TMPDIR=str(long), LOGNAME="y" * 60)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("base ")]
    assert line == f"base /tmp/pytest-of-{os.getuid()} of /tmp"
    assert f"TMPDIR: /tmp in place of {long}" in done.stdout


@pytest.mark.parametrize("more", [0, 1], ids=["fits", "too long"])
def test_the_longest_that_fits(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    given = "/" + "x" * (short_paths.LONGEST - 1 + more)
    monkeypatch.setenv("TMPDIR", given)
    monkeypatch.setattr(tempfile, "tempdir", given)
    config: Any = SimpleNamespace(option=SimpleNamespace(basetemp=None), stash=pytest.Stash())
    short_paths.leave_long_tmpdir(config)
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == ("/tmp" if more else given)
    assert len(short_paths.told(config)) == more
