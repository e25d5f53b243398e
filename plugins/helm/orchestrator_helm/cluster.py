"""Looking at the cluster by kubectl: it knows every way of logging in that a kubeconfig names."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.plugin import AdapterError
from orchestrator_helm.manifests import Identity, identity
from orchestrator_helm.release import one_line
from orchestrator_helm.tool import Helm, write_private

LOOK_TIMEOUT = 20.0


class NotVisible(AdapterError):
    """kubectl is not there, or may not look."""


class Live(msgspec.Struct, frozen=True):
    """An object as the API server has it now."""

    data: dict[str, Any]

    @property
    def identity(self) -> Identity:
        """Which one it is."""
        return identity(self.data)

    @property
    def uid(self) -> str:
        """Which one of all that ever had its name."""
        return str(self._metadata.get("uid", ""))

    @property
    def created(self) -> str:
        """RFC 3339, to the second."""
        return str(self._metadata.get("creationTimestamp", ""))

    @property
    def owners(self) -> frozenset[str]:
        """The uids of what it was made for."""
        owners = self._metadata.get("ownerReferences") or ()
        return frozenset(str(owner.get("uid", "")) for owner in owners)

    @property
    def going(self) -> bool:
        """Whether it is being deleted."""
        return "deletionTimestamp" in self._metadata

    @property
    def annotations(self) -> dict[str, str]:
        """What is noted on it."""
        return self._metadata.get("annotations") or {}

    @property
    def _metadata(self) -> dict[str, Any]:
        return self.data.get("metadata") or {}

    @property
    def status(self) -> dict[str, Any]:
        """What its controller says."""
        return self.data.get("status") or {}

    @property
    def spec(self) -> dict[str, Any]:
        """What it is to be."""
        return self.data.get("spec") or {}

    @property
    def is_to_stay(self) -> bool:
        """Whether helm is told never to delete it."""
        return self.annotations.get("helm.sh/resource-policy") == "keep"

    def belongs_to(self, release: str, namespace: str | None) -> bool:
        """Whether helm has noted that it is of this release; None: in whatever namespace."""
        noted = self.annotations
        if namespace is not None and noted.get("meta.helm.sh/release-namespace") != namespace:
            return False
        return noted.get("meta.helm.sh/release-name") == release


class Cluster:
    """The API server, as far as this attempt may look at it."""

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._files: Path = helm.step.scratch
        self._cache: Path = helm.step.shared / "kubectl"

    @property
    def there(self) -> bool:
        """Whether there is a kubectl at all."""
        path = self._helm.step.base_env.get("PATH")
        return shutil.which(self._helm.settings.kubectl, path=path) is not None

    async def get(self, wanted: Sequence[Identity], name: str) -> list[Live]:
        """Those of the objects that exist. Raises NotVisible. `name` is of a file of ours."""
        if not wanted:
            return []
        file = self._files / f"{name}.json"
        items = [resource.reference() for resource in wanted]
        write_private(
            file, msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items})
        )
        return await self._ask("get", f"--filename={file}", "--ignore-not-found", "--output=json")

    async def all(self, kind: str, *options: str) -> list[Live]:
        """All objects of a kind in the release's namespace. Raises NotVisible."""
        return await self._ask("get", kind, "--output=json", *options)

    async def has_namespace(self, name: str) -> bool:
        """Whether it exists. Raises NotVisible."""
        wanted = Identity(api="v1", kind="Namespace", name=name)
        return bool(await self.get([wanted], "namespace"))

    async def _ask(self, *words: str) -> list[Live]:
        if not self.there:
            raise NotVisible(f"there is no {self._helm.settings.kubectl} on the PATH of this step")
        options = [f"--request-timeout={LOOK_TIMEOUT:.0f}s", f"--cache-dir={self._cache}"]
        argv = self._helm.commands.kubectl(*words, *options)
        answer = await self._helm.ask(argv, LOOK_TIMEOUT + 10)
        if answer.code != 0:
            said = one_line(answer.stderr)
            raise NotVisible(said or f"kubectl {words[0]}: exit {answer.code}")
        return _listed(answer.stdout)


def _listed(text: str) -> list[Live]:
    if not text.strip():
        return []
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise NotVisible(f"kubectl: {error}") from error
    items = found.get("items") if str(found.get("kind", "")).endswith("List") else [found]
    return [Live(item) for item in items or []]
