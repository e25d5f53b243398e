"""The daemon is killed while real terraform applies and destroys; terraform does not notice."""

import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator.testing.daemon_process import is_gone
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, insisting, seeded, until
from tests.testbed.terraform.http_state import StateServer

pytestmark = [pytest.mark.slow, pytest.mark.terraform]
KILLS = 10
"""So often a daemon is killed while the same terraform is at work before and after it."""
LINES = 40

MODULE = """
terraform {
  backend "http" {}
}
variable "release" {}
resource "terraform_data" "web" {
  input            = var.release
  triggers_replace = var.release
  provisioner "local-exec" {
    command = "echo ${var.release} >> ran; for i in $(seq LINES); do echo line $i; sleep 0.05; done"
  }
}
output "release" { value = terraform_data.web.output }
""".replace("LINES", str(LINES))
PARAMS = (
    '[params.release]\nrequired = true\n[source]\npath = "infra"\n[[steps]]\nuses = "terraform"\n'
)


@pytest.fixture
def server() -> Iterator[StateServer]:
    """Where the state is; it lives while daemons die."""
    with StateServer() as server:
        yield server


def files(server: StateServer) -> dict[str, str]:
    """A deploy that terraform applies, and its cleanup, which destroys."""
    address = server.url("web")
    backend = ", ".join(f'{name}address = "{address}"' for name in ("", "lock_", "unlock_"))

    def step(action: str) -> str:
        settings = f'action = "{action}", vars = {{ release = "${{params.release}}" }}'
        table = f"with = {{ {settings}, backend_config = {{ {backend} }} }}"
        return f'{PARAMS}name = "{action}"\n{table}\n'

    return {
        "infra/main.tf": MODULE,
        "environments/staging.toml": "",
        "pipelines/web.toml": f'kind = "deploy"\ncleanup = "down"\n{step("apply")}',
        "pipelines/down.toml": f'kind = "cleanup"\n{step("destroy")}',
    }


def test_ten_kills_at_work(
    tmp_path: Path, zygote: Zygote, server: StateServer, request: pytest.FixtureRequest
) -> None:
    chance = seeded(request.node.name)
    with Installation(tmp_path, launch=zygote.launch) as installation:
        installation.write(files(server))
        installation.start()
        jobs = kill_while_terraform_works(installation, chance)
        for job in jobs:
            expect_applied(installation, installation.finished(job))
        installation.until_idle()
        expect_nothing_left(installation, server, len(jobs))


def kill_while_terraform_works(installation: Installation, chance: random.Random) -> list[int]:
    """As many deploys as are needed for that many kills, one after the other."""
    jobs: list[int] = []
    hits = 0
    while hits < KILLS:
        if installation.idle:
            jobs.append(installation.submit("web", "staging", "-p", f"release=r{len(jobs)}"))
        time.sleep(chance.uniform(0, 1))
        before = at_work(installation)
        installation.kill()
        for pid in before:
            until("its end is on disk", partial(works_or_has_ended, installation, pid))
        installation.start()
        hits += bool(before & at_work(installation))
    return jobs


def at_work(installation: Installation) -> set[int]:
    """The pids that the daemon tells."""
    running = insisting(lambda: installation.client.get("/v1/status"))["running"]
    return {step["pid"] for job in running for step in job["steps"] if step["pid"]}


def works_or_has_ended(installation: Installation, pid: int) -> bool:
    """Whether the process lives, or how it ended is on disk, though no daemon lives."""
    if not is_gone(pid):
        return True
    for record in (installation.state / "jobs").rglob("pid"):
        if record.read_text().split()[0] == str(pid):
            return (record.parent / "status").exists()
    return False


def expect_applied(installation: Installation, job: dict[str, Any]) -> None:
    """A deploy that went through as if nothing had happened."""
    assert job["conclusion"] == "success", job
    [step] = job["steps"]
    assert (step["exit"], step["outputs"]) == (0, {"release": job["params"]["release"]})
    log = installation.says("log", str(job["id"]), "apply").splitlines()
    told = [line.partition("(local-exec): ")[2] for line in log if "(local-exec): line" in line]
    assert told == [f"line {number}" for number in range(1, LINES + 1)]
    assert sum("Apply complete!" in line for line in log) == 1


def expect_nothing_left(installation: Installation, server: StateServer, releases: int) -> None:
    """Each release was applied once and taken down; no lock is held, nobody is at work."""
    ran = (installation.directory / "infra" / "ran").read_text().split()
    assert ran == [f"r{number}" for number in range(releases)]
    cleanups = installation.json("jobs", "--kind", "cleanup")["jobs"]
    assert [job["conclusion"] for job in cleanups] == ["success"] * releases
    assert server.locks == {}
    assert b'"resources": []' in server.states["/web"].replace(
        b'"resources":[]', b'"resources": []'
    )
    assert installation.client.get("/v1/status")["quarantines"] == []
    assert installation.tools() == []
