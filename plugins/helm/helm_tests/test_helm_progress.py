"""People see how far it is, and why it got no further."""

import pytest

from helm_tests.helm_bench import HANGS, HelmBench
from tests.testbed.kubernetes.bed import User, role

pytestmark = pytest.mark.kubernetes


def test_why_it_was_not_ready(bench: HelmBench) -> None:
    job = bench.begin(bench.material.settings(values={"image": "never:1"}, timeout="6s"))
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure"
    log = bench.log(job)
    assert "Deployment web in" in log and "is not ready: 0 of 1 replicas are" in log
    assert "container web: ErrImagePull: never:1: not found" in log
    assert "Warning Failed Pod web-" in log and 'Failed to pull image "never:1"' in log
    assert log.count("is not ready") == 1


def test_why_it_was_rolled_back(bench: HelmBench) -> None:
    """What failed is gone or ready again when helm ends."""
    bench.material.install()
    settings = bench.material.settings(
        values={"image": "never:1"}, timeout="8s", rollback_on_failure=True
    )
    job = bench.begin(settings)
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure"
    assert bench.material.statuses() == ["superseded", "failed", "deployed"]
    assert bench.material.deployed_image() == "ok:1"
    assert "container web: ErrImagePull: never:1: not found" in bench.log(job)


def test_why_a_hook_failed(bench: HelmBench) -> None:
    values = {"hook": "pre-install", "hookImage": "fail:1"}
    job = bench.begin(bench.material.settings(values=values))
    assert bench.finished(job)["conclusion"] == "failure"
    log = bench.log(job)
    assert "Job web-hook in" in log
    assert "container hook: Error (exit 1)" in log


def test_why_a_test_failed(bench: HelmBench) -> None:
    """The pod that helm waits for is nobody's but its own."""
    bench.material.install(test="fail:1")
    job = bench.begin(bench.material.settings("test"))
    assert bench.finished(job)["conclusion"] == "failure"
    assert "container test: Error (exit 1)" in bench.log(job)


def test_how_far_it_is(bench: HelmBench) -> None:
    job = bench.begin(bench.material.settings(values={"image": "never:1"}))
    bench.until("its progress is seen", lambda: "progress" in bench.step(job))
    bench.until(
        "one of two resources is ready",
        lambda: (bench.step(job)["progress"] or {}).get("done") == 1,
    )
    progress = bench.step(job)["progress"]
    assert progress["total"] == 2
    assert "waiting for Deployment web" in progress["text"]
    bench.cancel(job)
    bench.finished(job)


@pytest.mark.both_helms
def test_who_may_not_look_is_told(bench: HelmBench) -> None:
    """helm may do what it needs; lists of pods and events are forbidden."""
    place = bench.material
    everything = ("get", "list", "watch", "create", "update", "patch", "delete")
    config = place.bed.certify(
        place.namespace,
        role(everything, ("",), ("secrets", "configmaps")),
        role(everything, ("apps",), ("deployments", "replicasets")),
    )
    values = {"image": "never:1"}
    settings = place.settings(values=values, timeout="5s", kubeconfig=str(config))
    job = bench.begin(settings)
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure"
    assert not ended["dirty"]
    assert "the progress can't be seen" in bench.log(job)
    assert "forbidden" in bench.log(job)
    if place.major == 4:  # helm 3 asks for pods and gives up at once itself
        assert "is not ready: 0 of 1 replicas are" in bench.log(job)


def test_what_is_told_without_events(bench: HelmBench) -> None:
    """What may be seen is told without the events."""
    place = bench.material
    everything = ("get", "list", "watch", "create", "update", "patch", "delete")
    config = place.bed.certify(
        place.namespace,
        role(everything, ("",), ("secrets", "configmaps", "pods")),
        role(everything, ("apps",), ("deployments", "replicasets")),
        role(everything, ("batch",), ("jobs",)),
    )
    settings = place.settings(values={"image": "never:1"}, timeout="5s", kubeconfig=str(config))
    job = bench.begin(settings)
    assert bench.finished(job)["conclusion"] == "failure"
    log = bench.log(job)
    assert "container web: ErrImagePull: never:1: not found" in log
    assert "their events can't be seen: " in log and "events is forbidden" in log


def test_without_kubectl(bench: HelmBench) -> None:
    job = bench.begin(bench.material.settings(kubectl="no-such-kubectl"))
    ended = bench.finished(job)
    assert ended["conclusion"] == "success"
    assert "no-such-kubectl is not on the PATH" in bench.log(job)


def test_hooks_that_have_ended_need_no_kubectl(bench: HelmBench) -> None:
    """helm waits for each, and its record says so."""
    values = {"hook": "pre-install,pre-upgrade", "hookImage": "ok:1"}
    settings = bench.material.settings(kubectl="no-such-kubectl", values=values)
    job = bench.begin(settings)
    assert bench.finished(job)["conclusion"] == "success"
    assert not bench.job(job)["dirty"], bench.log(job)
    job = bench.next({**settings, "timeout": "4s", "values": {**values, "image": "never:1"}})
    assert bench.finished(job)["conclusion"] == "failure"
    assert not bench.job(job)["dirty"], bench.log(job)


def test_without_kubectl_a_hook_may_run_on(bench: HelmBench) -> None:
    place = bench.material
    values = {"hook": "pre-install", "hookImage": HANGS}
    job = bench.begin(place.settings(kubectl="no-such-kubectl", values=values))
    place.until_hook()
    bench.cancel(job)
    assert bench.finished(job)["dirty"]
    quarantine = bench.environment()["quarantine"]
    assert "hooks of this step may run on (Job web-hook)" in str(quarantine["found"])
    assert "no-such-kubectl on the PATH of this step. Where" in str(quarantine["found"])
    (command,) = quarantine["commands"]
    assert " kubectl --namespace=" in command and " delete job.batch/web-hook " in command


@pytest.mark.parametrize("user", [User.EXEC, User.CERTIFICATE])
def test_every_way_of_logging_in(bench: HelmBench, user: User) -> None:
    config = str(bench.material.bed.kubeconfig_of(user))
    job = bench.begin(bench.material.settings(kubeconfig=config))
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert "can't be seen" not in bench.log(job)
