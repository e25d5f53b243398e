"""Looking, read-only, whether a step could run."""

import shutil
from collections.abc import Iterator

import anyio.to_thread

from orchestrator.plugin import AdapterError, Problem, Severity, Step
from orchestrator_helm.cluster import Cluster, NotVisible
from orchestrator_helm.commands import OLDEST, Layout
from orchestrator_helm.messages import blamed
from orchestrator_helm.settings import Action, HelmSettings
from orchestrator_helm.tool import Helm, layout, open_helm, version_of


async def problems(step: Step[HelmSettings]) -> tuple[Problem, ...]:
    """Everything that is wrong with the settings on this host, at once."""
    found = await anyio.to_thread.run_sync(lambda: tuple(_files(step.config, layout(step))))
    found = (*found, *await _binary(step))
    if found or any(map(_open, _texts(step.config))):
        return found
    return await _cluster(step)


async def _cluster(step: Step[HelmSettings]) -> tuple[Problem, ...]:
    """Whether the cluster answers, and lets us in."""
    try:
        helm = await open_helm(step)
        history = await helm.settled_history()
        missing = history.latest is None and await _lacks_namespace(helm)
    except AdapterError as error:
        return (Problem(blamed(step.config, str(error)), str(error)),)
    if missing:
        text = f'namespaces "{step.config.namespace}" not found; `create_namespace` makes it'
        return (Problem("namespace", text),)
    return _without_kubectl(helm)


async def _lacks_namespace(helm: Helm) -> bool:
    """Whether an install would fail for it; who may not look has to wait and see."""
    it = helm.settings
    if it.action is not Action.UPGRADE or it.namespace is None or it.create_namespace:
        return False
    try:
        return not await Cluster(helm).has_namespace(it.namespace)
    except NotVisible:
        return False


def _without_kubectl(helm: Helm) -> tuple[Problem, ...]:
    if Cluster(helm).there:
        return ()
    text = (
        f"{helm.settings.kubectl} is not on the PATH of this step: there will be no progress, and "
        "nothing to remove a stopped hook's jobs with"
    )
    return (Problem("kubectl", text, Severity.WARNING),)


def _texts(settings: HelmSettings) -> Iterator[str]:
    """All that may hold a reference and is given to helm."""
    for name in ("release", "namespace", "kube_context", "kubeconfig"):
        value = getattr(settings, name)
        if isinstance(value, str):
            yield value


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
