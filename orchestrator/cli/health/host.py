"""What the host gives: groups, disk, clock."""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import stat
from pathlib import Path

from orchestrator.cli.health.finding import HealthFinding, ok, problem, warning

LEAST_FREE = 1024**3
"""Bytes; below this a log or a journal may soon not fit."""
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


def groups(socket: Path) -> list[HealthFinding]:
    """Who may use the socket, and whether this login has the groups that the user has."""
    name = _user()
    findings = _unjoined(name)
    try:
        status = socket.stat()
    except OSError as error:
        return [*findings, warning("socket", f"{socket}: {error.strerror}")]
    if not stat.S_ISSOCK(status.st_mode):
        return [*findings, problem("socket", f"{socket} is not a socket")]
    mode, group = stat.S_IMODE(status.st_mode), _group(status.st_gid)
    if os.access(socket, os.W_OK):
        return [*findings, ok("socket", f"{name} may use it (group {group}, mode {mode:04o})")]
    return [*findings, problem("socket", f"{name} may not use it: only group {group} may")]


def _unjoined(name: str) -> list[HealthFinding]:
    try:
        listed = set(os.getgrouplist(name, os.getgid()))
    except (OSError, KeyError):
        return []
    missing = sorted(_group(gid) for gid in listed - {os.getgid(), *os.getgroups()})
    if not missing:
        return [ok("groups", f"{name} is in {', '.join(sorted(map(_group, listed)))}")]
    return [warning("groups", f"{name} got {', '.join(missing)} after this login: log in again")]


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def disk(state_dir: Path) -> list[HealthFinding]:
    """Room and inodes where the journal and the logs are."""
    place = state_dir
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        system = os.statvfs(place)
    except OSError as error:
        return [problem("disk", f"{place}: {error.strerror}")]
    free = system.f_bavail * system.f_frsize
    text = f"{free / 1024**3:.1f} GiB free at {state_dir}"
    if free < LEAST_FREE:
        return [problem("disk", f"only {text}")]
    if system.f_files and system.f_favail * 100 < system.f_files:
        return [problem("disk", f"less than 1 % of the inodes are free at {state_dir}")]
    return [ok("disk", text)]


def clock() -> list[HealthFinding]:
    """Whether the kernel says that something keeps the clock right (adjtimex, read only)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        state = -1
    if state == _TIME_ERROR:
        return [warning("clock", "nothing keeps it right: run an NTP service")]
    if state < 0:
        return [warning("clock", "the kernel does not tell whether it is kept right")]
    return [ok("clock", "is kept right")]
