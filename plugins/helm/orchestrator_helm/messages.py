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
_LOGIN = re.compile(r"\b40[13]\b|unauthorized|denied|credential", re.IGNORECASE)
_TLS = re.compile(r"x509|failed to verify certificate", re.IGNORECASE)
_HTTP = re.compile(r"\bhttps?://|connection refused|no such host", re.IGNORECASE)
_NO_TLS = "server gave HTTP response to HTTPS client"
_UNREACHABLE = re.compile(r"cluster unreachable|\bUser \"", re.IGNORECASE)
"""It is about the cluster, whatever else it says."""
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
    if _SCHEMA.search(said):
        return "values"
    if _is_about_source(settings, said):
        return _of_source(settings, said)
    if any(file in said for file in settings.values_files) or _VALUES.search(said):
        return "values_files"
    if _RELEASE.search(said):
        return "release"
    if _NAMESPACE.search(said):
        return "namespace"
    if _CLUSTER.search(said):
        return "kubeconfig"
    return "chart" if settings.action.renders else "release"


def _is_about_source(settings: HelmSettings, said: str) -> bool:
    """Whether it is about fetching the chart."""
    if settings.repo is not None:
        return bool(_REPO.search(said)) or settings.repo in said
    return settings.is_oci and not _UNREACHABLE.search(said) and _is_of_http(said)


def _is_of_http(said: str) -> bool:
    return any(found.search(said) for found in (_LOGIN, _TLS, _HTTP))


def _of_source(settings: HelmSettings, said: str) -> str:
    if _NO_TLS in said and settings.is_oci:
        return "plain_http"
    if _TLS.search(said):
        return "ca_file"
    if _LOGIN.search(said):
        return "username" if settings.password is None else "password"
    return "chart" if settings.is_oci else "repo"
