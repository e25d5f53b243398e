"""The daemon is killed while real terraform applies and destroys; terraform does not notice.

First at named moments (`kill_terraform_points`), each of which must be reached, then at random for
a fixed time (`seed_budget`), from a seed that a failure prints.
"""

import random
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from orchestrator.testing.daemon_process import is_gone
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, seeded, until
from tests.e2e.kill_bench import KillBench, kill_at_named_moments
from tests.e2e.kill_terraform_points import TerraformPoints, at_work
from tests.proof_lines import CountProof, ReportProof
from tests.seed_budget import seconds
from tests.testbed.terraform.http_state import StateServer

pytestmark = [pytest.mark.slow, pytest.mark.terraform]
PROOF = "kills-terraform"
FEWEST = 5
"""Kills at random, however long each takes."""
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
    command = <<-EOT
      echo ${var.release} >> ran
      for i in $(seq LINES); do echo line $i; sleep 0.05; done
      while [ -e hold ]; do sleep 0.05; done
    EOT
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


@pytest.mark.timeout(900)  # a proof kills for five minutes
def test_kills(
    tmp_path: Path,
    zygote: Zygote,
    server: StateServer,
    request: pytest.FixtureRequest,
    count_proof: CountProof,
    report_proof: ReportProof,
) -> None:
    chance = seeded(request.node.name)
    with Installation(tmp_path, launch=zygote.launch) as installation:
        installation.write(files(server))
        bench = KillBench(installation)
        points = TerraformPoints(bench, server)
        named = kill_at_named_moments(bench, points.all)
        installation.start()
        stopped = points.jobs[-1]
        end = time.monotonic() + seconds(PROOF)
        hits = kill_while_terraform_works(points, chance, end)
        for job in points.jobs:
            if job != stopped:
                expect_applied(installation, installation.finished(job))
        assert installation.job(stopped)["conclusion"] == "cancelled"
        installation.until_idle()
        expect_nothing_left(installation, server, len(points.jobs))
        figures = {"kills": len(bench.kills), "named moments": named, "at random at work": hits}
        count_proof(PROOF, {**figures, "releases": len(points.jobs)})
        report_proof(PROOF, bench.told())


def kill_while_terraform_works(points: TerraformPoints, chance: random.Random, end: float) -> int:
    """Releases one after the other until it is time; how often the same terraform was at work
    before and after.

    Half of the kills wait for a terraform at work, and hold what it makes until the next daemon is
    up: on a busy host each daemon would die before its `init` were done, or after all else.
    """
    installation, hits = points.installation, 0
    for number in count():
        if number >= FEWEST and time.monotonic() > end:
            return hits
        if installation.idle:
            points.deploy()
        if chance.random() < 0.5:
            points.hold.touch()
            until("terraform works", lambda: at_work(installation) or installation.idle)
        time.sleep(chance.uniform(0, 1))
        before = at_work(installation)
        points.bench.kill()
        for pid in before:
            until("its end is on disk", partial(works_or_has_ended, installation, pid))
        installation.start()
        hits += bool(before & at_work(installation))
        points.hold.unlink(missing_ok=True)
    return hits


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
    cleanups = installation.jobs(kind="cleanup")
    assert [job["conclusion"] for job in cleanups] == ["success"] * releases
    assert server.locks == {}
    assert b'"resources": []' in server.states["/web"].replace(
        b'"resources":[]', b'"resources": []'
    )
    assert installation.client.get("/v1/status")["quarantines"] == []
    assert installation.tools() == []
