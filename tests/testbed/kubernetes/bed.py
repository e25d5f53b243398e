"""A real Kubernetes API server with controllers, for tests. See README.md beside this file.

Several processes may use one bed (`shared`); it ends by itself when the last of them has, however
it ended.
"""

import contextlib
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.testbed.common import bed_life
from tests.testbed.common.bed_life import BedError, Hold
from tests.testbed.kubernetes import bed_build, bed_kubelet
from tests.testbed.kubernetes.bed_access import Access, User, role

__all__ = ["CHARTS", "Bed", "BedError", "Programs", "User", "role"]

HERE = Path(__file__).parent
CHARTS = HERE / "charts"
"""Two charts: `cm` and `web`; their values.yaml says what they can do."""
PATIENCE_SECONDS = 120.0
"""How long a test waits for something that should happen in a moment."""


@dataclass(frozen=True)
class Programs:
    """The programs of a bed, in one directory."""

    directory: Path

    @property
    def kubectl(self) -> Path:
        """Of the server's version."""
        return self.directory / "kubectl"

    def helm(self, major: int) -> Path:
        """Helm 3 or 4."""
        return self.directory / f"helm{major}"


class Bed:
    """One API server that runs, as seen by one process that uses it."""

    def __init__(self, programs: Programs, hold: Hold) -> None:
        self.programs = programs
        self.access = Access(hold.directory, hold.told["server"])
        self.pids = hold.pids
        """Of `etcd`, `kube-apiserver`, `kube-controller-manager` and `guardian`."""
        self._client = self.access.client()

    @property
    def kubeconfig(self) -> Path:
        """The admin's."""
        return self.kubeconfig_of(User.ADMIN)

    def kubeconfig_of(self, user: User) -> Path:
        """The kubeconfig of one of the users that every bed has."""
        return self.access.kubeconfig(user)

    def certify(self, namespace: str, *rules: dict[str, Any]) -> Path:
        """The kubeconfig of a new user who may do only this (see `role`), in this namespace."""
        name = f"user-{secrets.token_hex(4)}"
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        api = "rbac.authorization.k8s.io"
        self.post(f"{rbac}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"kind": "Role", "name": name, "apiGroup": api},
            "subjects": [{"kind": "User", "name": name, "apiGroup": api}],
        }
        self.post(f"{rbac}/rolebindings", binding)
        return self.access.certify(name, "bed:certified")

    def create_namespace(self) -> str:
        """A new namespace. It stays until the bed ends."""
        name = f"test-{secrets.token_hex(4)}"
        self.post("/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at this path of the API, or None when there is none."""
        answer = self._client.get(path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def names(self, namespace: str, kind: str) -> list[str]:
        """The names of all objects of a kind (`configmaps`, `apps/deployments`) in a namespace."""
        group, _, plural = kind.rpartition("/")
        root = f"/apis/{group}/v1" if group else "/api/v1"
        found = self.get(f"{root}/namespaces/{namespace}/{plural}")
        return [item["metadata"]["name"] for item in (found or {"items": []})["items"]]

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object as the admin."""
        created: dict[str, Any] = self._client.post(path, json=body).raise_for_status().json()
        return created

    def apply(self, path: str, body: dict[str, Any]) -> None:
        """Have the server merge an object with what is there, as the admin."""
        apply = {"Content-Type": "application/apply-patch+yaml"}
        self._client.patch(path, content=json.dumps(body), headers=apply).raise_for_status()

    def wait_for(
        self,
        path: str,
        wanted: Callable[[dict[str, Any]], bool],
        timeout: float = PATIENCE_SECONDS,
    ) -> dict[str, Any]:
        """Block until an object of this collection is `wanted`, and return it.

        Raises:
            BedError: none was within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with contextlib.suppress(httpx.ReadTimeout):
            for change, one in bed_kubelet.watch(self._client, path, timeout):
                if change != "DELETED" and wanted(one):
                    return one
                if time.monotonic() > deadline:
                    break
        raise BedError(f"nothing like this in {path} within {timeout:g} s")

    def wait_for_none(self, path: str, timeout: float = PATIENCE_SECONDS) -> None:
        """Block until this collection is empty.

        Raises:
            BedError: it was not within `timeout` seconds.
        """
        listed = self.get(path) or {"items": []}
        left = {one["metadata"]["name"] for one in listed["items"]}
        if not left:
            return
        since = listed["metadata"]["resourceVersion"]
        with contextlib.suppress(httpx.ReadTimeout):
            for change, one in bed_kubelet.watch(self._client, path, timeout, since):
                name = one["metadata"]["name"]
                left.discard(name) if change == "DELETED" else left.add(name)
                if not left:
                    return
        raise BedError(f"{path} was not empty within {timeout:g} s: {', '.join(sorted(left))}")

    def wait_for_pod(self, namespace: str, image: str) -> dict[str, Any]:
        """Block until a pod with this image has met its fate, and return it."""

        def settled(pod: dict[str, Any]) -> bool:
            started = "startTime" in pod.get("status", {})
            return started and bed_kubelet.image_of(pod) == image

        return self.wait_for(f"/api/v1/namespaces/{namespace}/pods", settled)

    def release(self, namespace: str) -> None:
        """Let every pod of the namespace that hangs (`never…`, `hook…`) be ready, or succeed."""
        hangs = (bed_kubelet.Fate.UNPULLED, bed_kubelet.Fate.ENDLESS)
        pods = self.get(f"/api/v1/namespaces/{namespace}/pods")
        for pod in (pods or {"items": []})["items"]:
            if bed_kubelet.fate_of(pod) in hangs:
                bed_kubelet.settle(self._client, pod, bed_kubelet.Fate.WORKS)

    def close(self) -> None:
        """Use its API no more."""
        self._client.close()


@contextlib.contextmanager
def shared(programs: Programs, directory: Path) -> Iterator[Bed]:
    """The bed below a directory, which all processes that name it use together.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    with (
        bed_life.shared(directory, _guardian(programs)) as hold,
        contextlib.closing(Bed(programs, hold)) as bed,
    ):
        yield bed


@contextlib.contextmanager
def private(programs: Programs, directory: Path) -> Iterator[Bed]:
    """A bed of its own, ended for certain at the end of the block.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    with (
        bed_life.private(directory, _guardian(programs)) as hold,
        contextlib.closing(Bed(programs, hold)) as bed,
    ):
        yield bed


def _guardian(programs: Programs) -> tuple[Path, Path]:
    return HERE / "bed_guardian.py", programs.directory


def main() -> None:
    """A bed until Ctrl-C, to try things by hand."""
    place = bed_build.location()
    if not bed_build.is_complete(place):
        sys.exit("run `make testbed` first")
    with (
        tempfile.TemporaryDirectory() as directory,
        contextlib.suppress(KeyboardInterrupt),
        private(Programs(place), Path(directory) / "bed") as bed,
    ):
        print(f"export KUBECONFIG={bed.kubeconfig} PATH={place}:$PATH", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
