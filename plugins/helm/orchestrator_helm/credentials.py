"""The password of a chart repository or a registry: in a file that helm reads."""

import base64
from typing import Any

import msgspec

from orchestrator.plugin import Secret
from orchestrator_helm.commands import Commands
from orchestrator_helm.messages import SettingRefused
from orchestrator_helm.release import one_line
from orchestrator_helm.settings import HelmSettings
from orchestrator_helm.tool import Helm, write_private

FETCH_TIMEOUT = 120.0
_OCI = "oci://"


def write(commands: Commands) -> None:
    """The file, if there is a password."""
    settings = commands.settings
    if settings.username is None or settings.password is None:
        return
    user, password = _plain(settings.username), _plain(settings.password)
    if settings.repo is not None:
        entry = {"name": commands.repository, "url": settings.repo}
        content = {
            "apiVersion": "v1",
            "generated": "2000-01-01T00:00:00Z",
            "repositories": [{**entry, "username": user, "password": password}],
        }
        write_private(commands.at.repositories, msgspec.json.encode(content))
        return
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    auths: dict[str, Any] = {"auths": {_registry(settings): {"auth": login}}}
    write_private(commands.at.registry, msgspec.json.encode(auths))


def _registry(settings: HelmSettings) -> str:
    """The host of `oci://host:5000/charts/web`."""
    chart = settings.chart or ""
    return chart.removeprefix(_OCI).partition("/")[0]


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


async def prepare(helm: Helm) -> None:
    """Write the file; a repository with a password has its index fetched. Raises AdapterError."""
    write(helm.commands)
    if not helm.commands.has_repository_password:
        return
    answer = await helm.ask(helm.commands.update_index(), FETCH_TIMEOUT)
    if answer.code != 0:
        said = one_line(answer.stderr or answer.stdout)
        raise SettingRefused("repo", said or f"helm repo update: exit {answer.code}")
