"""Helm for deploy-orchestrator: upgrade, rollback, uninstall, test, status, diff."""

from collections.abc import Sequence
from typing import Any

from orchestrator.plugin import Adapter, hookimpl
from orchestrator_helm.adapter import HelmAdapter

orchestrator_api = "1.0"


@hookimpl
def orchestrator_adapters() -> Sequence[Adapter[Any]]:
    """The one adapter, `helm`."""
    return (HelmAdapter(),)
