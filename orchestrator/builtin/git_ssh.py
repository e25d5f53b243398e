"""How git calls ssh: without questions, forwarding or unknown hosts."""

import shlex
from pathlib import Path

from orchestrator.plugin import AdapterError

_OPTIONS = (
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectTimeout=20",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
)
"""These win over the daemon user's own ssh configuration, which is read: jump hosts stand there."""


def ssh_command(key: Path | None, known_hosts: str | None) -> str:
    """The command line for `GIT_SSH_COMMAND`; a shell splits it, so each word is quoted."""
    options = list(_OPTIONS)
    if key is not None:
        options += ["IdentitiesOnly=yes", "IdentityAgent=none", _path("IdentityFile", str(key))]
    if known_hosts is not None:
        options += ["GlobalKnownHostsFile=none", _path("UserKnownHostsFile", known_hosts)]
    return shlex.join(["ssh", *(f"-o{option}" for option in options)])


def key_text(written: str) -> bytes:
    """A key as ssh reads it: lines that end as lines do, the last one too."""
    return (written.replace("\r\n", "\n").strip() + "\n").encode()


def _path(option: str, path: str) -> str:
    """ssh reads quotes, variables and `%` in these."""
    if any(sign in path for sign in '"\\$\n'):
        raise AdapterError(f"{path}: ssh can't be given a path with a quote, `$` or `\\`")
    return f'{option}="{path.replace("%", "%%")}"'
