"""What people read of a failure: helm's whole message, and how many replicas are not there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from orchestrator_helm.intent import Intent
from orchestrator_helm.release import History, Revision
from orchestrator_helm.results import of_rollback, of_uninstall, said

from helm_tests.helm_bench import HelmBench
from orchestrator.plugin import Exit
from tests.testbed.kubernetes.bed import role

FORBIDDEN = 'namespaces is forbidden: User "deployer" cannot create resource "namespaces"'


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (f"Error: 1 error occurred:\n\t* {FORBIDDEN}\n\n", f"1 error occurred: * {FORBIDDEN}"),
        (
            "Error: 2 errors occurred:\n\t* a\n\t* b\n\nhelm.go:84: x\n",
            "2 errors occurred: * a * b",
        ),
        ("W1121 x\nError: no\nWARNING: y\n", "no"),
        ("Error: Internal error: Error: a\n", "Internal error: Error: a"),
        ("Error: first\nError: second\n", "second"),
        ("nothing of that kind\n", ""),
    ],
)
def test_a_message_of_several_lines(tmp_path: Path, stderr: str, reason: str) -> None:
    file = tmp_path / "stderr"
    file.write_text(stderr)
    assert said(Exit(code=1, stderr=str(file))) == reason


def left(status: str) -> History:
    """Two revisions, the second as it is left."""
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return History((Revision(1, at, "deployed"), Revision(2, at, status)))


def test_a_stop_before_helm_gave_up_by_itself() -> None:
    """It is healed before anybody reads it, so that it is not said to be pending."""
    meant, ended = Intent(before=1, deployed=1, makes=2, mark=""), Exit(code=1)
    rolled = of_rollback(left("pending-rollback"), meant, ended, stopping=True)
    assert rolled.reason == "stopped on request: helm left revision 2 pending-rollback"
    gone = of_uninstall(left("uninstalling"), meant, ended, stopping=True)
    assert gone.reason == "stopped on request: helm left revision 2 uninstalling"
    assert rolled.stopped and gone.stopped


@pytest.mark.kubernetes
def test_an_older_replica_does_not_count(bench: HelmBench) -> None:
    """A replica of an older revision does not count."""
    bench.material.install()
    job = bench.begin(bench.material.settings(values={"image": "never:2"}, timeout="8s"))
    assert bench.finished(job)["conclusion"] == "failure"
    log = bench.log(job)
    assert "is not ready: 0 of 1 replicas are" in log
    assert "container web: ErrImagePull: never:2: not found" in log


@pytest.mark.kubernetes
def test_helm_says_more_than_one_line(bench: HelmBench) -> None:
    """The user may make no namespace, and that is all that helm comes to."""
    place = bench.material
    everything = ("get", "list", "watch", "create", "update", "patch", "delete")
    config = place.bed.certify(
        place.namespace,
        role(everything, ("",), ("secrets", "configmaps")),
        role(everything, ("apps",), ("deployments",)),
    )
    job = bench.begin(place.settings(kubeconfig=str(config), create_namespace=True))
    assert bench.finished(job)["conclusion"] == "failure"
    reason = bench.step(job)["reason"]
    assert "namespaces" in reason and "forbidden" in reason
    assert "\n" not in reason
