"""helm's and kubectl's argument lists.

Whatever a user wrote is joined to its option with `=` or comes after `--`.
"""

import hashlib
import re
import shlex
from pathlib import Path

import msgspec

from orchestrator_helm.settings import Action, HelmSettings, seconds

OLDEST = (3, 7)
OCI_SINCE = (3, 8)
"""Before, registries were an experiment that had to be asked for."""
OCI_TRANSPORT_SINCE = (3, 13)
"""Since then `--plain-http` and `--ca-file` are for registries too."""
LABELS_SINCE = (3, 13)
"""Since then a revision can be marked by `--labels`, and `--dry-run=server` is told apart."""
LABEL = "deploy-orchestrator.claim"
"""On helm's own record of a revision: which attempt of ours made it."""
MOST_REVISIONS = 256


class Layout(msgspec.Struct, frozen=True):
    """Where one attempt's files are, all absolute."""

    workdir: Path
    values: Path
    kubeconfig: Path
    repositories: Path
    registry: Path
    touched: Path
    """Exists once a helm that changes the release may have been started."""
    began: Path
    """Holds what the attempt set out to do."""
    rendering: Path
    """What it will put into the cluster."""
    explained: Path
    """Exists once the log tells why it failed."""
    plan: Path
    cache: Path
    version: Path
    """Which helm this attempt has asked for its version."""

    def in_workdir(self, path: str) -> Path:
        """A path that a user wrote."""
        return self.workdir / path


class Commands(msgspec.Struct, frozen=True):
    """The argument lists for one step's settings and one version of helm."""

    settings: HelmSettings
    at: Layout
    version: tuple[int, ...]

    @property
    def marks(self) -> bool:
        """Whether this helm can mark the revision that it makes."""
        return self.version >= LABELS_SINCE

    def helm(self, *words: str) -> list[str]:
        """A command with the options that all share."""
        it = self.settings
        given = [it.binary, words[0]]
        if it.namespace is not None:
            given.append(f"--namespace={it.namespace}")
        if it.kube_context is not None:
            given.append(f"--kube-context={it.kube_context}")
        return [*given, *words[1:]]

    def on_release(self, *words: str) -> list[str]:
        """A command about the release."""
        return self.helm(*words, "--", self.settings.release)

    def history(self) -> list[str]:
        """Every revision."""
        return self.on_release("history", "--output=json", f"--max={MOST_REVISIONS}")

    def status(self, revision: int | None = None) -> list[str]:
        """A revision, the latest by default, with its notes and hooks."""
        options = ["--output=json"]
        if revision is not None:
            options.append(f"--revision={revision}")
        return self.on_release("status", *options)

    def manifest(self, revision: int | None = None) -> list[str]:
        """What a revision consists of, hooks aside."""
        return self._get("manifest", revision)

    def hooks(self, revision: int | None = None) -> list[str]:
        """A revision's hooks."""
        return self._get("hooks", revision)

    def _get(self, what: str, revision: int | None) -> list[str]:
        given = self.helm("get", what)
        # `helm get` is a command of commands: options come after the second word.
        options = [word for word in given[2:] if word != what]
        if revision is not None:
            options.append(f"--revision={revision}")
        return [given[0], "get", what, *options, "--", self.settings.release]

    def marked(self, mark: str, *, pending: bool) -> list[str]:
        """The release, if its latest revision bears the mark. helm lists pending ones apart."""
        options = ["--pending"] if pending else []
        name = re.escape(self.settings.release)
        options += ["--output=json", f"--filter=^{name}$", f"--selector={LABEL}={mark}"]
        return self.helm("list", *options)

    def upgrade(self, mark: str) -> list[str]:
        """Install or upgrade. `mark` is put on the revision that it makes."""
        options = ["--install", *self._waiting(), *self._rendering()]
        if self.settings.rollback_on_failure:
            options.append("--rollback-on-failure" if self.version >= (4,) else "--atomic")
        if self.settings.create_namespace:
            options.append("--create-namespace")
        if self.marks:
            options.append(f"--labels={LABEL}={mark}")
        return self.helm("upgrade", *options, "--", self.settings.release, self.chart)

    def dry_run(self) -> list[str]:
        """What `upgrade` would make, as JSON; nothing is changed."""
        mode = "--dry-run=server" if self.version >= LABELS_SINCE else "--dry-run"
        options = ["--install", mode, "--output=json", *self._rendering()]
        if self.settings.create_namespace:
            options.append("--create-namespace")
        return self.helm("upgrade", *options, "--", self.settings.release, self.chart)

    def template(self) -> list[str]:
        """The chart rendered as an upgrade would, without asking about the release."""
        options = ["--is-upgrade", *self._rendering()]
        return self.helm("template", *options, "--", self.settings.release, self.chart)

    def update_index(self) -> list[str]:
        """Fetch what a repository with a password has; other charts are looked up as needed."""
        options = self._credentials()
        if self.version < (4,):  # 4 does so by itself
            options.append("--fail-on-repo-update-fail")
        return [self.settings.binary, "repo", "update", *options, "--", self.repository]

    @property
    def chart(self) -> str:
        """The chart as helm takes it."""
        assert self.settings.chart is not None
        if self.has_repository_password:
            return f"{self.repository}/{self.settings.chart}"
        return self.settings.chart

    @property
    def has_repository_password(self) -> bool:
        """Whether `repo` wants one, which must stand in a file."""
        return self.settings.repo is not None and self.settings.password is not None

    @property
    def repository(self) -> str:
        """What a repository with a password is called among ours: its index is cached."""
        digest = hashlib.sha256((self.settings.repo or "").encode()).hexdigest()
        return f"orchestrator-{digest[:12]}"

    def _credentials(self) -> list[str]:
        """Files of ours that hold a login, or who vouches for a server."""
        if self.settings.password is None:
            return []
        if self.settings.repo is None:
            return [f"--registry-config={self.at.registry}"]
        return [f"--repository-config={self.at.repositories}"]

    def _rendering(self) -> list[str]:
        it = self.settings
        options = []
        if it.version is not None:
            options.append(f"--version={it.version}")
        options += self._credentials()
        if it.repo is not None and not self.has_repository_password:
            options.append(f"--repo={it.repo}")
        if it.ca_file is not None:
            options.append(f"--ca-file={self.at.in_workdir(it.ca_file)}")
        if it.plain_http:
            options.append("--plain-http")
        files = [_values_file(self.at, file) for file in it.values_files]
        if it.values:
            files.append(str(self.at.values))
        return [*options, *(f"--values={_as_csv(file)}" for file in files)]

    def _waiting(self) -> list[str]:
        options = [self._timeout]
        if self.settings.wait:
            options.append("--wait")
        return options

    @property
    def _timeout(self) -> str:
        return f"--timeout={seconds(self.settings.timeout):.0f}s"

    def rollback(self, revision: int) -> list[str]:
        """What the action `rollback` does."""
        return self.helm("rollback", *self._waiting(), "--", self.settings.release, str(revision))

    def uninstall(self) -> list[str]:
        """What the action `uninstall` does."""
        options = self._waiting()
        if self.settings.keep_history:
            options.append("--keep-history")
        return self.on_release("uninstall", *options)

    def test(self) -> list[str]:
        """What the action `test` does."""
        return self.on_release("test", self._timeout)

    def heal_by_rollback(self, revision: int) -> list[str]:
        """Back to a revision, without hooks and without waiting: the pending state is what goes."""
        return self.helm(
            "rollback", self._timeout, "--no-hooks", "--", self.settings.release, str(revision)
        )

    def heal_by_uninstall(self) -> list[str]:
        """Away with a first install that never ended, or with what was half uninstalled."""
        options = [self._timeout, "--no-hooks"]
        if self.settings.action is Action.UNINSTALL and self.settings.keep_history:
            options.append("--keep-history")
        return self.on_release("uninstall", *options)

    def kubectl(self, *words: str) -> list[str]:
        """A kubectl command in the release's namespace and context."""
        it = self.settings
        given = [it.kubectl]
        if it.namespace is not None:
            given.append(f"--namespace={it.namespace}")
        if it.kube_context is not None:
            given.append(f"--context={it.kube_context}")
        return [*given, *words]

    def to_type(self, argv: list[str]) -> str:
        """The same for a person's shell."""
        kubeconfig = self.settings.kubeconfig
        prefix = ""
        if isinstance(kubeconfig, str):
            prefix = f"KUBECONFIG={shlex.quote(str(self.at.in_workdir(kubeconfig)))} "
        return prefix + shlex.join(argv)


def _values_file(at: Layout, file: str) -> str:
    return file if "://" in file else str(at.in_workdir(file))


def _as_csv(value: str) -> str:
    """helm reads the option as a line of CSV."""
    if "," not in value and '"' not in value:
        return value
    return '"' + value.replace('"', '""') + '"'
