"""What a test may need and not every machine has: a mark each, which says how to get it.

    @needs.TERRAFORM
    def test_…

Where it is missing, the test is skipped for a reason that begins with `needs `; the end of the run
has a line for each such reason (tests/skips.py). A fixture that needs something calls `demand`.
"""

import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest

from orchestrator.process.log_limit import drop_middle
from tests.testbed.kubernetes import bed_build, registry_build
from tests.testbed.spinnaker import spinnaker_build

NEEDS = "needs "
"""How the reason of every skip for a missing thing begins."""
SECCOMP_MACHINES = ("x86_64", "aarch64")
"""Those whose numbers of system calls the store's tests know."""

Missing = Callable[[], str | None]
"""None where it is here, else what is missing and how to get it."""


class Need(msgspec.Struct, frozen=True):
    """Something that a machine may lack."""

    mark: str
    """Its name: `-m 'not terraform'` leaves out what needs terraform."""
    meaning: str
    """What a test does that has it."""
    missing: Missing


def _no_program(*names: str, how: str) -> Missing:
    def missing() -> str | None:
        return next((f"{name} ({how})" for name in names if shutil.which(name) is None), None)

    return missing


def _no_terraform() -> str | None:
    """What is on PATH may be the shim of a version manager, which runs nothing."""
    how = "https://developer.hashicorp.com/terraform/install"
    if lacks := _no_program("terraform", how=how)():
        return lacks
    tried = subprocess.run(["terraform", "version"], capture_output=True, check=False)
    return f"a terraform that runs ({how})" if tried.returncode else None


def _no_root() -> str | None:
    return None if os.geteuid() == 0 else "root (pytest -m root, as root)"


def _no_other_users() -> str | None:
    """Asked as root only."""
    if lacks := _no_program("setpriv", how="Debian: util-linux")():
        return lacks
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    tried = subprocess.run(
        [*nobody, sys.executable, "-c", "import orchestrator"], capture_output=True, check=False
    )
    closed = "a Python and a checkout that other users may read (here they may not)"
    return closed if tried.returncode else None


def _no_mounts() -> str | None:
    """Asked as root only."""
    with tempfile.TemporaryDirectory() as place:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            return "the right to mount a file system (a machine, or a privileged container)"
        subprocess.run(["umount", place], check=True)
    return None


def _no_cgroup() -> str | None:
    """Asked as root only."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    if not any(os.access(root, os.W_OK) for root in roots):
        return "a cgroup v2 that root may divide (mount -t cgroup2 none /sys/fs/cgroup)"
    return None


def _no_ssh() -> str | None:
    if lacks := _no_program("ssh", "ssh-keygen", how="Debian: openssh-client")():
        return lacks
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return "a name for this user, without which ssh does nothing (useradd)"
    return None


def _no_attributes() -> str | None:
    with tempfile.TemporaryDirectory() as place:
        try:
            os.setxattr(place, "user.delegate", b"1")
        except OSError:
            return "a file system with user extended attributes (TMPDIR on ext4, xfs or btrfs)"
    return None


def _no_holes() -> str | None:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(65536))
        file.flush()
        try:
            drop_middle(file.fileno(), 4096)
        except OSError:
            return "a file system that punches holes (TMPDIR on tmpfs, ext4, xfs or btrfs)"
    return None


def _no_seccomp() -> str | None:
    known = sys.platform == "linux" and platform.machine() in SECCOMP_MACHINES
    return None if known else f"a processor of {' or '.join(SECCOMP_MACHINES)}"


def _no_checkout() -> str | None:
    """A tarball of the sources is none."""
    listing = ["git", "ls-files", "--error-unmatch", __file__]
    here = Path(__file__).parent
    if lacks := _no_program("git", how="Debian: git")():
        return lacks
    tracked = subprocess.run(listing, cwd=here, capture_output=True, check=False)
    return "a checkout of the git repository (git clone)" if tracked.returncode else None


def _no_go() -> str | None:
    lacks = bed_build.why_no_go()
    return lacks and f"{lacks} (https://go.dev/dl)"


def _no_kubernetes() -> str | None:
    built = (bed_build.location(), registry_build.place())
    if all(bed_build.is_complete(place) for place in built):
        return None
    return _no_go() or "the Kubernetes test bed (make testbed)"


def _no_spinnaker() -> str | None:
    if lacks := spinnaker_build.why_not():
        return lacks
    built = spinnaker_build.is_complete(spinnaker_build.location())
    return None if built else "the Spinnaker test bed (make testbed)"


_ALL: dict[str, Need] = {}


def _need(mark: str, meaning: str, missing: Missing) -> pytest.MarkDecorator:
    """Declare one. Of several that are missing, a skip names the one that is declared first."""
    _ALL[mark] = Need(mark, meaning, cache(missing))
    decorator: pytest.MarkDecorator = getattr(pytest.mark, mark)
    return decorator


ROOT = _need("root", "changes users, owners, mounts or cgroups", _no_root)
OTHER_USERS = _need("other_users", "lets other users type", _no_other_users)
MOUNTS = _need("mounts", "mounts a small file system", _no_mounts)
CGROUP = _need("cgroup", "divides a cgroup v2", _no_cgroup)
CHECKOUT = _need("checkout", "asks git for its files", _no_checkout)
SSH = _need("ssh", "runs ssh", _no_ssh)
SYSTEMD = _need(
    "systemd", "runs systemd-analyze", _no_program("systemd-analyze", how="Debian: systemd")
)
XATTR = _need("xattr", "sets extended attributes", _no_attributes)
HOLES = _need("holes", "punches holes into files", _no_holes)
SECCOMP = _need("seccomp", "lets system calls fail", _no_seccomp)
TERRAFORM = _need(
    "terraform",
    "runs terraform",
    _no_terraform,
)
GO = _need("go", "compiles with Go", _no_go)
KUBERNETES = _need("kubernetes", "uses the Kubernetes test bed", _no_kubernetes)
SPINNAKER = _need("spinnaker", "uses the Spinnaker test bed", _no_spinnaker)


def declare(config: pytest.Config) -> None:
    """Let pytest know the marks."""
    for need in _ALL.values():
        config.addinivalue_line("markers", f"{need.mark}: {need.meaning}")


def demand(*marks: pytest.MarkDecorator) -> None:
    """Skip the test that runs where one of these is missing."""
    _skip_without({mark.name for mark in marks})


def demand_marked(item: pytest.Item) -> None:
    """The same for what the test's marks say."""
    _skip_without({mark.name for mark in item.iter_markers()})


def _skip_without(marks: set[str]) -> None:
    for need in _ALL.values():
        if need.mark in marks and (missing := need.missing()):
            pytest.skip(f"{NEEDS}{missing}")
