"""Which socket a command means when nobody says."""

from __future__ import annotations

import os

SYSTEM_SOCKET = "/run/orchestrator/orchestrator.sock"
VARIABLE = "ORCHESTRATOR_SOCKET"


def default_socket() -> str:
    """$ORCHESTRATOR_SOCKET, else the system's if it exists, else the user's own."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    return SYSTEM_SOCKET if _exists(SYSTEM_SOCKET) else user_socket()


def user_socket() -> str:
    """The socket of a daemon that a user runs for themselves."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"{runtime}/orchestrator/orchestrator.sock"


def _exists(path: str) -> bool:
    """Whether it is there, a directory that we may not enter included: that is for `connect`."""
    try:
        os.stat(path)  # noqa: PTH116 - pathlib costs more than all of this
    except PermissionError:
        return True
    except OSError:
        return False
    return True
