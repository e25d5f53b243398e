"""Which cgroup is ours: read from /proc as it is written there."""

import os
from pathlib import Path

from orchestrator.process.delegation import delegated_cgroup
from tests import needs


def proc_of(tmp_path: Path, place: str, mount: Path) -> Path:
    own = tmp_path / "proc" / "self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text(f"12:cpu:/x\n0::{place}\n")
    (own / "mounts").write_text(f"proc /proc proc rw 0 0\ncgroup2 {mount} cgroup2 rw 0 0\n")
    return tmp_path / "proc"


def cgroup_in(tmp_path: Path) -> Path:
    cgroup = tmp_path / "fs" / "system.slice" / "orchestrator.service"
    cgroup.mkdir(parents=True)
    return cgroup


@needs.XATTR
def test_a_delegated_cgroup_is_ours(tmp_path: Path) -> None:
    cgroup = cgroup_in(tmp_path)
    os.setxattr(cgroup, "user.delegate", b"1")
    proc = proc_of(tmp_path, "/system.slice/orchestrator.service", tmp_path / "fs")
    assert delegated_cgroup(proc) == cgroup


def test_one_that_is_not_delegated_is_left_alone(tmp_path: Path) -> None:
    cgroup_in(tmp_path)
    proc = proc_of(tmp_path, "/system.slice/orchestrator.service", tmp_path / "fs")
    assert delegated_cgroup(proc) is None


def test_without_the_unified_hierarchy_there_is_none(tmp_path: Path) -> None:
    proc = proc_of(tmp_path, "/", tmp_path)
    (proc / "self" / "mounts").write_text("proc /proc proc rw 0 0\n")
    assert delegated_cgroup(proc) is None
