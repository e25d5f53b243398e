"""The adapter goes through every path of the adapter suite, on executions of a real Orca."""

from pathlib import Path

import pytest
from orchestrator_spinnaker.adapter import SpinnakerAdapter

from orchestrator.testing import AdapterSuite
from orchestrator.testing.suite_bench import AdapterBench
from spinnaker_tests.spinnaker_bench import BriefAdapter
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

    def test_forced_at_work(self, bench: AdapterBench) -> None:
        """What resists is given up soon."""
        bench.adapter = BriefAdapter
        super().test_forced_at_work(bench)
