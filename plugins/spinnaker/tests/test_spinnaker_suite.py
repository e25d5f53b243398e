"""The adapter goes through every path of the adapter suite, on executions of a real Orca."""

from pathlib import Path

import pytest
from orchestrator_spinnaker.adapter import SpinnakerAdapter
from spinnaker_gate import Gate
from spinnaker_material import SpinnakerMaterial

from orchestrator.testing import AdapterSuite


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
