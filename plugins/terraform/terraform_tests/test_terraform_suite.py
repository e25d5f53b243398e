"""terraform goes through every path of the adapter suite."""

from pathlib import Path

import pytest
from orchestrator_terraform.adapter import TerraformAdapter

from orchestrator.testing import AdapterSuite
from terraform_tests.terraform_material import TerraformMaterial

pytestmark = pytest.mark.slow


@pytest.mark.terraform
class TestTerraform(AdapterSuite):
    """Real terraform processes, with the state and its lock on a server of ours."""

    adapter = TerraformAdapter

    def material(self, root: Path) -> TerraformMaterial:
        return TerraformMaterial(root)
