"""Terraform for deploy-orchestrator: plan, apply, destroy, validate."""

from collections.abc import Sequence
from typing import Any

from orchestrator.plugin import Adapter, hookimpl
from orchestrator_terraform.adapter import TerraformAdapter

orchestrator_api = "1.0"


@hookimpl
def orchestrator_adapters() -> Sequence[Adapter[Any]]:
    """The one adapter, `terraform`."""
    return (TerraformAdapter(),)
