"""Operations of somebody else: waited for, named, and healed only where `heal` allows."""

import os
import signal
import subprocess

import pytest

from helm_tests.helm_bench import HelmBench, Place

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def left_pending(place: Place) -> Place:
    """A release that somebody else's dead helm left in `pending-upgrade`."""
    place.install()
    begin_elsewhere(place).kill()
    assert place.latest() == "pending-upgrade"
    return place


def begin_elsewhere(place: Place) -> subprocess.Popen[bytes]:
    """A helm of somebody else, which waits for a hook."""
    process = place.begin("upgrade", "web", "./web", "--set=hook=pre-upgrade")
    place.until_hook()
    return process


def test_what_somebody_else_does_is_waited_for(bench: HelmBench) -> None:
    place = bench.material
    place.install()
    other = begin_elsewhere(place)
    job = bench.begin(place.settings(values={"image": "ok:2"}))
    waits = bench.until(
        "it waits", lambda: bench.job(job)["steps"] and bench.step(job)["waiting_for"]
    )
    assert "pending-upgrade of release web (revision 2) by somebody else since 20" in waits
    place.bed.release(place.namespace)
    assert other.wait(timeout=60) == 0
    assert bench.finished(job)["conclusion"] == "success"
    assert place.statuses() == ["superseded", "superseded", "deployed"]


def test_after_the_lock_timeout_it_says_what_heals(bench: HelmBench, left_pending: Place) -> None:
    job = bench.begin(left_pending.settings(lock_timeout="1s"))
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure"
    assert not ended["dirty"]
    reason = ended["steps"][0]["reason"]
    assert "is still pending after 1s" in reason
    command = f"rollback --namespace={left_pending.namespace} --timeout=60s --no-hooks -- web 1"
    assert command in reason
    assert left_pending.latest() == "pending-upgrade"


def test_the_command_that_it_says_heals(bench: HelmBench, left_pending: Place) -> None:
    job = bench.begin(left_pending.settings(lock_timeout="0s"))
    reason = bench.finished(job)["steps"][0]["reason"]
    command = reason.partition("heal it with: ")[2]
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert left_pending.latest() == "deployed"


def test_stale(bench: HelmBench, left_pending: Place) -> None:
    job = bench.begin(left_pending.settings(heal="stale:0s"))
    assert bench.finished(job)["conclusion"] == "success"
    assert "which `heal` calls stale" in bench.log(job)
    assert left_pending.latest() == "deployed"


def test_not_stale_yet(bench: HelmBench, left_pending: Place) -> None:
    job = bench.begin(left_pending.settings(heal="stale:1h", lock_timeout="0s"))
    assert bench.finished(job)["conclusion"] == "failure"
    assert left_pending.latest() == "pending-upgrade"


def test_a_live_helm_is_never_taken_for_ours(bench: HelmBench) -> None:
    """The number was claimed by our dead attempt, and yet it is somebody else's."""
    place = bench.material
    place.install()
    job = bench.begin(place.settings(values={"hook": "pre-upgrade"}))
    place.until_hook()
    helm = bench.step(job)["pid"]
    bench.process.kill()
    os.kill(helm, signal.SIGKILL)
    place.helm("rollback", "web", "1", "--no-hooks")  # somebody heals it
    place.helm("delete", "web", "--no-hooks")
    place.upgrade()
    other = place.begin("upgrade", "web", "./web", "--set=hook=pre-upgrade")
    place.until_status("pending-upgrade")
    bench.start()
    ended = bench.finished(job)
    assert not ended["dirty"], bench.log(job)
    assert place.statuses() == ["deployed", "pending-upgrade"]
    assert "it is not of this step" in bench.log(job)
    assert other.poll() is None
    place.bed.release(place.namespace)
    other.wait(timeout=60)


def test_a_stop_while_it_waits(bench: HelmBench, left_pending: Place) -> None:
    job = bench.begin(left_pending.settings())
    bench.until("it waits", lambda: bench.job(job)["steps"] and bench.step(job)["waiting_for"])
    bench.cancel(job)
    assert bench.finished(job)["conclusion"] == "cancelled"
    assert left_pending.latest() == "pending-upgrade"


def test_ours_that_is_not_to_be_healed(bench: HelmBench) -> None:
    """`never` is about what a step finds; what it leaves itself it does heal."""
    place = bench.material
    job = bench.begin(place.settings(values={"hook": "pre-install"}, heal="never"))
    place.until_hook()
    bench.kill_helm(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure"
    assert not ended["dirty"]
    assert place.history() == []
