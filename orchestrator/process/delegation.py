"""The cgroup below which we may make cgroups of our own, where systemd gave us one.

systemd marks a cgroup that it delegates (`Delegate=yes`) with the extended attribute
`user.delegate` or `trusted.delegate` of value 1 (systemd.resource-control(5), since v251 and v236).
"""

import os
from pathlib import Path

_MARKS = ("user.delegate", "trusted.delegate")


def delegated_cgroup(proc: Path = Path("/proc")) -> Path | None:
    """Our own cgroup in the unified hierarchy, if it is delegated to us and can be written."""
    place = _own_place(proc)
    mount = _unified_mount(proc)
    if place is None or mount is None:
        return None
    own = mount / place.lstrip("/")
    return own if _is_delegated(own) and os.access(own, os.W_OK) else None


def _own_place(proc: Path) -> str | None:
    for line in (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines():
        if line.startswith("0::"):
            return line.removeprefix("0::")
    return None


def _unified_mount(proc: Path) -> Path | None:
    for line in (proc / "self" / "mounts").read_text(encoding="utf-8").splitlines():
        fields = line.split(" ")
        if fields[2] == "cgroup2":
            return Path(fields[1].encode().decode("unicode_escape"))
    return None


def _is_delegated(cgroup: Path) -> bool:
    for mark in _MARKS:
        try:
            if os.getxattr(cgroup, mark) == b"1":
                return True
        except OSError:
            continue
    return False
