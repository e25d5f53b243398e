"""Where people see what we speak of."""

from urllib.parse import quote

from orchestrator_spinnaker.settings import SpinnakerSettings


def execution_url(settings: SpinnakerSettings, application: str, id: str) -> str:
    """An execution's page in Deck, where the settings know Deck; else its JSON at Gate."""
    if settings.ui is None:
        return f"{settings.gate.rstrip('/')}/pipelines/{quote(id, safe='')}"
    page = f"applications/{quote(application, safe='')}/executions/details/{quote(id, safe='')}"
    return f"{settings.ui.rstrip('/')}/#/{page}"
