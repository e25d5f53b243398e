"""Where people see what we speak of."""

from urllib.parse import quote

from orchestrator_spinnaker.gate import search_path
from orchestrator_spinnaker.settings import SpinnakerSettings


def execution_url(settings: SpinnakerSettings, application: str, id: str) -> str:
    """An execution's page in Deck, where the settings know Deck; else its JSON at Gate."""
    if settings.ui is None:
        return execution_at_gate(settings, id)
    page = f"applications/{quote(application, safe='')}/executions/details/{quote(id, safe='')}"
    return f"{settings.ui.rstrip('/')}/#/{page}"


def execution_at_gate(settings: SpinnakerSettings, id: str) -> str:
    """An execution's JSON."""
    return f"{settings.gate.rstrip('/')}/pipelines/{quote(id, safe='')}"


def search_at_gate(settings: SpinnakerSettings, correlation: str) -> str:
    """Where Gate says what was started with this correlation id."""
    return f"{settings.gate.rstrip('/')}{search_path(settings.application, correlation)}"
