"""Neither a long $TMPDIR nor a long name of the user makes a socket's path too long."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "test_some.py").write_text(TEST.format(up=up))
    shutil.copy(ROOT / "conftest.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rP", "-n", workers],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(long), "LOGNAME": "y" * 60, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("base ")]
    assert line == f"base /tmp/pytest-of-{os.getuid()} of /tmp"
    assert f"TMPDIR: /tmp in place of {long}" in done.stdout
