"""`--seed N` replays one simulation: `pytest tests/simulation --seed N`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="simulate this seed only, and print its journal")
