"""The adapter goes through every path of the adapter suite, on executions of a real Orca."""

from pathlib import Path

import pytest
from orchestrator_spinnaker.adapter import SpinnakerAdapter

from orchestrator.testing import AdapterSuite
from spinnaker_tests.spinnaker_material import SpinnakerMaterial
from tests.testbed.spinnaker.spinnaker_gate import Gate


@pytest.mark.spinnaker
class TestSpinnaker(AdapterSuite):
    """A real Orca behind a front of Gate's shape."""

    adapter = SpinnakerAdapter
    patience = 120.0

    @pytest.fixture(autouse=True)
    def behind(self, gate: Gate) -> None:
        """The front of this test."""
        self.gate = gate

    def material(self, root: Path) -> SpinnakerMaterial:
        return SpinnakerMaterial(root, self.gate)
