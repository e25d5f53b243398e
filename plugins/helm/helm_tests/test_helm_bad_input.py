"""Bad input fails before anything is touched, with helm's message and the setting's name."""

from pathlib import Path
from typing import Any

import pytest

from helm_tests.helm_bench import HelmBench, Place
from tests.testbed.kubernetes.bed import User

pytestmark = pytest.mark.kubernetes


def refused(bench: HelmBench, settings: dict[str, Any]) -> str:
    """Why the step failed, with nothing touched and nothing to clean."""
    job = bench.begin(settings)
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure", ended
    assert not ended["dirty"], ended
    assert bench.material.history() == []
    assert bench.material.bed.names(bench.material.namespace, "configmaps") in (
        [],
        ["kube-root-ca.crt"],
    )
    reason: str = ended["steps"][0]["reason"]
    assert "Traceback" not in bench.log(job)
    return reason


@pytest.mark.both_helms
@pytest.mark.parametrize(
    ("more", "setting", "said"),
    [
        ({"values": {"fail": "no image was given"}}, "chart", "no image was given"),
        ({"chart": "./nothing"}, "chart", "nothing"),
        ({"values_files": ["nothing.yaml"]}, "values_files", "does not exist"),
        ({"release": "No_Name"}, "release", "release name is invalid: No_Name"),
        ({"release": "-x"}, "release", "release name is invalid: -x"),
        ({"chart": "--debug"}, "chart", "--debug"),
        ({"kube_context": "-x"}, "kube_context", 'context "-x" does not exist'),
        ({"kubeconfig": "nothing"}, "kubeconfig", "does not exist"),
        ({"namespace": "nothing"}, "namespace", 'namespaces "nothing" not found'),
        ({"namespace": "-x"}, "namespace", "-x"),
        ({"repo": "http://127.0.0.1:1/", "chart": "web-from-afar"}, "repo", "connection refused"),
        ({"chart": "oci://127.0.0.1:1/web"}, "chart", "connection refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_settings(bench: HelmBench, more: dict[str, Any], setting: str, said: str) -> None:
    reason = refused(bench, bench.material.settings(**more))
    assert f"{setting}:" in reason
    assert said in reason


@pytest.mark.both_helms
@pytest.mark.parametrize(
    ("user", "said"),
    [
        (User.UNREACHABLE, "connection refused"),
        (User.WRONG_TOKEN, "credentials"),
        (User.STRANGER, "forbidden"),
    ],
)
def test_kubeconfig(bench: HelmBench, user: User, said: str) -> None:
    config = str(bench.material.bed.kubeconfig_of(user))
    reason = refused(bench, bench.material.settings(kubeconfig=config))
    assert "kubeconfig:" in reason
    assert said in reason


@pytest.mark.both_helms
def test_values_that_are_no_yaml(bench: HelmBench, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: [")
    reason = refused(bench, bench.material.settings(values_files=[str(file)]))
    assert "values_files:" in reason
    assert "broken.yaml" in reason


@pytest.mark.parametrize("action", ["rollback", "test"])
def test_no_release(bench: HelmBench, action: str) -> None:
    assert "release:" in refused(bench, bench.material.settings(action))


def test_rollback_to_what_is_not_there(bench: HelmBench) -> None:
    bench.material.install()
    job = bench.begin(bench.material.settings("rollback", revision=7))
    ended = bench.finished(job)
    assert "revision: release web has no revision 7" in ended["steps"][0]["reason"]
    assert bench.material.statuses() == ["deployed"]


def test_an_old_helm(bench: HelmBench, tmp_path: Path) -> None:
    old = tmp_path / "old-helm"
    old.write_text("#!/bin/sh\necho v3.6.3+gd506314\n")
    old.chmod(0o700)
    reason = refused(bench, bench.material.settings(binary=str(old)))
    assert "binary:" in reason
    assert "is 3.6.3; 3.7 or newer is needed" in reason


@pytest.mark.parametrize(
    ("version", "more", "setting"),
    [
        ("3.7.2", {}, "chart: for a chart oci://… helm 3.8 or newer is needed; "),
        ("3.12.3", {"plain_http": True}, "plain_http: for a chart oci://… helm 3.13 or newer"),
        ("3.12.3", {"ca_file": "/dev/null"}, "ca_file: "),
    ],
)
def test_a_helm_too_old_for_registries(
    bench: HelmBench, tmp_path: Path, version: str, more: dict[str, Any], setting: str
) -> None:
    """A program that tells such a version: none is built for this."""
    old = tmp_path / "old-helm"
    old.write_text(f"#!/bin/sh\necho v{version}+gd506314\n")
    old.chmod(0o700)
    settings = bench.material.settings(binary=str(old), chart="oci://127.0.0.1:1/web", **more)
    assert setting in refused(bench, settings)


def test_no_helm(bench: HelmBench) -> None:
    reason = refused(bench, bench.material.settings(binary="no-such-helm"))
    assert "binary: no-such-helm is not on the PATH" in reason


@pytest.mark.both_helms
def test_all_of_them_begin_with_a_hyphen(bench: HelmBench, place: Place) -> None:
    """A name that is no option is one that helm refuses, or takes."""
    reason = refused(bench, place.settings(release="--help", chart="--version"))
    assert "release name is invalid: --help" in reason
