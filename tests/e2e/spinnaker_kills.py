"""A daemon that starts executions in Spinnaker, and is killed again and again."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.cli.client.errors import Refused
from tests.e2e.e2e_bench import Installation, insisting, until
from tests.testbed.spinnaker.spinnaker_bed import Execution
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import Config, pipeline
from tests.testbed.spinnaker.spinnaker_users import DEPLOYER

LOGIN = f'{{ username = "{DEPLOYER.name}", password = "{DEPLOYER.password}" }}'
LONG = "20s"
"""The `settle` of what comes late: this host may be slow."""
SHORT = "1s"
"""Of what never comes."""
AUTHS = ("basic", "session")
"""The pipelines: how the daemon logs in."""
AHEAD = 4
"""Environments that a daemon has beside those that were used; more than one life needs."""


def step(gate: Gate, auth: str) -> str:
    """Ours for all of Spinnaker's pipelines."""
    return f"""kind = "deploy"
[params.pipeline]
required = true
[params.settle]
required = true
[[steps]]
name = "start"
uses = "spinnaker"
[steps.with]
gate = "{gate.url}"
application = "{gate.application}"
pipeline = "${{params.pipeline}}"
auth = {{ {auth} = {LOGIN} }}
poll = "0.2s"
settle = "${{params.settle}}"
"""


@dataclass(frozen=True)
class Trial:
    """One job, alone in its environment, with a pipeline of Spinnaker's for it alone."""

    name: str
    """Of the environment, and of Spinnaker's pipeline."""
    job: int
    work: Path
    """Where its only attempt keeps its files."""
    ends: frozenset[str]
    """What its conclusion may be."""

    @property
    def noted(self) -> dict[str, Any]:
        """What the attempt has written down for those who come after it."""
        file = self.work / "scratch" / "attempt.json"
        found: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
        return found

    @property
    def log(self) -> str:
        """Of the attempt."""
        file = self.work / "log"
        return file.read_text() if file.exists() else ""


class Killer:
    """Starts jobs and kills daemons.

    `kills` are in UTC milliseconds, `points` says how many there were where, and `refused` how many
    posts of a pipeline Gate has not taken.
    """

    def __init__(self, installation: Installation, gate: Gate) -> None:
        self.installation = installation
        self.gate = gate
        self.trials: list[Trial] = []
        self.kills: list[float] = []
        self.points: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        installation.write({f"pipelines/{auth}.toml": step(gate, auth) for auth in AUTHS})
        self._prepare_environments()

    # --- daemons -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start a daemon, unless one runs."""
        if not self.installation.running:
            self.installation.start()

    def kill(self, point: str) -> None:
        """Kill the daemon, which is where this says."""
        self.kills.append(time.time() * 1000)
        self.installation.kill()
        self.points[point] += 1
        self._prepare_environments()

    def _prepare_environments(self) -> None:
        names = map(name_of, range(len(self.trials), len(self.trials) + AHEAD))
        self.installation.write({f"environments/{name}.toml": "" for name in names})

    @contextmanager
    def journal_locked(self) -> Iterator[None]:
        """The daemon can't commit anything while the block runs, which must be short."""
        database = self.installation.state / "state.db"
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                other.execute("ROLLBACK")

    # --- jobs --------------------------------------------------------------------------------

    @property
    def next_name(self) -> str:
        """Of the job that `begin` submits next."""
        return name_of(len(self.trials))

    def begin(
        self, *stages: Config, ends: str = "success", auth: str = "basic", settle: str = LONG
    ) -> Trial:
        """Submit the next job, which runs these stages."""
        name = self.next_name
        self.gate.configure(pipeline(name, *stages))
        params = {"pipeline": name, "settle": settle}
        body = {"pipeline": auth, "environment": name, "params": params}
        job = insisting(lambda: self.installation.client.post("/v1/jobs", body, name))["id"]
        work = self.installation.state / "jobs" / str(job) / "steps" / "start" / "1"
        self.trials.append(Trial(name, job, work, frozenset(ends.split())))
        return self.trials[-1]

    def cancel(self, trial: Trial) -> None:
        """Ask for its end; one that has ended is left alone."""
        try:
            self.installation.client.post(f"/v1/jobs/{trial.job}/cancel", {})
        except Refused as refused:
            assert refused.status == 409, refused

    def executions(self, trial: Trial) -> list[Execution]:
        """Those that Orca has of its pipeline."""
        found = self.gate.bed.executions(self.gate.application)
        return [one for one in found if one["name"] == trial.name]

    def step_of(self, trial: Trial) -> dict[str, Any]:
        """Its only step, as the daemon tells it."""
        found: dict[str, Any] = self.installation.job(trial.job)["steps"][0]
        return found

    def until_posted(self, trial: Trial) -> str:
        """Return its correlation id when the front has its post."""
        self.gate.wait_for_requests(Call.TRIGGER, about=trial.name)
        correlation: str = trial.noted["correlation"]
        return correlation

    def until_followed(self, trial: Trial) -> str:
        """Return its execution's id when the journal has it, and the execution runs."""
        until(f"{trial.name} is followed", lambda: "execution " in trial.log)
        execution: str = trial.noted["execution"]
        self.gate.bed.wait_until_status(execution, "RUNNING")
        return execution

    def until_asked_again(self, call: Call, about: str) -> None:
        """Return when one more such request has come."""
        before = len(self.gate.asked(call, about=about))
        self.gate.wait_for_requests(call, before + 1, about=about)

    @contextmanager
    def held(self, fault: Fault, call: Call, about: str) -> Iterator[None]:
        """Calls of this kind that name this get no answer while the block runs."""
        with self.gate.fault(fault, call, about=about):
            yield


def name_of(number: int) -> str:
    """Of an environment, and of Spinnaker's pipeline; none is the beginning of another."""
    return f"it-{number:04}"
