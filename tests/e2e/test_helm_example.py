"""config/examples/helm, run as it is on a real API server, by helm 3 and helm 4."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing.daemon_process import Launch
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import until
from tests.e2e.example_bench import Example
from tests.testbed.kubernetes.bed import Bed

pytestmark = [pytest.mark.slow, pytest.mark.kubernetes]
HELMS = pytest.mark.parametrize("major", [3, 4], ids=["helm3", "helm4"])

UNPULLED = "never/web"
SESSION_KEY = "seven-secret-words"
QUICKLY = "timeout=5s"
RELEASE = "web"
PATIENCE = 240.0
"""Seconds that a job of several helms may take on a busy machine."""


class Shop(Example):
    """The daemon, and the namespace that stands in `environments/*.toml`."""

    def __init__(self, root: Path, bed: Bed, namespace: str, major: int, launch: Launch) -> None:
        super().__init__(root, "helm", {"PATH": path_with(root / "bin", bed, major)}, launch)
        self.bed = bed
        self.namespace = namespace
        for file in self.directory.glob("environments/*.toml"):
            text = file.read_text()
            assert f'"shop-{file.stem}"' in text
            file.write_text(text.replace(f"shop-{file.stem}", namespace))
        private(self.directory / "kubeconfig", bed.kubeconfig.read_text())
        private(self.directory / "session-key", SESSION_KEY)

    def deploy(self, environment: str = "staging", *params: str) -> int:
        given = [word for param in params for word in ("-p", param)]
        return self.submit("web", environment, *given)

    def ended(self, job: int) -> str:
        return str(self.finished(job, PATIENCE)["conclusion"])

    def conclusions(self, job: int) -> dict[str, str]:
        return {name: one["conclusion"] for name, one in self.steps(job).items()}

    @property
    def image(self) -> str:
        """What the deployment runs; empty where there is none."""
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{RELEASE}"
        found = self.bed.get(path)
        if found is None:
            return ""
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def revisions(self, release: str = RELEASE) -> list[str]:
        """The names of helm's records."""
        begin = f"sh.helm.release.v1.{release}."
        names = self.bed.names(self.namespace, "secrets")
        return sorted(name for name in names if name.startswith(begin))


def path_with(directory: Path, bed: Bed, major: int) -> str:
    """A PATH on which this helm is the one that is called so."""
    directory.mkdir(parents=True)
    (directory / "helm").symlink_to(bed.programs.helm(major))
    (directory / "kubectl").symlink_to(bed.programs.kubectl)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


def private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


@pytest.fixture
def major() -> int:
    """Of helm, where a test does not say."""
    return 4


@pytest.fixture
def shop(tmp_path: Path, bed: Bed, namespace: str, major: int, zygote: Zygote) -> Iterator[Shop]:
    with Shop(tmp_path, bed, namespace, major, zygote.launch) as shop:
        shop.start()
        yield shop


@HELMS
def test_installs_upgrades_and_tests(shop: Shop) -> None:
    """An install, an upgrade that fails and a test that fails."""
    first = shop.deploy("staging", "version=v1")
    assert shop.ended(first) == "success"
    assert shop.steps(first)["diff"]["exit"] == 2

    unready = shop.deploy("staging", "version=v2", f"image={UNPULLED}", QUICKLY)
    assert shop.ended(unready) == "failure"
    ends = shop.conclusions(unready)
    assert (ends["deploy"], ends["test"], ends["go-back"]) == ("failure", "not_run", "skipped")
    assert shop.image == "nginx:v1", "helm has gone back by itself"

    untested = shop.deploy("staging", "version=v3", "test=fail:1")
    assert shop.ended(untested) == "failure"
    ends = shop.conclusions(untested)
    assert (ends["deploy"], ends["test"], ends["go-back"]) == ("success", "failure", "success")
    assert shop.image == "nginx:v1", "the pipeline has gone back"
    assert "web-test" in shop.says("show", str(untested))

    assert shop.ended(shop.deploy("staging", "version=v4")) == "success"
    assert shop.image == "nginx:v4"
    assert len(shop.revisions()) == 6


@HELMS
def test_a_stopped_upgrade_is_undone(shop: Shop) -> None:
    """A stopped upgrade is undone, and the next one works."""
    assert shop.ended(shop.deploy("staging", "version=v1")) == "success"
    job = shop.deploy("staging", "version=v2", f"image={UNPULLED}")
    shop.bed.wait_for_pod(shop.namespace, f"{UNPULLED}:v2")
    stopped = shop.run("cancel", str(job), "--reason", "wrong version", "--wait")
    assert stopped.returncode == 0, stopped
    assert shop.ended(job) == "cancelled"
    assert shop.image == "nginx:v1"
    assert shop.ended(shop.deploy("staging", "version=v3")) == "success"
    assert shop.image == "nginx:v3"


def test_production_waits_for_somebody(shop: Shop) -> None:
    """Production waits for somebody who sees what would change."""
    job = shop.deploy("production", "version=v1")
    until("it is asked for", lambda: shop.client.get("/v1/approvals")["approvals"], PATIENCE)
    assert f"approve {job}" in shop.says("approvals")
    assert "diff: +6 ~0 -0" in shop.says("approvals")
    plan = shop.says("log", str(job), "diff")
    assert "+        image: nginx:v1" in plan
    assert "+  session-key: '***'" in plan
    assert shop.image == ""
    shop.says("approve", str(job), "--comment", "go")
    assert shop.ended(job) == "success"
    assert shop.image == "nginx:v1"
    again = shop.deploy("production", "version=v1")
    assert shop.ended(again) == "success"
    assert shop.conclusions(again)["diff"] == "halted"
    has_secrets_only_in_their_files(shop)


def test_a_trial_is_uninstalled_however_it_ends(shop: Shop) -> None:
    job = shop.submit("trial", "staging", "-p", "version=v1", "-p", "test=fail:1")
    assert shop.ended(job) == "failure"
    until("the cleanup has ended", lambda: shop.idle, PATIENCE)
    [cleanup] = shop.jobs(kind="cleanup")
    assert (cleanup["cleanup_for"], cleanup["conclusion"]) == (job, "success")
    assert shop.revisions("web-trial") == []
    assert shop.bed.names(shop.namespace, "apps/deployments") == []
    has_secrets_only_in_their_files(shop)


def has_secrets_only_in_their_files(shop: Shop) -> None:
    own = shop.directory / "session-key"
    token = shop.bed.kubeconfig.read_text().partition('"token": "')[2].partition('"')[0]
    for secret in (SESSION_KEY, token):
        found = [
            one
            for one in shop.directory.rglob("*")
            if one.is_file() and one.parent != own.parent and secret.encode() in one.read_bytes()
        ]
        assert found == []
