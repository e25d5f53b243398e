"""An application of its own in the Spinnaker test bed, and what works on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing.daemon_zygote import Zygote
from spinnaker_tests.spinnaker_bench import Place, SpinnakerBench, open_spinnaker_bench
from spinnaker_tests.spinnaker_steps import Steps, open_steps
from tests.testbed.spinnaker.spinnaker_fixtures import (
    gate,
    private_spinnaker,
    spinnaker,
    spinnaker_programs,
)
from tests.testbed.spinnaker.spinnaker_gate import Gate

__all__ = ["gate", "private_spinnaker", "spinnaker", "spinnaker_programs"]


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
