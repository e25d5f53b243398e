"""Runs one Kubernetes test bed: `python bed_guardian.py DIRECTORY PROGRAMS`.

Says on stdout in one line of JSON what it started, then waits until nobody holds DIRECTORY/users
any more, and ends everything. Whatever happens to it, its children get SIGKILL from the kernel;
whatever happens to the users, the kernel drops their locks.
"""

import contextlib
import ctypes
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import bed_kubelet
import httpx
from bed_access import Access, User, grant_readers

ATTEMPTS = 5
START_SECONDS = 120.0
CONTROLLERS = ("deployment", "replicaset", "job", "namespace", "garbage-collector")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_log = logging.getLogger("guardian")


class StartError(Exception):
    """The bed did not get ready; the message has the end of the log that says why."""


class PortTaken(Exception):
    """Somebody else took the port between our look at it and the server's."""


class Guardian:
    """The processes of one bed, below one directory."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self.directory = directory
        self.programs = programs
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.over = threading.Event()

    def start(self) -> Access:
        """All processes, ready.

        Raises:
            StartError: one of them ended, or took longer than START_SECONDS.
        """
        for _ in range(ATTEMPTS):
            access = Access(self.directory, f"https://127.0.0.1:{_free_port()}")
            if not access.pki.exists():
                access.make_keys()
            try:
                self._start_server(access)
            except PortTaken:
                self.end()
                continue
            access.write_kubeconfigs()
            self._start_controllers(access)
            return access
        raise StartError(f"no free port in {ATTEMPTS} attempts")

    def _start_server(self, access: Access) -> None:
        # A socket in its own directory needs no port, and no other bed can be mistaken for it.
        self._spawn(
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
        self._spawn(
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
            self._await_ready(client)
            grant_readers(client)

    def _await_ready(self, client: httpx.Client) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for name, child in self.children.items():
                if child.poll() is not None:
                    log = self._log_of(name)
                    if "address already in use" in log:
                        raise PortTaken(name)
                    raise StartError(f"{name} ended with {child.returncode}:\n{log[-3000:]}")
            with contextlib.suppress(httpx.HTTPError):
                if client.get("/readyz").text == "ok":
                    return
            time.sleep(0.05)
        raise StartError(
            f"not ready in {START_SECONDS} s:\n{self._log_of('kube-apiserver')[-3000:]}"
        )

    def _start_controllers(self, access: Access) -> None:
        self._spawn(
            "kube-controller-manager",
            f"--kubeconfig={access.kubeconfig(User.ADMIN)}",
            "--secure-port=0",
            "--leader-elect=false",
            f"--controllers={','.join(f'{name}-controller' for name in CONTROLLERS)}",
        )
        serve = threading.Thread(target=bed_kubelet.serve, args=(access.client(),), daemon=True)
        serve.start()

    def watch_over(self, users: int) -> None:
        """Block until the last user is gone, or one of the processes is."""
        for name, child in self.children.items():
            threading.Thread(target=self._await_end, args=(name, child), daemon=True).start()
        threading.Thread(target=self._await_last_user, args=(users,), daemon=True).start()
        self.over.wait()

    def end(self) -> None:
        """Kill all processes and remove what they wrote, but for the logs."""
        for child in self.children.values():
            child.kill()
        for child in self.children.values():
            child.wait()
        self.children.clear()
        for left in ("etcd-data", "etcd:0"):
            path = self.directory / left
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _await_end(self, name: str, child: subprocess.Popen[bytes]) -> None:
        _log.info("%s ended with %s", name, child.wait())
        self.over.set()

    def _await_last_user(self, users: int) -> None:
        fcntl.flock(users, fcntl.LOCK_EX)
        self.over.set()

    def _spawn(self, name: str, *arguments: str) -> None:
        """Only from the main thread: the kernel's signal comes when the thread ends."""
        with (self.directory / f"{name}.log").open("wb") as log:
            self.children[name] = subprocess.Popen(
                [self.programs / name, *arguments],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with(os.getpid()),
            )

    def _log_of(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")


class _die_with:
    """Runs in the child before its program: it dies with its parent."""

    def __init__(self, parent: int) -> None:
        self.parent = parent

    def __call__(self) -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.parent:  # it died before we asked
            os._exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answer(message: dict[str, object]) -> None:
    """Tell whoever started us, and let go of the pipe."""
    print(json.dumps(message), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def main(directory: Path, programs: Path) -> NoReturn:
    """Runs until the last user is gone. Never returns: threads may still wait."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    users = os.open(directory / "users", os.O_RDWR | os.O_CREAT)
    alive = os.open(directory / "alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    guardian = Guardian(directory, programs)
    try:
        access = guardian.start()
        pids = {name: child.pid for name, child in guardian.children.items()}
        _answer({"server": access.server, "pids": pids | {"guardian": os.getpid()}})
        guardian.watch_over(users)
    except StartError as error:
        _answer({"error": str(error)})
    finally:
        guardian.end()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
