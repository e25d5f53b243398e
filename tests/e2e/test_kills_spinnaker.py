"""The daemon is killed a hundred times while it starts executions in Spinnaker, and what Gate
answers is late or lost: never are there two for one attempt, and what is said of each is true.

Judged by the list of executions that the engine itself has.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.errors import Refused
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, insisting, seeded
from tests.testbed.spinnaker.spinnaker_bed import Execution
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault, Injected
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict
from tests.testbed.spinnaker.spinnaker_users import DEPLOYER

pytestmark = [pytest.mark.slow, pytest.mark.spinnaker]

KILLS = 100
"""So many jobs too: each has an environment and a pipeline of its own."""
HELD = (Fault.ANSWER_HELD, Fault.HUNG)
"""The daemon dies while a post of it is not answered; the second reaches Orca after that."""
TROUBLES: tuple[Fault | None, ...] = (
    *[Fault.ANSWER_HELD] * 15,
    *[Fault.HUNG] * 10,
    *[Fault.SLOW] * 10,
    *[Fault.CUT_AFTER] * 8,
    *[Fault.TRUNCATED] * 4,
    *[Fault.NOT_JSON] * 3,
    *[Fault.CUT_BEFORE, Fault.GATE_500, Fault.ORCA_DOWN] * 2,
    *[None] * 44,
)
"""What becomes of the posts."""
LOOKS = (Call.SEARCH, Call.EXECUTION, Call.EXECUTIONS)
WORDS = {"SUCCEEDED": "success", "TERMINAL": "failure", "CANCELED": "cancelled"}
SETTLE = "20s"
RECOVERED = "whether the pipeline was started is not known: the daemon ended meanwhile"


def files(gate: Gate) -> dict[str, str]:
    """One pipeline of ours, for all of Spinnaker's."""
    step = f"""kind = "deploy"
[params.pipeline]
required = true
[[steps]]
name = "start"
uses = "spinnaker"
[steps.with]
gate = "{gate.url}"
application = "{gate.application}"
pipeline = "${{params.pipeline}}"
auth = {{ basic = {{ username = "{DEPLOYER.name}", password = "{DEPLOYER.password}" }} }}
poll = "0.5s"
settle = "{SETTLE}"
"""
    return {
        "pipelines/start.toml": step,
        **{f"environments/{name_of(number)}.toml": "" for number in range(KILLS)},
    }


def name_of(number: int) -> str:
    """Of an environment, and of Spinnaker's pipeline."""
    return f"it-{number}"


@pytest.mark.timeout(900)  # two minutes on a quiet machine
def test_a_hundred_kills(
    tmp_path: Path, zygote: Zygote, gate: Gate, request: pytest.FixtureRequest
) -> None:
    chance = seeded(request.node.name)
    statuses = [*["SUCCEEDED"] * 3, "TERMINAL"]
    for number in range(KILLS):
        stage = verdict("work", chance.choice(statuses), seconds=1)
        gate.configure(pipeline(name_of(number), stage))
    with Installation(tmp_path, launch=zygote.launch) as installation:
        installation.write(files(gate))
        killer = Killer(installation, gate, chance)
        killer.kill_again_and_again()
        installation.start()
        installation.until_idle()
        judge(installation, gate, killer)


class Killer:
    """Starts jobs and kills daemons. `jobs` are the ids by number, `kills` in UTC milliseconds."""

    def __init__(self, installation: Installation, gate: Gate, chance: random.Random) -> None:
        self.installation = installation
        self.gate = gate
        self.chance = chance
        self.jobs: list[int] = []
        self.kills: list[float] = []
        self._late: list[Injected] = []

    def kill_again_and_again(self) -> None:
        """Each daemon is killed around a post."""
        troubles = list(TROUBLES)
        assert len(troubles) == KILLS
        self.chance.shuffle(troubles)
        for trouble in troubles:
            if self.chance.random() < 0.1:  # it was not even ready
                self.installation.launch()
                time.sleep(self.chance.uniform(0, 0.3))
                self.installation.kill()
            self.installation.start()
            self._cancel()
            self._submit_and_kill(trouble)
        self.gate.faults.lift()

    def _submit_and_kill(self, trouble: Fault | None) -> None:
        posts = len(self.gate.asked(Call.TRIGGER))
        injected = self._inject(trouble)
        self._submit()
        if trouble in HELD or self.chance.random() < 0.5:
            self.gate.wait_for_requests(Call.TRIGGER, posts + 1)
            time.sleep(self.chance.uniform(0, 0.1))
        else:
            time.sleep(self.chance.uniform(0, 0.5))
        self.kills.append(time.time() * 1000)
        self.installation.kill()
        self._lift(trouble, injected)

    def _inject(self, trouble: Fault | None) -> list[Injected]:
        faults = self.gate.faults
        injected = []
        if trouble is not None:
            injected.append(faults.inject(trouble, Call.TRIGGER, times=1, seconds=0.3))
        if self.chance.random() < 0.2:
            other = self.chance.choice((Fault.GATE_503, Fault.SLOW, Fault.CUT_BEFORE))
            injected.append(faults.inject(other, *LOOKS, times=2, seconds=0.3))
        return injected

    def _lift(self, trouble: Fault | None, injected: list[Injected]) -> None:
        """What is held comes now, or when the next daemon looks for it already."""
        if self._late:
            self.gate.faults.lift(*self._late)
        self._late = injected if trouble is Fault.HUNG else []
        if injected and not self._late:
            self.gate.faults.lift(*injected)

    def _submit(self) -> None:
        name = name_of(len(self.jobs))
        body = {"pipeline": "start", "environment": name, "params": {"pipeline": name}}
        job = insisting(lambda: self.installation.client.post("/v1/jobs", body, name))
        self.jobs.append(job["id"])

    def _cancel(self) -> None:
        """Sometimes, what was killed at its start."""
        if not self.jobs or self.chance.random() > 0.15:
            return
        try:
            self.installation.client.post(f"/v1/jobs/{self.jobs[-1]}/cancel", {})
        except Refused as refused:
            assert refused.status == 409, refused  # it has ended


def judge(installation: Installation, gate: Gate, killer: Killer) -> None:
    """All that was promised, of each job and of the executions of its pipeline."""
    executions = gate.bed.executions(gate.application)
    said: dict[str, int] = {}
    recovered = 0
    for number, id in enumerate(killer.jobs):
        job = installation.job(id)
        found = [one for one in executions if one["name"] == name_of(number)]
        posts = [one for one in gate.asked(Call.TRIGGER) if one.parts[-1] == name_of(number)]
        log = installation.state / "jobs" / str(id) / "steps" / "start" / "1" / "log"
        recovered += log.exists() and RECOVERED in log.read_text()
        assert len(posts) <= 1, posts
        judge_job(job, found, bool(posts))
        said[job["conclusion"]] = said.get(job["conclusion"], 0) + 1
    outlived = sum(any(lived_at(one, moment) for one in executions) for moment in killer.kills)
    print(f"{said}; at {outlived} kills an execution was live, {recovered} starts were looked for")
    assert outlived >= KILLS / 10
    assert recovered >= KILLS / 10


def judge_job(job: dict[str, Any], executions: Sequence[Execution], posted: bool) -> None:
    """What is said of the job is what became of its only execution."""
    (step,) = job["steps"]
    told = f"{job}\n{executions}"
    assert len(executions) <= 1, told
    if not executions:
        assert job["conclusion"] in ("lost", "cancelled"), told
        assert job["dirty"] is (posted or job["conclusion"] == "lost"), told
        assert "execution" not in step["outputs"], told
        return
    (execution,) = executions
    assert step["conclusion"] == WORDS[execution["status"]], told
    assert job["conclusion"] in (step["conclusion"], job["cancel"] and "cancelled"), told
    assert not job["dirty"], told
    if step["conclusion"] != "cancelled":
        assert step["outputs"]["execution"] == execution["id"], told
        assert step["outputs"]["status"] == execution["status"], told


def lived_at(execution: Execution, moment: float) -> bool:
    """Whether it was stored and had not ended. UTC milliseconds."""
    return bool(execution["buildTime"] < moment < execution["endTime"])
