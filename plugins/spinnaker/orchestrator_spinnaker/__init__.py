"""Spinnaker pipelines for the orchestrator, through Gate's HTTP API."""

from collections.abc import Sequence

from orchestrator.plugin import hookimpl
from orchestrator_spinnaker.adapter import SpinnakerAdapter

orchestrator_api = "1.0"


@hookimpl
def orchestrator_adapters() -> Sequence[SpinnakerAdapter]:
    """The one adapter of this distribution."""
    return [SpinnakerAdapter()]
