"""terraform goes through every path of the adapter suite."""

from pathlib import Path

import pytest
from orchestrator_terraform.adapter import TerraformAdapter
from terraform_material import TerraformMaterial

from orchestrator.testing import AdapterSuite


@pytest.mark.terraform
class TestTerraform(AdapterSuite):
    """Real terraform processes, with the state and its lock on a server of ours."""

    adapter = TerraformAdapter

    def material(self, root: Path) -> TerraformMaterial:
        return TerraformMaterial(root)
