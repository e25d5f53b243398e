"""Puts the bench and the Spinnaker test bed within reach (importlib mode adds no path)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing.daemon_zygote import Zygote

HERE = Path(__file__).parent
TESTS = HERE.parents[2] / "tests"
BEDS = TESTS / "testbed"
sys.path[:0] = map(str, (HERE, TESTS / "engine", BEDS / "common", BEDS / "spinnaker"))

from spinnaker_bench import Place, SpinnakerBench, open_spinnaker_bench  # noqa: E402
from spinnaker_fixtures import (  # noqa: E402
    gate,
    private_spinnaker,
    spinnaker,
    spinnaker_programs,
)
from spinnaker_gate import Gate  # noqa: E402
from spinnaker_steps import Steps, open_steps  # noqa: E402

__all__ = ["gate", "private_spinnaker", "spinnaker", "spinnaker_programs"]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """What forks the daemons of all tests."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture
def place(tmp_path: Path, gate: Gate) -> Place:
    """An application of this test."""
    return Place(tmp_path, gate)


@pytest.fixture
def bench(tmp_path: Path, place: Place, zygote: Zygote) -> Iterator[SpinnakerBench]:
    """A daemon that works on it."""
    with open_spinnaker_bench(tmp_path, place, zygote) as bench:
        yield bench


@pytest.fixture
def steps(tmp_path: Path, gate: Gate) -> Iterator[Steps]:
    """Steps without a daemon, which look at it."""
    with open_steps(tmp_path / "steps", gate) as steps:
        yield steps
