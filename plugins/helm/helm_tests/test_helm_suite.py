"""helm goes through every path of the adapter suite."""

from pathlib import Path

import pytest
from orchestrator_helm.adapter import HelmAdapter

from helm_tests.helm_material import HelmMaterial
from orchestrator.testing import AdapterSuite
from tests.testbed.kubernetes.bed import Bed


class _Suite(AdapterSuite):
    adapter = HelmAdapter
    patience = 120.0
    major: int

    @pytest.fixture(autouse=True)
    def on_bed(self, bed: Bed) -> None:
        """The cluster that all tests use."""
        self.bed = bed

    def material(self, root: Path) -> HelmMaterial:
        return HelmMaterial(root, self.bed, self.bed.create_namespace(), self.major)


@pytest.mark.kubernetes
class TestHelm3(_Suite):
    """Real helm 3 on a real cluster."""

    major = 3


@pytest.mark.kubernetes
class TestHelm4(_Suite):
    """Real helm 4 on a real cluster."""

    major = 4
