"""Puts the test servers of the repository's testbed within reach, and skips without terraform."""

import shutil
import sys
from pathlib import Path

import pytest

TESTBED = Path(__file__).parents[3] / "tests" / "testbed" / "terraform"
sys.path.insert(0, str(TESTBED))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("terraform") is not None:
        return
    for item in items:
        if item.get_closest_marker("terraform"):
            item.add_marker(pytest.mark.skip(reason="no terraform on PATH"))
