"""What a failed revision had, or dropped, belongs to somebody afterwards or is gone."""

import os
import signal
from pathlib import Path

import pytest

from helm_tests.helm_bench import HANGS, RELEASE, HelmBench, Place

pytestmark = pytest.mark.kubernetes

HANGS_ON_THE_WAY_BACK = """#!/bin/sh
# The first roll back that heals waits for a hook, so that it can be killed half way.
if [ "$1" = rollback ] && ! [ -e {root}/hung ]; then
  touch {root}/hung
  given=$#
  for word; do
    [ "$word" = --no-hooks ] || set -- "$@" "$word"
  done
  shift $given
fi
exec {helm} "$@"
"""


def left_over(place: Place) -> bool:
    """Whether the second ConfigMap of the chart is there."""
    return f"{RELEASE}-extra" in place.bed.names(place.namespace, "configmaps")


def fail(place: Place, *values: str) -> None:
    """An upgrade by hand that fails, over what is deployed."""
    options = [f"--set={value}" for value in values]
    done = place.run("upgrade", RELEASE, "./web", "--wait", "--timeout=2s", *options)
    assert done.returncode != 0
    assert place.latest() == "failed"


def test_an_uninstall_over_a_failed_revision(bench: HelmBench) -> None:
    """helm takes away what the latest has; this one had dropped something, and came not so far."""
    place = bench.material
    place.install(extra=True)
    fail(place, "refuse=true")
    assert left_over(place)
    job = bench.begin(place.settings("uninstall"))
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert place.history() == []
    assert not left_over(place), bench.log(job)


def test_a_rollback_over_a_failed_revision(bench: HelmBench) -> None:
    """A rollback to an older one over a failed revision."""
    place = bench.material
    place.install()
    place.upgrade(extra=True)
    fail(place, "refuse=true")
    job = bench.begin(place.settings("rollback", revision=1))
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert not left_over(place), bench.log(job)


def test_a_roll_back_that_is_killed_in_acquire(bench: HelmBench, tmp_path: Path) -> None:
    """The next one starts from its content, and would know nothing of what the failed one had."""
    place = bench.material
    job = begin_killed_roll_back(bench, tmp_path)
    os.kill(bench.step(job)["pid"], signal.SIGKILL)
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", (ended["steps"], bench.log(job))
    assert place.deployed_image() == "ok:3"
    assert not left_over(place), bench.log(job)


def test_a_roll_back_that_is_killed_by_force(bench: HelmBench, tmp_path: Path) -> None:
    place = bench.material
    job = begin_killed_roll_back(bench, tmp_path)
    bench.cancel(job)
    bench.cancel(job, force=True)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", (ended["steps"], bench.log(job))
    assert not ended["dirty"]
    assert place.latest() == "deployed"
    assert place.deployed_image() == "ok:1"
    assert not left_over(place), bench.log(job)


def begin_killed_roll_back(bench: HelmBench, root: Path) -> int:
    """An upgrade over a failed revision, which hangs while it rolls that back."""
    place = bench.material
    helm = root / "helm"
    helm.write_text(
        HANGS_ON_THE_WAY_BACK.format(root=root, helm=place.bed.programs.helm(place.major))
    )
    helm.chmod(0o700)
    place.install(hook="pre-rollback", hookImage=HANGS)
    fail(place, "image=never:2", "extra=true")
    assert left_over(place)
    job = bench.begin(place.settings(binary=str(helm), values={"image": "ok:3"}))
    place.until_hook()
    assert place.latest() == "pending-rollback"
    return job
