"""config/examples/spinnaker at work: its daemon, and its pipelines on the real Orca."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.testing.daemon_process import Launch
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import until
from tests.e2e.example_bench import EXAMPLES, Example
from tests.testbed.spinnaker.spinnaker_bed import Execution
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_users import DEPLOYER

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
        ours = {"http://localhost:8084": gate.url, '"shop"': f'"{gate.application}"'}
        for theirs, mine in ours.items():
            assert text.count(theirs) == 1
            text = text.replace(theirs, mine)
        file.write_text(text)
        password = self.directory / "gate-password"
        password.touch(mode=0o600)
        password.write_text(f"{DEPLOYER.password}\n")
        self._configure()

    def _configure(self) -> None:
        """Give the example's pipelines to Spinnaker, in an application of the front's own."""
        for file in sorted((EXAMPLES / "spinnaker" / "spinnaker").glob("*.json")):
            config = json.loads(file.read_text())
            assert config.pop("application") == "shop"
            del config["id"]
            self.gate.configure(config)
        self.set_pace("0")

    def set_pace(self, seconds: str) -> None:
        """Of each stage of Clean Up that begins from now on; nobody gives it that, as to Deploy."""
        config = self.gate.config(self.gate.application, "Clean Up")
        assert config is not None
        (pace,) = (one for one in config["parameterConfig"] if one["name"] == "seconds")
        pace["default"] = seconds

    def deploy(self, *params: str) -> int:
        given = [word for one in (AT_ONCE, *params) for word in ("-p", one)]
        return self.submit("deploy", "staging", *given)

    def step(self, job: int, name: str = "deploy") -> dict[str, Any]:
        steps: list[dict[str, Any]] = self.finished(job, PATIENCE)["steps"]
        return {step["name"]: step for step in steps}[name]

    def cleanups(self) -> list[int]:
        """For which jobs one has ended well, the oldest first."""
        until("all cleanups have ended", lambda: self.idle, PATIENCE)
        found = self.jobs(kind="cleanup")
        assert {one["conclusion"] for one in found} == {"success"}
        return sorted(one["cleanup_for"] for one in found)

    def executions(self) -> list[Execution]:
        """All that have begun, as they did."""
        found = self.gate.bed.executions(self.gate.application)
        begun = [one for one in found if one.get("startTime")]
        return sorted(begun, key=lambda one: one["startTime"])

    def names(self) -> list[str]:
        """Of all executions, as they began."""
        return [execution["name"] for execution in self.executions()]


class BriskShop(Shop):
    """One that looks often at its executions, and takes deploys over HTTP."""

    def __init__(self, root: Path, gate: Gate, launch: Launch) -> None:
        super().__init__(root, gate)
        self.launcher = launch
        for file in (self.directory / "pipelines").iterdir():
            text = file.read_text()
            assert text.count("[steps.with]\n") == 1
            file.write_text(text.replace("[steps.with]\n", '[steps.with]\npoll = "0.2s"\n'))

    def deploy(self, *params: str) -> int:
        given = dict(one.split("=", 1) for one in (AT_ONCE, *params))
        body = {"pipeline": "deploy", "environment": "staging", "params": given}
        job: int = self.client.post("/v1/jobs", body)["id"]
        return job


@pytest.fixture
def shop(tmp_path: Path, gate: Gate) -> Iterator[Shop]:
    """With its daemon at work."""
    with Shop(tmp_path, gate) as shop:
        shop.start()
        yield shop


@pytest.fixture
def brisk_shop(tmp_path: Path, gate: Gate, zygote: Zygote) -> Iterator[Shop]:
    """The same, in less time."""
    with BriskShop(tmp_path, gate, zygote.launch) as shop:
        shop.start()
        yield shop
