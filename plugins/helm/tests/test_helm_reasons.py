"""What people read of a failure: helm's whole message, and how many replicas are not there."""

from pathlib import Path

import pytest
from bed import role
from helm_bench import HelmBench
from orchestrator_helm.results import said

from orchestrator.plugin import Exit

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


@pytest.mark.kubernetes
def test_a_replica_of_an_older_revision_does_not_count(bench: HelmBench) -> None:
    bench.material.upgrade()
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
