"""Which setting a message of helm's is about, so that people know where to look."""

import re

from orchestrator.plugin import AdapterError
from orchestrator_helm.settings import HelmSettings

_CONTEXT = re.compile(r"context \S+ does not exist|no context exists")
_CLUSTER = re.compile(
    r"cluster unreachable|Unauthorized|provide credentials|is forbidden|x509|invalid configuration"
    r"|getting credentials|connection refused|no such host",
    re.IGNORECASE,
)
_RELEASE = re.compile(r"release name|release: not found|cannot re-use a name", re.IGNORECASE)
_NAMESPACE = re.compile(r"namespaces? .*(not found|invalid)", re.IGNORECASE)
_REPO = re.compile(r"chart repository|index\.yaml", re.IGNORECASE)
_VALUES = re.compile(r"failed (to parse|parsing) |error reading .*values", re.IGNORECASE)
_SCHEMA = re.compile(r"values don.t meet the specifications", re.IGNORECASE)


class SettingRefused(AdapterError):
    """helm refused a step before anything was touched: `setting` names why, `said` is helm's."""

    def __init__(self, setting: str, said: str) -> None:
        super().__init__(f"{setting}: {said}")
        self.setting = setting
        self.said = said


def refused(settings: HelmSettings, said: str) -> SettingRefused:
    """An error that names the setting which helm's message is about."""
    return SettingRefused(blamed(settings, said), said)


def blamed(settings: HelmSettings, said: str) -> str:
    """The setting: for people, nothing is concluded from it."""
    if _CONTEXT.search(said):
        return "kube_context"
    if settings.repo is not None and (_REPO.search(said) or settings.repo in said):
        return "repo"
    if any(file in said for file in settings.values_files) or _VALUES.search(said):
        return "values_files"
    if _SCHEMA.search(said):
        return "values"
    if _RELEASE.search(said):
        return "release"
    if _NAMESPACE.search(said):
        return "namespace"
    is_fetched = settings.chart is not None and settings.chart.startswith("oci://")
    if _CLUSTER.search(said) and not is_fetched:
        return "kubeconfig"
    return "chart" if settings.action.renders else "release"
