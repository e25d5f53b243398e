"""A real Kubernetes API server with controllers, for tests. See README.md beside this file.

Several processes may use one bed (`shared`); it ends by itself when the last of them has, however
it ended.
"""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import bed_build
import bed_kubelet
import httpx
from bed_access import Access, User, role

__all__ = ["CHARTS", "Bed", "BedError", "PrivateBed", "Programs", "User", "role"]

HERE = Path(__file__).parent
CHARTS = HERE / "charts"
"""Two charts: `cm` and `web`; their values.yaml says what they can do."""
PATIENCE_SECONDS = 60.0
"""How long a test waits for something that should happen in a moment."""


_guardians: list[subprocess.Popen[bytes]] = []
"""Those that this process started. A guardian outlives its starter while others use its bed."""


class BedError(Exception):
    """The bed could not be started, or what was waited for did not happen."""


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

    def __init__(
        self, programs: Programs, access: Access, pids: dict[str, int], users: int
    ) -> None:
        self.programs = programs
        self.access = access
        self.pids = pids
        """Of `etcd`, `kube-apiserver`, `kube-controller-manager` and `guardian`."""
        self._users = users
        self._client = access.client()

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
        if not (self.get(path) or {"items": []})["items"]:
            return
        left: set[str] = set()
        with contextlib.suppress(httpx.ReadTimeout):
            for change, one in bed_kubelet.watch(self._client, path, timeout):
                name = one["metadata"]["name"]
                left.discard(name) if change == "DELETED" else left.add(name)
                if not left and not (self.get(path) or {"items": []})["items"]:
                    return
        raise BedError(f"{path} was not empty within {timeout:g} s")

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
        """Use it no more. It ends when the last who used it has."""
        self._client.close()
        os.close(self._users)


class PrivateBed(Bed):
    """A bed of one test, which may do to it what would disturb others."""

    def freeze(self) -> None:
        """The API server accepts connections and answers nothing, until `thaw`."""
        os.kill(self.pids["kube-apiserver"], signal.SIGSTOP)

    def thaw(self) -> None:
        """The API server goes on where it was."""
        os.kill(self.pids["kube-apiserver"], signal.SIGCONT)


Kind = TypeVar("Kind", bound=Bed)


@contextlib.contextmanager
def shared(programs: Programs, directory: Path) -> Iterator[Bed]:
    """The bed below a directory, which all processes that name it use together.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    current = directory / "current"
    with _lock(directory / "starting"):
        bed = _join(programs, current)
        if bed is None:
            place = directory / f"bed-{secrets.token_hex(4)}"
            bed = _start(Bed, programs, place)
            current.unlink(missing_ok=True)
            current.symlink_to(place)
    try:
        yield bed
    finally:
        bed.close()


@contextlib.contextmanager
def private(programs: Programs, directory: Path) -> Iterator[PrivateBed]:
    """A bed of its own, ended for certain at the end of the block.

    Raises:
        BedError: it could not be started; the message has the end of the log that says why.
    """
    bed = _start(PrivateBed, programs, directory)
    guardian = os.pidfd_open(bed.pids["guardian"])
    try:
        yield bed
    finally:
        bed.close()
        os.waitid(os.P_PIDFD, guardian, os.WEXITED)
        os.close(guardian)


def _join(programs: Programs, current: Path) -> Bed | None:
    """The bed that runs, kept running by our lock; None when none does."""
    if not current.exists():
        return None
    place = current.resolve()
    users = os.open(place / "users", os.O_RDWR)
    try:
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if _is_alive(place):
            return _bed(Bed, programs, place, users)
    except BlockingIOError:  # its guardian has seen the last user go
        pass
    os.close(users)
    return None


def _is_alive(place: Path) -> bool:
    with (place / "alive").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start(kind: type[Kind], programs: Programs, place: Path) -> Kind:
    place.mkdir(mode=0o700)
    users = os.open(place / "users", os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    with (place / "guardian.log").open("wb") as log:
        guardian = subprocess.Popen(
            [sys.executable, HERE / "bed_guardian.py", place, programs.directory],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a terminal is for the tests
        )
    _guardians.append(guardian)
    assert guardian.stdout
    with guardian.stdout as told:
        line = told.readline()
    answer = json.loads(line or "{}")
    if "pids" in answer:
        (place / "bed.json").write_bytes(line)
        return _bed(kind, programs, place, users)
    os.close(users)
    guardian.wait()
    raise BedError(answer.get("error") or (place / "guardian.log").read_text())


def _bed(kind: type[Kind], programs: Programs, place: Path, users: int) -> Kind:
    told = json.loads((place / "bed.json").read_bytes())
    return kind(programs, Access(place, told["server"]), told["pids"], users)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
