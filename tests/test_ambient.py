"""What a run that was killed has left is removed by the next one."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import ambient

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_what_a_killed_run_left(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left = Path(tempfile.mkdtemp(prefix=f"{ambient.OUTSIDE}{ended.pid}-"))
    (left / "file").touch()
    with subprocess.Popen(["sleep", "600"], cwd=left) as tool, ambient.open_directory() as used:
        (tmp_path / "some").mkdir()
        (tmp_path / "some" / "test_some.py").write_text("def test(): pass")
        shutil.copy(ROOT / "conftest.py", tmp_path)
        subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        assert not left.exists()
        assert used.exists(), "of a run that goes on"
        assert tool.wait() < 0
