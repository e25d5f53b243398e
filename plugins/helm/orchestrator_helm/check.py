"""Looking, read-only, whether a step could run."""

import shutil
from collections.abc import Iterator

import anyio.to_thread

from orchestrator.plugin import AdapterError, Problem, Severity, Step
from orchestrator_helm.cluster import Cluster, NotVisible
from orchestrator_helm.commands import OCI_SINCE, OCI_TRANSPORT_SINCE, OLDEST, Layout
from orchestrator_helm.messages import blamed
from orchestrator_helm.settings import OCI, Action, HelmSettings
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
    for name in ("kubeconfig", "ca_file"):
        file = getattr(settings, name)
        if isinstance(file, str) and not _open(file) and not at.in_workdir(file).is_file():
            yield Problem(name, f"{at.in_workdir(file)} does not exist")


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
        wanted, found = (".".join(map(str, version_parts)) for version_parts in (OLDEST, version))
        return (Problem("binary", f"{binary} is {found}; {wanted} or newer is needed"),)
    return (*_too_new(step.config, version), *_shadowed(step.config, layout(step), version))


def _shadowed(settings: HelmSettings, at: Layout, version: tuple[int, ...]) -> Iterator[Problem]:
    """helm 3 takes a directory of that name, and does not say so."""
    if version >= (4,) or settings.repo is None or settings.password is not None:
        return
    path = at.in_workdir(settings.chart or "")
    if path.exists():
        yield Problem("chart", f"{path} exists: helm 3 would take it, and not the one in `repo`")


def _too_new(settings: HelmSettings, version: tuple[int, ...]) -> Iterator[Problem]:
    """Settings that this helm does not know."""
    found = ".".join(map(str, version))
    for name, since, used in (
        ("chart", OCI_SINCE, settings.is_oci),
        ("plain_http", OCI_TRANSPORT_SINCE, settings.plain_http),
        ("ca_file", OCI_TRANSPORT_SINCE, settings.is_oci and settings.ca_file is not None),
    ):
        if used and version < since:
            wanted = ".".join(map(str, since))
            text = (
                f"for a chart {OCI}… helm {wanted} or newer is needed; {settings.binary} is {found}"
            )
            yield Problem(name, text)
