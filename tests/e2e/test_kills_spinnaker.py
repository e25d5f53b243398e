"""The daemon is killed at every moment that matters while it starts, follows and ends executions in
Spinnaker, then at random, and what Gate answers is late or lost: never are there two for one
attempt, and what is said of each is true.

Judged by the list of executions that the engine itself has.
"""

import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, seeded
from tests.e2e.spinnaker_kills import LONG, SHORT, Killer, Trial
from tests.e2e.spinnaker_points import POINTS
from tests.proof_lines import CountProof, ReportProof
from tests.seed_budget import seconds
from tests.testbed.spinnaker.spinnaker_bed import Bed, Execution
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault, Injected
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import verdict

pytestmark = [pytest.mark.spinnaker, pytest.mark.slow]

PROOF = "kills-spinnaker"
FEWEST = 5
"""Kills at random, however long each takes."""
HELD = (Fault.ANSWER_HELD, Fault.HUNG)
"""The daemon dies while a post of it is not answered; the second reaches Orca after that."""
NEVER = (Fault.CUT_BEFORE, Fault.GATE_500, Fault.ORCA_DOWN)
"""The post reaches nobody, which the daemon can't know."""
TROUBLES: tuple[Fault | None, ...] = (
    *[Fault.ANSWER_HELD] * 15,
    *[Fault.HUNG] * 10,
    *[Fault.SLOW] * 10,
    *[Fault.CUT_AFTER] * 8,
    *[Fault.TRUNCATED] * 4,
    *[Fault.NOT_JSON] * 3,
    *NEVER * 2,
    *[None] * 44,
)
"""What becomes of the posts."""
LOOKS = (Call.SEARCH, Call.EXECUTION, Call.EXECUTIONS)
WORDS = {"SUCCEEDED": "success", "TERMINAL": "failure", "CANCELED": "cancelled"}
RANDOM = "at random"
ANY = "success failure cancelled lost"
RECOVERED = "whether the pipeline was started is not known: the daemon ended meanwhile"


@pytest.mark.timeout(900)  # a proof kills for five minutes
def test_kills(
    tmp_path: Path,
    zygote: Zygote,
    gate: Gate,
    request: pytest.FixtureRequest,
    count_proof: CountProof,
    report_proof: ReportProof,
) -> None:
    chance = seeded(request.node.name)
    with Installation(tmp_path, launch=zygote.launch) as installation:
        killer = Killer(installation, gate)
        kill_at_each_point(killer)
        AtRandom(killer, chance).kill_until(time.monotonic() + seconds(PROOF))
        killer.start()
        installation.until_idle()
        said = judge(killer)
    count_proof(PROOF, {"kills": len(killer.kills), "named points": len(POINTS)})
    kills = "; ".join(f"{count} x {point}" for point, count in killer.points.items())
    report_proof(PROOF, f"{said}, they hit: {kills}")


def kill_at_each_point(killer: Killer) -> None:
    """Each of them is reached, or this fails."""
    for point in POINTS:
        killer.start()
        with point(killer):
            killer.kill(point.__name__)


class AtRandom:
    """Kills daemons around posts, one after another, in moments that chance gives."""

    def __init__(self, killer: Killer, chance: random.Random) -> None:
        self.killer = killer
        self.gate = killer.gate
        self.chance = chance
        self._late: list[Injected] = []

    def kill_until(self, end: float) -> None:
        """Until this time of the monotonic clock, and often enough."""
        while time.monotonic() < end or self.killer.points[RANDOM] < FEWEST:
            if self.chance.random() < 0.1:  # it was not even ready
                self.killer.installation.launch()
                time.sleep(self.chance.uniform(0, 0.3))
                self.killer.kill("not ready")
            self.killer.start()
            if self._late:
                self.gate.faults.lift(*self._late)  # this daemon looks for it already
            self._cancel()
            self._submit_and_kill(self.chance.choice(TROUBLES))
        self.gate.faults.lift()

    def _cancel(self) -> None:
        """Sometimes, what was killed at its start."""
        trials = self.killer.trials
        if "cancelled" in trials[-1].ends and self.chance.random() < 0.15:
            self.killer.cancel(trials[-1])

    def _submit_and_kill(self, trouble: Fault | None) -> None:
        injected = self._inject(trouble)
        status = self.chance.choice([*["SUCCEEDED"] * 3, "TERMINAL"])
        stage = verdict("work", status, seconds=1)
        trial = self.killer.begin(stage, ends=ANY, settle=SHORT if trouble in NEVER else LONG)
        if trouble in HELD or self.chance.random() < 0.5:
            self.gate.wait_for_requests(Call.TRIGGER, about=trial.name)
            time.sleep(self.chance.uniform(0, 0.1))
        else:
            time.sleep(self.chance.uniform(0, 0.5))
        self.killer.kill(RANDOM)
        self._late = injected if trouble is Fault.HUNG else []
        if injected and not self._late:
            self.gate.faults.lift(*injected)

    def _inject(self, trouble: Fault | None) -> list[Injected]:
        faults = self.gate.faults
        injected = []
        if trouble is not None:
            injected.append(faults.inject(trouble, Call.TRIGGER, times=1, seconds=0.3))
        if self.chance.random() < 0.2:
            other = self.chance.choice((Fault.GATE_503, Fault.SLOW, Fault.CUT_BEFORE))
            injected.append(faults.inject(other, *LOOKS, times=2, seconds=0.3))
        return injected


# --- the verdict ----------------------------------------------------------------------------


def judge(killer: Killer) -> str:
    """All that was promised, of each job and of the executions of its pipeline; the figures."""
    executions = killer.gate.bed.executions(killer.gate.application)
    said: Counter[str] = Counter()
    recovered = 0
    for trial in killer.trials:
        job = killer.installation.job(trial.job)
        found = executions_of(trial, job, executions, killer.gate.bed)
        posts = len(killer.gate.asked(Call.TRIGGER, about=trial.name)) - killer.refused[trial.name]
        assert posts <= 1, f"{posts} posts of {trial}"
        judge_job(trial, job, found, posted=bool(posts))
        recovered += RECOVERED in trial.log
        said[job["conclusion"]] += 1
    outlived = sum(
        any(lived_at(execution, moment) for execution in executions) for moment in killer.kills
    )
    assert outlived >= len(killer.kills) / 10
    assert recovered >= len(killer.kills) / 10
    ends = ", ".join(f"{count} {conclusion}" for conclusion, count in said.items())
    return f"{ends}, {outlived} met a live execution, {recovered} starts were looked for"


def executions_of(
    trial: Trial, job: dict[str, Any], listed: Sequence[Execution], bed: Bed
) -> list[Execution]:
    """Those of the trial's pipeline, and the one that the job names.

    Orca's index of an application may lack one: an id whose execution it does not find yet, while
    it is being stored, it takes out of the index for good. The execution itself is there.
    """
    found = [execution for execution in listed if execution["name"] == trial.name]
    (step,) = job["steps"]
    named = step["outputs"].get("execution")
    if named and named not in [execution["id"] for execution in found]:
        unlisted = bed.execution(named)
        assert unlisted["name"] == trial.name
        found.append(unlisted)
    return found


def judge_job(
    trial: Trial, job: dict[str, Any], executions: Sequence[Execution], *, posted: bool
) -> None:
    """What is said of the job is what became of its only execution."""
    (step,) = job["steps"]
    told = f"{trial}\n{job}\n{executions}\n{trial.log}"
    assert job["conclusion"] in trial.ends, told
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
