"""The argument lists: nothing that a user wrote can be taken for an option."""

import json
from pathlib import Path

import msgspec
import pytest
from orchestrator_helm import credentials
from orchestrator_helm.commands import Commands, Layout
from orchestrator_helm.settings import HelmSettings

WORKDIR = Path("/srv/web")
AT = Layout(
    workdir=WORKDIR,
    **{name: Path("/own") / name for name in Layout.__struct_fields__ if name != "workdir"},
)
HELM3 = (3, 17, 3)
HELM4 = (4, 1, 4)
OLD = (3, 7, 0)


def commands(version: tuple[int, ...] = HELM3, **table: object) -> Commands:
    """For these settings."""
    given = {"action": "upgrade", "release": "web", "chart": "./chart", **table}
    if given["action"] != "upgrade":
        del given["chart"]
    return Commands(msgspec.convert(given, HelmSettings), AT, version)


def test_names_with_a_hyphen_are_no_options() -> None:
    it = commands(release="--kubeconfig=x", chart="-c", namespace="-n", kube_context="-k")
    for argv in (it.upgrade("m"), it.dry_run(), it.history(), it.status(), it.manifest(3)):
        place = argv.index("--")
        assert argv[place + 1] == "--kubeconfig=x"
        assert all(
            word.startswith("--") or word in ("helm", "get", "manifest", argv[1])
            for word in argv[:place]
        )
    assert "--namespace=-n" in it.upgrade("m")
    assert it.upgrade("m")[-1] == "-c"


@pytest.mark.parametrize(
    ("version", "flag"), [(HELM3, "--atomic"), (HELM4, "--rollback-on-failure")]
)
def test_rollback_on_failure(version: tuple[int, ...], flag: str) -> None:
    assert flag in commands(version, rollback_on_failure=True).upgrade("m")
    assert flag not in commands(version).upgrade("m")


def test_what_an_old_helm_gets() -> None:
    """An old helm gets no label, and the old dry run."""
    old, new = commands(OLD), commands(HELM3)
    assert not any(word.startswith("--labels") for word in old.upgrade("m"))
    assert "--labels=deploy-orchestrator.claim=m" in new.upgrade("m")
    assert "--dry-run" in old.dry_run()
    assert "--dry-run=server" in new.dry_run()


def test_values_are_files() -> None:
    it = commands(values={"password": "hunter2"}, values_files=["a,b.yaml", "https://x/y.yaml"])
    argv = it.upgrade("m")
    assert '--values="/srv/web/a,b.yaml"' in argv  # helm reads a line of CSV
    assert "--values=https://x/y.yaml" in argv
    assert argv.index("--values=/own/values") > argv.index("--values=https://x/y.yaml")
    assert "hunter2" not in " ".join(argv)


def test_a_login_is_where_helm_looks(tmp_path: Path) -> None:
    at = msgspec.structs.replace(AT, registry=tmp_path / "registry.json")
    for chart, name in (
        ("oci://registry.example:5000/charts/web", "registry.example:5000"),
        ("oci://registry-1.docker.io/charts/web", "https://index.docker.io/v1/"),
    ):
        it = commands(chart=chart, username="ada", password="swordfish")
        credentials.write(msgspec.structs.replace(it, at=at))
        found = json.loads(at.registry.read_text())
        assert found == {"auths": {name: {"auth": "YWRhOnN3b3JkZmlzaA=="}}}
        assert at.registry.stat().st_mode & 0o777 == 0o600
        assert "swordfish" not in " ".join(it.upgrade("m"))


def test_releases_go_by_their_whole_names() -> None:
    argv = commands(release="web.1").marked("3.1.9", pending=True)
    assert r"--filter=^web\.1$" in argv
    assert "--selector=deploy-orchestrator.claim=3.1.9" in argv
    assert "--pending" in argv


def test_what_a_person_types_names_the_cluster() -> None:
    it = commands(kubeconfig="my config", namespace="shop")
    text = it.to_type(it.heal_by_rollback(3))
    assert text.startswith("KUBECONFIG='/srv/web/my config' helm rollback --namespace=shop ")
    assert text.endswith("-- web 3")


def test_healing_runs_no_hooks() -> None:
    it = commands()
    assert "--no-hooks" in it.heal_by_rollback(1)
    assert "--no-hooks" in it.heal_by_uninstall()


def test_history_is_kept_where_asked() -> None:
    it = commands(action="uninstall", keep_history=True)
    assert "--keep-history" in it.uninstall()
    assert "--keep-history" in it.heal_by_uninstall()
