"""Who may do what on a bed: its authority, its tokens, and a kubeconfig for each user.

The files are JSON, which is YAML as well. They hold paths of the bed's directory.
"""

import json
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import trustme

NOWHERE = "https://127.0.0.1:1"
"""An address that refuses every connection."""
READERS = "bed:readers"
"""The group of those who may look at everything and change nothing."""


class User(Enum):
    """A user that every bed has, with a kubeconfig of this name."""

    ADMIN = "admin"
    """May do everything; a token."""
    READER = "reader"
    """May look at everything; a token."""
    STRANGER = "stranger"
    """Is known, and may do nothing; a token."""
    CERTIFICATE = "certificate"
    """May do everything; a client certificate."""
    EXEC = "exec"
    """May do everything; a program prints the token."""
    WRONG_TOKEN = "wrong-token"
    """Is not known."""
    UNREACHABLE = "unreachable"
    """The admin's token, but the server refuses connections."""
    CONTEXTS = "contexts"
    """Two contexts: `elsewhere` (the current one), which is unreachable, and `bed`."""


@dataclass(frozen=True)
class Access:
    """The credentials of one bed, in files below its directory."""

    directory: Path
    server: str
    """The URL of the API server."""

    @property
    def pki(self) -> Path:
        """Where keys and certificates are."""
        return self.directory / "pki"

    def kubeconfig(self, user: User) -> Path:
        """The kubeconfig of a user."""
        return self._kubeconfig(user.value)

    def client(self) -> httpx.Client:
        """A client with the admin's token; paths are relative to the server."""
        return httpx.Client(
            base_url=self.server,
            verify=ssl.create_default_context(cafile=self.pki / "ca.crt"),
            headers={"Authorization": f"Bearer {self._token(User.ADMIN)}"},
            trust_env=False,
            timeout=30,
        )

    def make_keys(self) -> None:
        """The authority, the server's certificate, the key of service accounts, the tokens."""
        self.pki.mkdir(mode=0o700)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.pki / "ca.crt"))
        authority.private_key_pem.write_to_path(str(self.pki / "ca.key"))
        server = authority.issue_cert("127.0.0.1", "localhost", common_name="kube-apiserver")
        server.private_key_and_cert_chain_pem.write_to_path(str(self.pki / "server.pem"))
        accounts = authority.issue_cert(common_name="service-accounts")
        accounts.private_key_pem.write_to_path(str(self.pki / "accounts.key"))
        groups = {User.ADMIN: "system:masters", User.READER: READERS, User.STRANGER: ""}
        lines = [f'{secrets.token_hex(16)},{u.value},{u.value},"{g}"' for u, g in groups.items()]
        (self.pki / "tokens.csv").write_text("\n".join(lines) + "\n")

    def write_kubeconfigs(self) -> None:
        """One for each `User`."""
        (self.directory / "kubeconfigs").mkdir(mode=0o700)
        admin = {"token": self._token(User.ADMIN)}
        self._write(User.ADMIN.value, admin)
        self._write(User.READER.value, {"token": self._token(User.READER)})
        self._write(User.STRANGER.value, {"token": self._token(User.STRANGER)})
        self.certify(User.CERTIFICATE.value, "system:masters")
        self._write(User.EXEC.value, {"exec": self._exec(admin)})
        self._write(User.WRONG_TOKEN.value, {"token": "0" * 32})
        self._write(User.UNREACHABLE.value, admin, {"bed": NOWHERE})
        self._write(User.CONTEXTS.value, admin, {"elsewhere": NOWHERE, "bed": self.server})

    def certify(self, name: str, group: str) -> Path:
        """A client certificate for a user of this name and group; their kubeconfig."""
        authority = trustme.CA.from_pem(
            (self.pki / "ca.crt").read_bytes(), (self.pki / "ca.key").read_bytes()
        )
        # Go refuses a certificate whose list of identities is empty; this one is read by nobody.
        identity = f"{name}@bed.test"
        issued = authority.issue_cert(identity, common_name=name, organization_name=group)
        pem = self.pki / f"{name}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
        return self._write(name, {"client-certificate": str(pem), "client-key": str(pem)})

    def _exec(self, status: Mapping[str, str]) -> dict[str, Any]:
        version = "client.authentication.k8s.io/v1"
        credential = self.pki / "credential.json"
        credential.write_text(
            json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
        )
        return {
            "apiVersion": version,
            "command": "cat",
            "args": [str(credential)],
            "interactiveMode": "Never",
        }

    def _token(self, user: User) -> str:
        lines = (self.pki / "tokens.csv").read_text().splitlines()
        return next(
            token for token, name in (line.split(",")[:2] for line in lines) if name == user.value
        )

    def _kubeconfig(self, name: str) -> Path:
        return self.directory / "kubeconfigs" / f"{name}.yaml"

    def _write(
        self, name: str, credential: Mapping[str, Any], servers: Mapping[str, str] | None = None
    ) -> Path:
        """A kubeconfig with a context for each server; the first is the current one."""
        servers = servers or {"bed": self.server}
        ca = str(self.pki / "ca.crt")
        path = self._kubeconfig(name)
        path.touch(mode=0o600)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": to, "cluster": {"server": url, "certificate-authority": ca}}
                for to, url in servers.items()
            ],
            "users": [{"name": name, "user": credential}],
            "contexts": [{"name": to, "context": {"cluster": to, "user": name}} for to in servers],
            "current-context": next(iter(servers)),
        }
        path.write_text(json.dumps(config, indent=1))
        return path


def role(verbs: tuple[str, ...], groups: tuple[str, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    """One rule of a role: these verbs on these resources of these API groups."""
    return {"verbs": list(verbs), "apiGroups": list(groups), "resources": list(kinds)}


def grant_readers(client: httpx.Client) -> None:
    """Let the group of readers look at everything."""
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": READERS}}
    rule = role(("get", "list", "watch"), ("*",), ("*",))
    to = {"kind": "ClusterRole", "name": READERS, "apiGroup": "rbac.authorization.k8s.io"}
    whom = {"kind": "Group", "name": READERS, "apiGroup": "rbac.authorization.k8s.io"}
    for kind, body in (
        ("clusterroles", rbac | {"kind": "ClusterRole", "rules": [rule]}),
        (
            "clusterrolebindings",
            rbac | {"kind": "ClusterRoleBinding", "roleRef": to, "subjects": [whom]},
        ),
    ):
        client.post(f"/apis/rbac.authorization.k8s.io/v1/{kind}", json=body).raise_for_status()
