"""The password of a chart repository or a registry: in a file that helm reads."""

import base64

import msgspec

from orchestrator.plugin import Secret
from orchestrator_helm.commands import Commands
from orchestrator_helm.messages import refused
from orchestrator_helm.release import one_line
from orchestrator_helm.settings import OCI, HelmSettings
from orchestrator_helm.tool import Helm, write_private

FETCH_TIMEOUT = 120.0
DOCKER_HUB = ("registry-1.docker.io", "docker.io", "index.docker.io")
_DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"
"""What all clients call the login there."""


def write(commands: Commands) -> None:
    """The file, if there is a password."""
    settings = commands.settings
    if settings.username is None or settings.password is None:
        return
    user, password = _plain(settings.username), _plain(settings.password)
    if settings.repo is not None:
        entry = {"name": commands.repository, "url": settings.repo}
        entry |= {"username": user, "password": password}
        if settings.ca_file is not None:
            entry["caFile"] = str(commands.at.in_workdir(settings.ca_file))
        content = {
            "apiVersion": "v1",
            "generated": "2000-01-01T00:00:00Z",
            "repositories": [entry],
        }
        write_private(commands.at.repositories, msgspec.json.encode(content))
        return
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    auths = {"auths": {_registry(settings): {"auth": login}}}
    write_private(commands.at.registry, msgspec.json.encode(auths))


def _registry(settings: HelmSettings) -> str:
    """What the login is filed under: `host:5000` of `oci://host:5000/charts/web`."""
    chart = settings.chart or ""
    host = chart.removeprefix(OCI).partition("/")[0]
    return _DOCKER_HUB_LOGIN if host in DOCKER_HUB else host


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


async def prepare(helm: Helm) -> None:
    """Write the file; a repository with a password has its index fetched. Raises AdapterError."""
    write(helm.commands)
    if not helm.commands.has_repository_password:
        return
    answer = await helm.ask(helm.commands.update_index(), FETCH_TIMEOUT)
    if answer.code != 0:
        said = one_line(answer.stderr) or f"helm repo update: exit {answer.code}"
        causes = [line.strip() for line in answer.stdout.splitlines() if line.startswith("\t")]
        raise refused(helm.settings, ": ".join((said, *causes)))
