"""Runs one Kubernetes test bed: `python bed_guardian.py DIRECTORY PROGRAMS`. See `bed_guard`."""

import contextlib
import sys
import threading
from pathlib import Path

import httpx

from tests.testbed.common.bed_guard import Guardian, PortTaken, StartError, free_port, guard
from tests.testbed.kubernetes import bed_kubelet
from tests.testbed.kubernetes.bed_access import Access, User, grant_readers

ATTEMPTS = 5
CONTROLLERS = ("deployment", "replicaset", "job", "namespace", "garbage-collector")


class KubernetesGuardian(Guardian):
    """etcd, the API server and the controllers, and the stand-in for a kubelet."""

    leftovers = ("etcd-data", "etcd:0")

    def __init__(self, directory: Path, programs: Path) -> None:
        super().__init__(directory)
        self.programs = programs

    def start(self) -> dict[str, object]:
        """The API server's URL is told as `server`."""
        for _ in range(ATTEMPTS):
            access = Access(self.directory, f"https://127.0.0.1:{free_port()}")
            if not access.pki.exists():
                access.make_keys()
            try:
                self._start_server(access)
            except PortTaken:
                self.end()
                continue
            access.write_kubeconfigs()
            self._start_controllers(access)
            return {"server": access.server}
        raise StartError(f"no free port in {ATTEMPTS} attempts")

    def _start_server(self, access: Access) -> None:
        # A socket in its own directory needs no port, and no other bed can be mistaken for it.
        self._run(
            "etcd",
            "--data-dir=etcd-data",
            "--name=bed",
            "--initial-cluster=bed=http://127.0.0.1:0",
            "--initial-advertise-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--listen-client-urls=unix://etcd:0",
            "--advertise-client-urls=unix://etcd:0",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--log-level=warn",
        )
        self._run(
            "kube-apiserver",
            "--etcd-servers=unix://etcd:0",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={access.server.rpartition(':')[2]}",
            "--endpoint-reconciler-type=none",
            "--tls-cert-file=pki/server.pem",
            "--tls-private-key-file=pki/server.pem",
            "--client-ca-file=pki/ca.crt",
            "--token-auth-file=pki/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=pki/accounts.key",
            "--service-account-signing-key-file=pki/accounts.key",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        )
        with access.client() as client:
            self.await_ready("kube-apiserver", lambda: _is_ready(client))
            grant_readers(client)

    def _start_controllers(self, access: Access) -> None:
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={access.kubeconfig(User.ADMIN)}",
            "--secure-port=0",
            "--leader-elect=false",
            f"--controllers={','.join(f'{name}-controller' for name in CONTROLLERS)}",
        )
        serve = threading.Thread(target=bed_kubelet.serve, args=(access.client(),), daemon=True)
        serve.start()

    def _run(self, name: str, *arguments: str) -> None:
        self.spawn(name, [self.programs / name, *arguments])


def _is_ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.get("/readyz").text == "ok"
    return False


if __name__ == "__main__":
    guard(KubernetesGuardian(Path(sys.argv[1]), Path(sys.argv[2])))
