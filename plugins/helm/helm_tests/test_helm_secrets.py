"""Secrets reach helm in files only, and are nowhere afterwards."""

from pathlib import Path

import pytest

from helm_tests.helm_bench import HelmBench, Place, noting

pytestmark = pytest.mark.kubernetes

PASSWORD = "correct horse battery staple"


@pytest.fixture
def with_secrets(bench: HelmBench, tmp_path: Path) -> HelmBench:
    """The secrets `password` and `cluster`."""
    given = {"password": PASSWORD, "cluster": bench.material.bed.kubeconfig.read_text()}
    for name, value in given.items():
        file = tmp_path / f"secret-{name}"
        file.touch(mode=0o600)
        file.write_text(value)
        bench.secrets[name] = file
    return bench


def test_values_and_kubeconfig(with_secrets: HelmBench, tmp_path: Path) -> None:
    bench, place = with_secrets, with_secrets.material
    programs = place.bed.programs
    settings = place.settings(
        values={"secret": {"secret": "password"}},
        kubeconfig={"secret": "cluster"},
        binary=noting(tmp_path, programs.helm(place.major)),
        kubectl=noting(tmp_path, programs.kubectl),
    )
    job = bench.begin(settings)
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    content = place.bed.get(f"/api/v1/namespaces/{place.namespace}/secrets/web")
    assert content is not None
    notes = (tmp_path / "notes").read_text()
    assert "upgrade" in notes
    assert PASSWORD not in notes
    for file in bench.process.state.rglob("*"):
        if file.is_file() and "secrets" not in file.parts:
            assert PASSWORD.encode() not in file.read_bytes(), file
    assert not list(bench.process.state.rglob("values.json"))
    assert not list(bench.process.state.rglob("scratch/kubeconfig"))


def test_a_plan_shows_no_secret(bench: HelmBench, place: Place) -> None:
    place.install(secret="old")
    values = {"secret": "new hunter2", "image": "ok:2", "extra": True}
    job = bench.begin(place.settings("diff", values=values))
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    step = bench.step(job)
    assert step["reason"] == "+1 ~3 -0"
    assert step["outputs"]["changes"] is True
    plan = Path(step["outputs"]["plan_text"]).read_text()
    assert "+ ConfigMap web-extra" in plan
    assert "image: ok:2" in plan
    assert "content: '*** (changed)'" in plan
    assert "hunter2" not in plan + bench.log(job)
    assert place.statuses() == ["deployed"]


def test_a_plan_without_changes(bench: HelmBench, place: Place) -> None:
    place.install()
    job = bench.begin(place.settings("diff"))
    assert bench.finished(job)["conclusion"] == "success"
    assert bench.step(job)["reason"] == "no changes"
    assert bench.step(job)["exit"] == 0


def test_a_plan_while_somebody_works(bench: HelmBench, place: Place) -> None:
    place.install()
    other = place.begin("upgrade", "web", "./web", "--set=hook=pre-upgrade")
    place.until_hook()
    job = bench.begin(place.settings("diff", values={"image": "ok:2"}))
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert "image: ok:2" in bench.log(job)
    other.kill()
    other.wait()
