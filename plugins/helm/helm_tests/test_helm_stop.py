"""Stops and kills beyond the matrix: roll backs, late work, a frozen server, a power cut."""

import os
import signal
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from helm_tests.helm_bench import HANGS, RELEASE, HelmBench, Place
from orchestrator.process.identity import read_boot_id
from orchestrator.testing.daemon_process import pids_below
from tests.testbed.kubernetes import bed_kubelet
from tests.testbed.kubernetes.bed_detour import Detour

pytestmark = pytest.mark.kubernetes

FAILING_ROLLBACK = """#!/bin/sh
if [ "$1" = rollback ] && ! [ -e {root}/tidy ]; then
  echo 'Error: no' >&2
  exit 1
fi
exec {helm} "$@"
"""


@pytest.mark.both_helms
def test_a_stopped_upgrade_rolls_back(bench: HelmBench) -> None:
    place = bench.material
    place.install()
    settings = place.settings(values={"image": "never:2", "extra": True}, rollback_on_failure=True)
    job = bench.begin(settings)
    place.bed.wait_for_pod(place.namespace, "never:2")
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert place.statuses() == ["superseded", "failed", "deployed"]
    assert place.deployed_image() == "ok:1"
    assert "it may take 240 s to end" in bench.log(job)


def test_a_stopped_first_install_is_gone(bench: HelmBench) -> None:
    """The hook's job, which helm leaves, too."""
    place = bench.material
    values = {"hook": "pre-install", "hookImage": HANGS}
    job = bench.begin(place.settings(values=values, rollback_on_failure=True))
    place.until_hook()
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled"
    assert not ended["dirty"], bench.log(job)
    assert place.history() == []
    assert place.running_jobs() == []


def test_killed_while_it_rolls_back(bench: HelmBench) -> None:
    place = bench.material
    place.install(image="never:1")
    job = bench.begin(place.settings(values={"image": "never:2"}, rollback_on_failure=True))
    place.bed.wait_for_pod(place.namespace, "never:2")
    bench.cancel(job)
    place.until_status("pending-rollback")
    bench.cancel(job, force=True)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled"
    assert not ended["dirty"], bench.log(job)
    assert place.latest() == "deployed"
    assert place.deployed_image() == "never:1"


def test_work_after_a_roll_back(bench: HelmBench) -> None:
    """The hook that it was stopped in completes while the roll back still waits."""
    place = bench.material
    place.install(image="never:1")
    values = {"image": "ok:2", "extra": True, "hook": "pre-upgrade", "hookImage": HANGS}
    job = bench.begin(place.settings(values=values, rollback_on_failure=True))
    hook = place.bed.wait_for_pod(place.namespace, HANGS)
    bench.cancel(job)
    place.until_status("pending-rollback")
    with place.bed.access.client() as client:
        bed_kubelet.settle(client, hook, bed_kubelet.Fate.WORKS)
    bench.until("it does its work after all", lambda: place.deployed_image() == "ok:2")
    bench.until("all of it", lambda: _has_extra(place))
    place.bed.release(place.namespace)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled"
    assert not ended["dirty"], bench.log(job)
    assert place.latest() == "deployed"
    assert place.deployed_image() == "never:1", bench.log(job)
    assert not _has_extra(place)
    assert "which helm applied after it had rolled back" in bench.log(job)


def _has_extra(place: Place) -> bool:
    return f"{RELEASE}-extra" in place.bed.names(place.namespace, "configmaps")


def test_what_cannot_be_healed_is_dirty(bench: HelmBench, tmp_path: Path) -> None:
    place = bench.material
    place.install()
    helm = tmp_path / "helm"
    real = place.bed.programs.helm(place.major)
    helm.write_text(FAILING_ROLLBACK.format(root=tmp_path, helm=real))
    helm.chmod(0o700)
    settings = place.settings(values={"hook": "pre-upgrade"}, binary=str(helm))
    job = bench.begin(settings)
    place.until_hook()
    bench.kill_helm(job)
    ended = bench.finished(job)
    assert ended["dirty"]
    quarantine = bench.environment()["quarantine"]
    assert "is pending-upgrade" in str(quarantine["found"]), quarantine
    assert "--timeout=60s --no-hooks -- web 1" in str(quarantine), quarantine
    (tmp_path / "tidy").touch()
    bench.recheck()
    assert bench.environment()["quarantine"] is None
    assert place.latest() == "deployed"
    assert place.running_jobs() == []


def test_a_power_cut(bench: HelmBench) -> None:
    """Nothing of the last boot lives, nor can anybody ask how it ended."""
    place = bench.material
    place.install()
    job = bench.begin(place.settings(values={"hook": "pre-upgrade", "image": "ok:2"}))
    place.until_hook()
    bench.process.kill()
    for pid in pids_below(bench.process.root):
        os.kill(pid, signal.SIGKILL)
    bench.until("all is dead", lambda: not pids_below(bench.process.root))
    _boot_again(bench.process.state)
    bench.start()
    ended = bench.finished(job)
    assert not ended["dirty"], bench.log(job)
    assert place.statuses() == ["superseded", "pending-upgrade", "deployed"], bench.log(job)
    assert place.running_jobs() == []
    after = bench.finished(bench.next(place.settings(values={"image": "ok:3"})))
    assert after["conclusion"] == "success"


def _boot_again(state: Path) -> None:
    """Everything that was written in this boot was written in another one."""
    for database in state.glob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ours, other = read_boot_id().encode(), str(uuid.uuid4()).encode()
    for file in state.rglob("*"):
        if file.is_file() and ours in (content := file.read_bytes()):
            file.write_bytes(content.replace(ours, other))


def test_a_frozen_server(bench: HelmBench, detour: Detour) -> None:
    """helm does not end; force kills it, nobody can look, and a recheck heals."""
    place = bench.material
    kubeconfig = str(detour.kubeconfig)
    job = bench.begin(place.settings(values={"hook": "pre-install"}, kubeconfig=kubeconfig))
    place.until_hook()
    detour.freeze()
    bench.cancel(job)
    bench.until_phase(job, "cancelling")
    bench.cancel(job, force=True)
    ended = bench.finished(job)
    detour.thaw()
    assert ended["dirty"]
    assert place.latest() == "pending-install"
    bench.recheck()
    assert bench.environment()["quarantine"] is None
    assert place.history() == []
    assert place.running_jobs() == []
