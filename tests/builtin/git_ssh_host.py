"""A real ssh server with one repository, and the key that opens it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

from orchestrator.plugin import Secret
from tests.builtin.git_bench import GitOptions, GitSettings
from tests.builtin.git_repositories import Repository, server


class SshHost:
    """A host with one repository, whose key is in `known_hosts`; `key` opens it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port = 0
        self.key = make_key(root / "key")
        self.host_key = make_key(root / "host")
        self.infra = Repository(root / "infra")
        self.commit = self.infra.commit({"main.tf": "one\n"}, "v1.2.3")
        self.known_hosts = root / "known hosts"

    @property
    def url(self) -> str:
        return f"ssh://git@127.0.0.1:{self.port}{self.infra.path}"

    @property
    def line(self) -> str:
        """What belongs into a known_hosts."""
        kind, key, *_ = (self.root / "host.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}"

    def settings(self, **others: Unpack[GitOptions]) -> GitSettings:
        """Those of a step that may check it out."""
        key, known = Secret.of("deploy-key", self.key), str(self.known_hosts)
        given = GitSettings(url=self.url, ref="v1.2.3", known_hosts=known, ssh_key=key)
        return {**given, **others}


def make_key(path: Path) -> str:
    """A new private key, of a test that needs ssh."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path.read_text()


@contextmanager
def serving(root: Path) -> Iterator[SshHost]:
    """The host at work, and known."""
    root.mkdir()
    host = SshHost(root)
    with server("git_ssh_server.py", str(root / "host"), str(root / "key.pub")) as port:
        host.port = port
        host.known_hosts.write_text(f"{host.line}\n")
        yield host
