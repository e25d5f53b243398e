"""`--seed N` replays one simulation: `pytest tests/simulation --seed N`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="simulate this seed only, and print its journal")
