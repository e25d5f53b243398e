"""config/examples/spinnaker, run as it is on the real Orca, with the pipelines that it brings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_bench import until
from example_bench import EXAMPLES, Example
from spinnaker_gate import Gate
from spinnaker_users import ADA

pytestmark = pytest.mark.spinnaker

PATIENCE = 240.0
"""Seconds that twenty stages may take on a busy machine."""
AT_ONCE = "seconds=0"


class Shop(Example):
    """The daemon, and the application that its pipelines stand in."""

    def __init__(self, root: Path, gate: Gate) -> None:
        super().__init__(root, "spinnaker")
        self.gate = gate
        file = self.directory / "environments" / "staging.toml"
        text = file.read_text()
        ours = {"http://localhost:8084": gate.url, '"deployer"': f'"{ADA.name}"'}
        for theirs, mine in {**ours, '"shop"': f'"{gate.application}"'}.items():
            assert text.count(theirs) == 1
            text = text.replace(theirs, mine)
        file.write_text(text)
        password = self.directory / "gate-password"
        password.touch(mode=0o600)
        password.write_text(f"{ADA.password}\n")

    def deploy(self, *params: str) -> int:
        given = [word for one in (AT_ONCE, *params) for word in ("-p", one)]
        return self.submit("deploy", "staging", *given)

    def step(self, job: int, name: str = "deploy") -> dict[str, Any]:
        found: dict[str, Any] = self.finished(job, PATIENCE)
        return {one["name"]: one for one in found["steps"]}[name]

    def cleanups(self) -> list[int]:
        """For which jobs one has ended well, the oldest first."""
        until("all cleanups have ended", lambda: self.idle, PATIENCE)
        found = self.json("jobs", "--kind", "cleanup")["jobs"]
        assert {one["conclusion"] for one in found} == {"success"}
        return sorted(one["cleanup_for"] for one in found)

    def names(self) -> list[str]:
        """Of all executions, as they began."""
        found = self.gate.bed.executions(self.gate.application)
        return [one["name"] for one in sorted(found, key=lambda one: one["startTime"])]


@pytest.fixture
def shop(tmp_path: Path, gate: Gate) -> Iterator[Shop]:
    for file in sorted((EXAMPLES / "spinnaker" / "spinnaker").glob("*.json")):
        config = json.loads(file.read_text())
        assert config.pop("application") == "shop"
        del config["id"]
        gate.configure(config)
    with Shop(tmp_path, gate) as shop:
        shop.start()
        yield shop


def test_deploys_that_succeed_fail_and_warn_and_what_they_owe(shop: Shop) -> None:
    good, bad = shop.deploy("version=v2"), shop.deploy("version=v3", "fail=Canary")
    red, smoke = shop.deploy("version=v4", "fail=Test 2b"), shop.deploy("version=v5", "fail=Smoke")
    assert shop.step(good)["conclusion"] == "success"
    assert shop.step(good)["outputs"]["image"] == "shop:v2"
    assert shop.step(bad)["reason"].startswith("the canary is no good")
    assert 'stage "Test 2b" TERMINAL' in shop.step(red)["reason"]
    assert shop.step(smoke)["conclusion"] == "warning"
    assert shop.cleanups() == [good, bad, red, smoke]
    assert shop.names() == ["Deploy", "Clean Up"] * 4
    assert "v3: failure, image shop:v3, http" in shop.says("log", str(bad), "report")


def test_the_roll_out_is_asked_for_and_a_stop_is_one_in_spinnaker(shop: Shop) -> None:
    job = shop.deploy("version=v2", "ask=yes")
    until("it is asked for", lambda: f"approve {job}" in shop.says("approvals"), PATIENCE)
    assert "The canary of v2 is good. Shall it be rolled out?" in shop.says("approvals")
    shop.says("approve", str(job), "deploy", "--comment", "looks good")
    assert shop.step(job)["conclusion"] == "success"
    stopped = shop.deploy("version=v3", "ask=yes")
    until("it is asked for", lambda: f"approve {stopped}" in shop.says("approvals"), PATIENCE)
    shop.says("cancel", str(stopped), "--reason", "wrong version", "--wait")
    assert shop.step(stopped)["conclusion"] == "cancelled"
    [execution] = [
        one
        for one in shop.gate.bed.executions(shop.gate.application)
        if one["id"] == shop.step(stopped)["outputs"]["execution"]
    ]
    assert execution["status"] == "CANCELED"
    assert "wrong version" in execution["cancellationReason"]
    assert shop.cleanups() == [job, stopped]
