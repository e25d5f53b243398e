"""What a helm step's `with` table may say."""

import enum
import re
from typing import Annotated, Any

import msgspec

from orchestrator.plugin import Secret

DURATION = r"^(?=.)(\d+h)?(\d+m)?(\d+s)?$"
_PARTS = re.compile(DURATION)
HEAL = r"^(own|never|stale:(?=.)(\d+h)?(\d+m)?(\d+s)?)$"
_STALE = "stale:"

Duration = Annotated[str, msgspec.Meta(pattern=DURATION, examples=["10m", "1h30m", "0s"])]
Heal = Annotated[str, msgspec.Meta(pattern=HEAL, examples=["own", "stale:30m", "never"])]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Action(enum.Enum):
    """What a step does with a release."""

    UPGRADE = "upgrade"  # or install
    ROLLBACK = "rollback"
    UNINSTALL = "uninstall"
    TEST = "test"
    STATUS = "status"
    DIFF = "diff"

    @property
    def touches(self) -> bool:
        """Whether it may change what runs in the cluster."""
        return self not in (Action.STATUS, Action.DIFF)

    @property
    def renders(self) -> bool:
        """Whether it needs a chart."""
        return self in (Action.UPGRADE, Action.DIFF)

    @property
    def makes_revisions(self) -> bool:
        """Whether it changes the release itself, so that it may be left pending."""
        return self in (Action.UPGRADE, Action.ROLLBACK, Action.UNINSTALL)


OCI = "oci://"
_FETCHING = ("username", "password", "ca_file")
_ONLY_RENDERING = (
    *("chart", "version", "repo", "values_files", "values", "plain_http"),
    *_FETCHING,
)


class HelmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step's settings. Paths are relative to the step's working directory.

    `chart` is a path, a name in `repo`, or `oci://…`. `ca_file` is who vouches for the server that
    it is fetched from; `plain_http` is for a registry without TLS. `values` win over
    `values_files`. `kubeconfig` is a path, or a secret that is the whole file. `timeout` is helm's
    own: how long each of its operations may take. `revision` is what `rollback` goes back to;
    without it the last one that was deployed before the present one. `lock_timeout` bounds how
    long an operation of somebody else is waited for; `heal` says which pending releases may be
    healed: those of our own dead processes, also any that is older than an age, or none. `kubectl`
    shows progress and removes what a stopped hook left.
    """

    action: Action
    release: str
    chart: str | None = None
    version: str | None = None
    repo: str | None = None
    username: str | Secret | None = None
    password: str | Secret | None = None
    ca_file: str | None = None
    plain_http: bool = False
    namespace: str | None = None
    create_namespace: bool = False
    values_files: tuple[str, ...] = ()
    values: dict[str, Any | Secret] = {}
    kube_context: str | None = None
    kubeconfig: str | Secret | None = None
    wait: bool = True
    timeout: Duration = "5m"
    rollback_on_failure: bool = False
    revision: Positive | None = None
    keep_history: bool = False
    heal: Heal = "own"
    lock_timeout: Duration = "10m"
    binary: str = "helm"
    kubectl: str = "kubectl"

    def __post_init__(self) -> None:
        if self.action.renders:
            if self.chart is None:
                raise ValueError(f'chart: action "{self.action.value}" needs one')
        else:
            for name in _ONLY_RENDERING:
                if getattr(self, name):
                    raise ValueError(f'{name}: action "{self.action.value}" takes none')
        if self.revision is not None and self.action is not Action.ROLLBACK:
            raise ValueError(f'revision: action "{self.action.value}" takes none')
        if (self.username is None) != (self.password is None):
            raise ValueError("password: it and `username` are given together")
        self._check_source()

    def _check_source(self) -> None:
        if self.is_oci and self.repo is not None:
            raise ValueError(f"repo: a chart {OCI}… says itself where it is")
        if self.plain_http and not self.is_oci:
            raise ValueError(f"plain_http: it is for a chart {OCI}…; a `repo` may be http://…")
        if not self.is_fetched:
            for name in _FETCHING:
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: nothing is fetched without `repo` or {OCI}…")

    @property
    def is_oci(self) -> bool:
        """Whether the chart is in a registry."""
        return self.chart is not None and self.chart.startswith(OCI)

    @property
    def is_fetched(self) -> bool:
        """Whether the chart is in a repository or a registry."""
        return self.is_oci or self.repo is not None


def seconds(duration: str) -> float:
    """How long `1h30m` is."""
    found = _PARTS.match(duration)
    assert found is not None, "msgspec checked it against the same pattern"
    hours, minutes, rest = (int(part[:-1]) if part else 0 for part in found.groups())
    return float(hours * 3600 + minutes * 60 + rest)


def known_seconds(duration: str) -> float | None:
    """The same where it may be a reference that is not resolved yet."""
    return seconds(duration) if _PARTS.match(duration) else None


def stale_after(heal: str) -> float | None:
    """From which age in seconds on anybody's pending release is healed; None: never."""
    return seconds(heal.removeprefix(_STALE)) if heal.startswith(_STALE) else None
