"""The unit in which docs/testing.md budgets the suite."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TURNS = 9
STARTS = 4
WORK = "import hashlib, json, msgspec, trio; print(len(trio.__version__.split('.')))"


@pytest.mark.parametrize("turn", range(TURNS))
def test_reference(turn: int) -> None:
    """Start interpreters that import trio: of what most tests of the suite consist."""
    for _ in range(STARTS):
        done = subprocess.run([sys.executable, "-c", WORK], capture_output=True, text=True)
        assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)
