"""`[source] git` through the real daemon: which commit, what a failure leaves, and its end."""

import socket
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests import needs
from tests.builtin.git_repositories import Repository, git
from tests.builtin.git_ssh_host import make_key, serving
from tests.e2e.e2e_bench import Installation, until

pytestmark = pytest.mark.slow

PIPELINE = """
kind = "deploy"
cleanup = "wipe"
[source]
git = "{url}"
ref = "${{params.version}}"
directory = "live"
{more}
[params.version]
default = "HEAD"
[[steps]]
name = "apply"
uses = "command"
with = {{ script = '''
cat main.tf
echo "$ORCHESTRATOR_SOURCE_COMMIT $OUTPUT"
git rev-parse HEAD
while [ -e "$GATE" ]; do sleep 0.05; done
''' }}
env = {{ OUTPUT = "${{steps.source.outputs.describe}}", GATE = "{gate}" }}
"""
CLEANUP = """
kind = "cleanup"
[[steps]]
name = "wipe"
uses = "command"
with = { run = ["true"] }
"""


class Site:
    """A repository of two commits, and a daemon with a pipeline that deploys it."""

    def __init__(self, installation: Installation, root: Path) -> None:
        self.installation = installation
        self.gate = root / "gate"
        self.repository = Repository(root / "infra")
        self.old = self.repository.commit({"live/main.tf": "one\n"}, "v1.0.0")
        self.new = self.repository.commit({"live/main.tf": "two\n"})

    def write(self, url: str = "", more: str = "", environment: str = "") -> None:
        text = PIPELINE.format(url=url or self.repository.url, gate=self.gate, more=more)
        pipelines = {"pipelines/web.toml": text, "pipelines/wipe.toml": CLEANUP}
        self.installation.write({"environments/staging.toml": environment, **pipelines})

    def serve(self, url: str = "", more: str = "", environment: str = "") -> None:
        self.write(url, more, environment)
        self.installation.start()

    def submit(self, version: str) -> int:
        return self.installation.submit("web", "staging", "-p", f"version={version}")

    def log(self, job: int, step: str = "apply") -> str:
        return self.installation.says("log", str(job), step)


@pytest.fixture
def site(installation: Installation, tmp_path: Path) -> Site:
    return Site(installation, tmp_path)


def test_a_job_runs_at_its_commit(site: Site) -> None:
    """A job runs at the commit of its parameter."""
    site.serve()
    here = site.installation
    assert "source" in here.says("pipeline", "web")
    assert ": git version " in here.run("doctor").stdout
    job = here.finished(site.submit("v1.0.0"))
    assert (job["conclusion"], job["source"]) == ("success", {"commit": site.old})
    assert site.log(job["id"]) == f"one\n{site.old} v1.0.0\n{site.old}\n"
    step = job["steps"][0]
    assert (step["name"], step["section"], step["uses"]) == ("source", "before", "git")
    shown = here.says("show", str(job["id"]))
    assert f"commit {site.old[:7]} (v1.0.0)" in shown
    newest = here.finished(site.submit("HEAD"))
    assert newest["source"] == {"commit": site.new}
    here.until_idle()
    listed = {one["id"]: one["source"]["commit"] for one in here.json("jobs")["jobs"]}
    assert (listed[job["id"]], listed[newest["id"]]) == (site.old, site.new)
    assert listed[newest["id"] + 1] is None  # a cleanup without a source


def expect_nothing_touched(site: Site, job: dict[str, object]) -> None:
    here = site.installation
    assert job["conclusion"] == "failure"
    assert (job["started_at"], job["locks"]) == (None, [])
    events = [event["type"] for event in here.events()]
    assert not {"job_admitted", "job_started", "debt_incurred", "cleanup_owed"} & set(events), (
        events
    )
    environment = here.json("environment", "staging")
    assert (environment["debts"], environment["quarantine"]) == ([], None)
    assert here.idle


def test_a_ref_that_does_not_exist_touches_nothing(site: Site) -> None:
    site.serve(environment='locks = ["vpc"]\n')
    job = site.installation.finished(site.submit("v1.0.1"))
    expect_nothing_touched(site, job)
    source, apply = job["steps"]
    said = f"there is no branch, tag or commit v1.0.1 in {site.repository.url} (near: v1.0.0)"
    assert source["reason"] == f"pipelines/web.toml: source.ref: {said}"
    assert apply["conclusion"] == "not_run"
    assert said in site.log(job["id"], "source")


@pytest.mark.parametrize("version", ["--upload-pack=touch x", "a b", ""])
def test_a_ref_that_is_none_touches_nothing(site: Site, version: str) -> None:
    site.serve()
    job = site.installation.finished(site.submit(version))
    expect_nothing_touched(site, job)
    assert "`ref`" in job["steps"][0]["reason"]
    assert job["steps"][0]["reason"].startswith("pipelines/web.toml: ")


def test_a_host_that_is_away_touches_nothing(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}/infra"
    site.serve(url, more="retry = { attempts = 2 }", environment='locks = ["vpc"]\n')
    job = site.installation.finished(site.submit("v1.0.0"))
    expect_nothing_touched(site, job)
    step = job["steps"][0]
    assert step["reason"].startswith(f"pipelines/web.toml: source.git: {url}: ")
    assert (step["attempt"], step["conclusion"]) == (2, "failure")


def test_a_silent_host_times_out(site: Site) -> None:
    """A host that is silent ends by the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/infra"
        site.serve(url, more='timeout = "1s"')
        job = site.installation.finished(site.submit("v1.0.0"))
    assert (job["conclusion"], job["steps"][0]["conclusion"]) == ("timed_out", "timed_out")
    assert (job["started_at"], site.installation.idle) == (None, True)


def test_the_daemon_is_killed_while_it_clones(site: Site) -> None:
    """The checkout goes on; the next daemon reads how it ended."""
    with socket.create_server(("127.0.0.1", 0)) as slow:
        url = f"git://127.0.0.1:{slow.getsockname()[1]}/infra"
        site.serve(url)
        here = site.installation
        job = site.submit("v1.0.0")
        looked, _ = slow.accept()
        pid = here.at_work(job)
        here.kill()
        here.start()
        until("the checkout is adopted", lambda: here.at_work(job) == pid)
        serve_one(looked, site.repository.path)
        fetched, _ = slow.accept()
        here.kill()
        serve_one(fetched, site.repository.path)
        here.start()
    ended = here.finished(job)
    assert (ended["conclusion"], ended["source"]["commit"]) == ("success", site.old)
    assert site.log(job).startswith("one\n")


def serve_one(connection: socket.socket, repository: Path) -> None:
    """Let `git daemon` answer one connection."""
    argv = ["git", "daemon", "--inetd", "--export-all", f"--base-path={repository.parent}"]
    with connection:
        asks = connection.fileno()
        subprocess.run(argv, stdin=asks, stdout=asks, check=False)


def tool_of(here: Installation, job: int) -> int | None:
    """The pid, as soon as the step behind the checkout runs one."""
    pid: int | None = here.job(job)["steps"][1]["pid"]
    return pid


def test_two_jobs_at_different_commits_at_once(site: Site) -> None:
    """Each has a work tree of its own, whatever becomes of the other and of the mirror."""
    here = site.installation
    site.gate.touch()
    site.write()
    here.write({}, main="kinds.deploy.excludes = []\nkinds.cleanup.excludes = []\n")
    here.start()
    jobs = [site.submit("v1.0.0"), site.submit("main")]
    for job in jobs:
        until("its step runs", partial(tool_of, here, job))
    for mirror in (here.state / "shared" / "staging" / "git").glob("*.git"):
        (mirror / "HEAD").unlink()
    site.gate.unlink()
    assert [here.finished(job)["conclusion"] for job in jobs] == ["success", "success"]
    assert [site.log(job)[:4] for job in jobs] == ["one\n", "two\n"]
    for job, commit in zip(jobs, (site.old, site.new), strict=True):
        work = here.state / "jobs" / str(job) / "work"
        assert git("rev-parse", "HEAD", cwd=work) == commit
        assert git("fsck", cwd=work) == ""
    again = here.finished(site.submit("v1.0.0"))
    assert again["conclusion"] == "success"
    assert any("damaged and made anew" in warning for warning in again["steps"][0]["warnings"])


@needs.SSH
def test_over_ssh_with_a_key_from_a_secret(site: Site, tmp_path: Path) -> None:
    here = site.installation
    with serving(tmp_path / "host") as host:
        host.infra.commit({"live/main.tf": "by ssh\n"}, "v2")
        secrets = {name: tmp_path / name for name in ("deploy-key", "other-key")}
        secrets["deploy-key"].write_text(host.key)
        make_key(secrets["other-key"])
        main = ""
        for name, file in secrets.items():
            file.chmod(0o600)
            main += f'[secrets.{name}]\nfile = "{file}"\n'
        more = f'known_hosts = "{host.known_hosts}"\nssh_key = {{ secret = "deploy-key" }}'
        site.write(host.url, more)
        here.write({}, main)
        here.start()
        job = here.finished(site.submit("v2"))
        assert job["conclusion"] == "success", job["steps"][0]["reason"]
        assert job["source"]["commit"] == host.infra.head
        assert site.log(job["id"]).startswith("by ssh\n")
        site.write(host.url, more.replace("deploy-key", "other-key"))
        here.write({}, main)
        here.says("reload")
        here.until_idle()
        refused = here.finished(site.submit("v2"))
    assert "Permission denied" in refused["steps"][0]["reason"]
    part = host.key.splitlines()[1]
    kept = [path for path in here.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if part in path.read_text(errors="replace")]
