"""The adapter under a real daemon, on executions of a real Orca behind a Gate-shaped front."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from orchestrator_spinnaker.adapter import SpinnakerAdapter

from orchestrator.testing import Material, Settings
from orchestrator.testing.daemon_zygote import Zygote
from orchestrator.testing.suite_bench import AdapterBench, open_adapter_bench
from orchestrator.testing.suite_daemon import STEP
from orchestrator.testing.suite_pipeline import pipeline as pipeline_text
from tests.testbed.spinnaker.spinnaker_bed import COMPLETE, Execution
from tests.testbed.spinnaker.spinnaker_faults import Call
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict, wait
from tests.testbed.spinnaker.spinnaker_users import ADA

PATIENCE = 120.0


class BriefAdapter(SpinnakerAdapter):
    """Its cleanup gives up soon. That it takes a minute is tested in virtual time."""

    cleanup_limit = 3.0


class Place(Material):
    """An application of its own, behind a front of its own."""

    def __init__(self, root: Path, gate: Gate) -> None:
        super().__init__(root)
        self.gate = gate
        self.bed = gate.bed

    def settings(self, pipeline: str, **more: Any) -> Settings:
        """Of a step that starts this pipeline. Its pauses are short."""
        return {
            "gate": self.gate.url,
            "application": self.gate.application,
            "pipeline": pipeline,
            "auth": {"basic": {"username": ADA.name, "password": ADA.password}},
            "poll": "0.2s",
            "request_timeout": "20s",
            "settle": "4s",
            **more,
        }

    def of(self, *stages: dict[str, Any], name: str = "it", **more: Any) -> Settings:
        """Of a step that starts a pipeline of these stages."""
        self.gate.configure(pipeline(name, *stages))
        return self.settings(name, **more)

    def succeeding(self) -> Settings:
        return self.of(wait("first", 0), verdict("second", outputs={"answer": 42}))

    def failing(self) -> Settings:
        return self.of(wait("first", 0), verdict("second", "TERMINAL"))

    def working(self) -> Settings:
        return self.of(wait("long", 1000))

    def runs(self) -> int:
        if not self.gate.asked(Call.TRIGGER):
            return 0  # Orca need not be asked again and again
        return len(self.executions())

    def stops(self, log: str) -> int | None:
        return len({one.path for one in self.gate.asked(Call.CANCEL)})

    def left(self) -> str:
        return ", ".join(f"{one['id']} is {one['status']}" for one in self.live())

    # --- by hand -----------------------------------------------------------------------------

    def executions(self) -> list[Execution]:
        """All there are, the oldest first.

        By their pipelines: an Orca on redis loses one from an application's list that is read
        while it is being stored.
        """
        params = {"pipelineConfigIds": ",".join(config["id"] for config in self.gate.configs)}
        answer = httpx.get(f"{self.bed.orca}/pipelines", params=params | {"limit": "100"})
        found: list[Execution] = answer.raise_for_status().json()
        return sorted(found, key=lambda one: one["id"])

    def live(self) -> list[Execution]:
        """Those that are not complete."""
        return [execution for execution in self.executions() if execution["status"] not in COMPLETE]

    def only(self) -> Execution:
        """The one execution that there is."""
        (found,) = self.executions()
        return found


class SpinnakerBench(AdapterBench):
    """Its daemon, and what the tests do to it."""

    material: Place

    def begin_all(self, tables: Sequence[Settings], outcomes: Sequence[str]) -> list[int]:
        """A daemon, and a job for each of these settings with its outcome rules, side by side."""
        files = {}
        for number, (settings, rules) in enumerate(zip(tables, outcomes, strict=True)):
            text = pipeline_text(self.adapter.name, settings, self.material)
            files[f"pipelines/it-{number}.toml"] = f"{text}outcomes = {rules}\n"
            files[f"environments/at-{number}.toml"] = ""
        self.process.write(files)
        self.start()
        return [self._submit_to(number) for number in range(len(tables))]

    def _submit_to(self, number: int) -> int:
        body = {"pipeline": f"it-{number}", "environment": f"at-{number}"}
        job: int = self.through(lambda: self._client.post("/v1/jobs", body))["id"]
        return job

    def until_running(self) -> str:
        """Return the id of the only execution when a stage of it runs."""
        self.until_at_work()
        id: str = self.material.only()["id"]
        self.material.bed.wait_for(
            id, lambda one: any(stage["status"] == "RUNNING" for stage in one["stages"])
        )
        return id

    def until_followed(self, job: int) -> None:
        """Return when the step knows its execution, and says so."""
        self.until("the execution is known", lambda: "execution " in self.log(job))

    def until_waiting(self, job: int, text: str) -> None:
        """Return when the step waits for something that is said so."""
        self.until(f"it waits: {text}", lambda: text in (self.step(job)["waiting_for"] or ""))

    def asked(self) -> list[dict[str, Any]]:
        """What people are asked now."""
        found: list[dict[str, Any]] = self.through(lambda: self._client.get("/v1/approvals"))[
            "approvals"
        ]
        return found

    def until_asked(self) -> list[dict[str, Any]]:
        """What people are asked, as soon as that is something."""
        return self.until("people are asked", self.asked)

    def say(self, job: int, comment: str = "", *, yes: bool = True) -> None:
        """Answer what the job asks."""
        verb = "approve" if yes else "reject"
        self.through(
            lambda: self._client.post(f"/v1/jobs/{job}/{verb}", {"step": STEP, "comment": comment})
        )

    def upgrade(self, adapter: type[SpinnakerAdapter]) -> None:
        """Kill the daemon and start one with this adapter."""
        self.adapter = adapter
        self.restart()

    def scratch(self, job: int) -> Path:
        """What the adapter keeps of the job's step."""
        return self.process.state / "jobs" / str(job) / "steps" / STEP / "1" / "scratch"

    def next(self, settings: Settings, key: str = "another") -> int:
        """Another job, whose step has other settings."""
        self.configure(settings)
        self.post("/v1/daemon/reload")
        return self.submit(key)


@contextmanager
def open_spinnaker_bench(root: Path, place: Place, zygote: Zygote) -> Iterator[SpinnakerBench]:
    """A bench for a place that is there already."""
    with open_adapter_bench(
        root, SpinnakerAdapter, lambda _: place, PATIENCE, zygote.launch
    ) as bench:
        bench.__class__ = SpinnakerBench
        assert isinstance(bench, SpinnakerBench)
        yield bench
