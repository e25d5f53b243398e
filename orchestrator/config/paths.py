"""Where the daemon keeps its state and its socket, unless orchestrator.toml says otherwise."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path on Linux."""


class Host(msgspec.Struct, frozen=True):
    """Whose daemon it is: the effective uid, and the environment variables that say where."""

    uid: int
    environ: Mapping[str, str]

    @property
    def state_dir(self) -> Path:
        """`/var/lib/orchestrator` for root, else below the user's state directory."""
        if self.uid == 0:
            return Path("/var/lib/orchestrator")
        return self._user_state / "orchestrator"

    @property
    def socket(self) -> Path:
        """`/run/orchestrator/…` for root, else in the user's runtime directory."""
        if self.uid == 0:
            return Path("/run/orchestrator/orchestrator.sock")
        runtime = Path(self.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{self.uid}")
        return runtime / "orchestrator" / "orchestrator.sock"

    @property
    def home(self) -> Path:
        """The user's home directory."""
        return Path(self.environ.get("HOME") or "/")

    @property
    def _user_state(self) -> Path:
        given = self.environ.get("XDG_STATE_HOME", "")
        return Path(given) if given.startswith("/") else self.home / ".local" / "state"


def located(written: str, directory: Path, host: Host) -> Path:
    """A path as a file of the configuration means it: `~/` is the home, else below `directory`."""
    if written == "~" or written.startswith("~/"):
        return host.home / written[2:]
    return directory / written
