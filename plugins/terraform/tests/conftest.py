"""Puts the benches and test servers within reach (importlib mode adds no path), and skips without
terraform.
"""

import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parents[2] / "tests"
sys.path[:0] = map(str, (HERE, TESTS / "testbed" / "terraform", TESTS / "engine"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("terraform") is not None:
        return
    for item in items:
        if item.get_closest_marker("terraform"):
            item.add_marker(pytest.mark.skip(reason="no terraform on PATH"))
