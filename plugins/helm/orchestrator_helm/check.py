"""Looking, read-only, whether a step could run."""

import shutil
from collections.abc import Iterator

import anyio.to_thread

from orchestrator.plugin import AdapterError, Problem, Step
from orchestrator_helm.commands import OLDEST, Layout
from orchestrator_helm.settings import HelmSettings
from orchestrator_helm.tool import layout, version_of


async def problems(step: Step[HelmSettings]) -> tuple[Problem, ...]:
    """Everything that is wrong with the settings on this host, at once."""
    found = await anyio.to_thread.run_sync(lambda: tuple(_files(step.config, layout(step))))
    return (*found, *await _binary(step))


def _files(settings: HelmSettings, at: Layout) -> Iterator[Problem]:
    for file in settings.values_files:
        if not _open(file) and "://" not in file and not at.in_workdir(file).is_file():
            yield Problem("values_files", f"{at.in_workdir(file)} does not exist")
    kubeconfig = settings.kubeconfig
    if isinstance(kubeconfig, str) and not _open(kubeconfig):
        path = at.in_workdir(kubeconfig)
        if not path.is_file():
            yield Problem("kubeconfig", f"{path} does not exist")


def _open(value: str) -> bool:
    """Whether a reference in it is not resolved yet."""
    return "${" in value


async def _binary(step: Step[HelmSettings]) -> tuple[Problem, ...]:
    binary = step.config.binary
    if shutil.which(binary, path=step.base_env.get("PATH")) is None:
        return (Problem("binary", f"{binary} is not on the PATH of this step"),)
    try:
        version = await version_of(step)
    except AdapterError as error:
        return (Problem("binary", str(error)),)
    if version < OLDEST:
        wanted, found = (".".join(map(str, one)) for one in (OLDEST, version))
        return (Problem("binary", f"{binary} is {found}; {wanted} or newer is needed"),)
    return ()
