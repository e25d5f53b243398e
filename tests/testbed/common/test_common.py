"""What every test bed is built and ended by says in a line what is wrong, and ends."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.common import bed_cache
from tests.testbed.common.bed_cache import BuildError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("ours", [True, False], ids=["parent", "another"])
def test_who_has_lost_its_parent_ends(ours: bool) -> None:
    """It may die before the kernel was asked for the signal."""
    code = f"""if True:
        from tests.testbed.common.bed_guard import die_with
        die_with({os.getpid() if ours else 1})()
        print("goes on")
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == ((0, "goes on\n") if ours else (1, ""))


@pytest.mark.parametrize("name", ["", "lock"], ids=["directory", "lock"])
def test_a_cache_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """Not even by root: where a file should be is a directory, or the other way round."""
    place = tmp_path / "cache" / "bed"
    if name:
        (place.parent / name).mkdir(parents=True)
    else:
        place.parent.touch()
    with pytest.raises(BuildError, match=r"cache can't be written to \(.*set XDG_CACHE_HOME"):
        bed_cache.build(place, lambda _: None, print)


def test_a_full_disk_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def build(report: bed_cache.Report) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")

    assert bed_cache.make_bed("small", tmp_path / "bed", lambda: None, build) == 1
    error = capsys.readouterr().err.splitlines()
    assert error[0] == "[Errno 28] No space left on device: 'some/file'"
    assert error[1] == "To test without it: make test SMALL=no"
