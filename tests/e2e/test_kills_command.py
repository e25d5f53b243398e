"""The daemon is killed while real commands run; nothing that was promised breaks.

First at named moments (`kill_points`), each of which must be reached, then at random for a
fixed time (`seed_budget`), from a seed that a failure prints, while users submit and cancel.
Most daemons are forked from a process that has imported the same program already, some are started
from nothing. The last line of the run says how many kills hit which moment.
"""

import random
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from orchestrator.cli.client.errors import Refused
from orchestrator.testing.daemon_process import is_gone, kill, launch_program
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, insisting, seeded, until
from tests.e2e.kill_bench import KillBench, kill_at_named_moments
from tests.e2e.kill_points import CommandPoints
from tests.e2e.kill_verdict import (
    Trace,
    at_work_during,
    exclusion_held,
    logs_are_whole,
    no_cleanup_skipped,
    none_ran_twice,
    outcomes_are_true,
)
from tests.e2e.kill_ways import PLACES
from tests.proof_lines import CountProof, ReportProof
from tests.seed_budget import seconds

pytestmark = pytest.mark.slow

PROOF = "kills-command"
FEWEST = 5
"""Kills at random, however long each takes."""
ENVIRONMENTS = ("north", "south", "east")
TOOL = Path(__file__).with_name("kill_tool.py")
OTHERS = 12
"""One of so many daemons is started from nothing; so many jobs come by the command line."""


PARAMS = {"lines": 10, "exit": 0, "linger": 0, "smoke": 3, "wipe": 3, "tidy": 5}
"""Lines of the step, of the second one, of the step's own cleanup, of the cleanup that is owed."""


def files(trace: Path) -> dict[str, str]:
    """Deploys that owe a cleanup, one with a cleanup of its step too, and a test that runs beside
    cleanups and tests only."""

    def tool(lines: str, code: str = "${params.exit}", part: str = "") -> str:
        argv = [sys.executable, "-S", str(TOOL), str(trace), lines, code, "${params.linger}", part]
        return "[" + ", ".join(f"'{argument}'" for argument in argv) + "]"

    def step(name: str, lines: str, more: str = "", cleanup: str = "") -> str:
        run = f"{{ run = {tool(f'${{params.{lines}}}')}{cleanup} }}"
        return f'[[steps]]\nname = "{name}"\nuses = "command"\n{more}\nwith = {run}\n'

    params = "".join(f'[params.{name}]\ndefault = "{value}"\n' for name, value in PARAMS.items())
    owes = 'cleanup = { pipeline = "tidy", params = { lines = "${params.tidy}" } }\n'
    deploy = f'kind = "deploy"\n{owes}{params}'
    own = f", cleanup = {tool('${params.wipe}', '0', 'cleanup')}"
    smoke, tidy, look = (
        step(name, lines, "touches = false")
        for name, lines in (("smoke", "smoke"), ("tidy", "lines"), ("look", "lines"))
    )
    return {
        **{f"environments/{name}.toml": "" for name in (*ENVIRONMENTS, *PLACES)},
        "pipelines/web.toml": f"{deploy}{step('apply', 'lines')}{smoke}",
        "pipelines/wash.toml": f"{deploy}{step('apply', 'lines', cleanup=own)}",
        "pipelines/tidy.toml": f'kind = "cleanup"\n{params}{tidy}',
        "pipelines/look.toml": f'kind = "test"\n{params}{look}',
    }


class Users(threading.Thread):
    """Submit and cancel all the time, and ask again until they are answered."""

    def __init__(self, installation: Installation, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.installation = installation
        self.chance = chance
        self.accepted: dict[str, int] = {}
        self.enough = threading.Event()
        self.error: BaseException | None = None
        self._commands: list[subprocess.Popen[str]] = []

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self._act()
        except BaseException as error:
            self.error = error

    def _act(self) -> None:
        if self.chance.randrange(OTHERS) == 0:
            self._submit_by_command_line()
        else:
            self._submit()
        if self.accepted and self.chance.random() < 0.4:
            self._cancel(self.chance.choice(list(self.accepted.values())[-8:]))
        self.enough.wait(self.chance.uniform(0, 0.25))

    def _submit(self) -> None:
        key = f"key {len(self.accepted)}"
        pipeline = self.chance.choice(("web", "web", "wash", "look"))
        params = {"lines": str(self.chance.randrange(30)), "exit": self.chance.choice("0003")}
        body = {
            "pipeline": pipeline,
            "environment": self.chance.choice(ENVIRONMENTS),
            "params": params,
        }
        job = insisting(lambda: self.installation.client.post("/v1/jobs", body, key))
        assert key not in self.accepted
        self.accepted[key] = job["id"]

    def _submit_by_command_line(self) -> None:
        environment = self.chance.choice(ENVIRONMENTS)
        self._commands.append(self.installation.spawn("submit", "web", environment))

    def _cancel(self, job: int) -> None:
        try:
            insisting(lambda: self.installation.client.post(f"/v1/jobs/{job}/cancel", {}))
        except Refused as refused:
            assert refused.status == 409, refused  # it has ended

    def answers_of_command_line(self) -> set[int]:
        """The ids that were printed."""
        printed = set()
        for command in self._commands:
            out, error = command.communicate(timeout=120)
            if command.returncode == 0:
                printed.add(int(out))
            else:
                assert command.returncode == 5, error  # no daemon was there just then
        return printed


@pytest.mark.timeout(900)  # a proof kills for five minutes
def test_kills(
    tmp_path: Path,
    zygote: Zygote,
    request: pytest.FixtureRequest,
    count_proof: CountProof,
    report_proof: ReportProof,
) -> None:
    trace_file = tmp_path / "trace"
    chance = seeded(request.node.name)
    with Installation(tmp_path, launch=zygote.launch) as installation:
        main = 'capacity = 8\n[kinds.test]\nexcludes = ["deploy"]\n'
        installation.write(files(trace_file), main)
        bench = KillBench(installation)
        named = kill_at_named_moments(bench, CommandPoints(bench).all)
        first = len(bench.kills)
        end = time.monotonic() + seconds(PROOF)
        accepted = kill_at_random(bench, zygote, chance, end)
        trace = judge(installation, trace_file, bench.accepted | accepted)
        outlived = at_work_during(trace, bench.kills[first:])
        assert outlived >= (len(bench.kills) - first) / 10, f"{outlived} tools outlived a daemon"
        figures = {"kills": len(bench.kills), "named moments": named}
        count_proof(PROOF, {**figures, "jobs": len(trace.spans()), "tools": len(trace.begins)})
        report_proof(PROOF, bench.told())


def kill_at_random(bench: KillBench, zygote: Zygote, chance: random.Random, end: float) -> set[int]:
    """The jobs that users were promised meanwhile."""
    users = Users(bench.installation, random.Random(chance.random()))
    users.start()
    kill_again_and_again(bench, zygote, chance, end)
    users.enough.set()
    bench.installation.launcher = zygote.launch
    bench.installation.start()
    users.join()
    assert users.error is None, users.error
    return set(users.accepted.values()) | users.answers_of_command_line()


def kill_again_and_again(
    bench: KillBench, zygote: Zygote, chance: random.Random, end: float
) -> None:
    """Daemons one after another, killed before or after they are ready, until it is time."""
    installation = bench.installation
    for number in count():
        if number >= FEWEST and time.monotonic() > end:
            return
        fresh = chance.randrange(OTHERS) == 0
        installation.launcher = launch_program if fresh else zygote.launch
        if chance.random() < 0.2:
            installation.launch()
        else:
            installation.start()
        time.sleep(chance.uniform(0, 0.4))
        bench.kill()
        if chance.random() < 0.1:
            for pid in installation.keepers():
                kill(pid)


def judge(
    installation: Installation,
    trace_file: Path,
    accepted: set[int],
    lost: frozenset[int] | set[int] = frozenset(),
) -> Trace:
    """All that was promised; what the tools wrote."""
    installation.until_idle()
    assert installation.client.get("/v1/status")["quarantines"] == []
    jobs = {job["id"]: installation.job(job["id"]) for job in installation.jobs()}
    assert accepted <= set(jobs), f"lost: {accepted - set(jobs)}"
    submitted = {job["id"] for job in jobs.values() if job["cleanup_for"] is None}
    assert submitted == accepted, f"nobody submitted {submitted - accepted}"
    assert {job["phase"] for job in jobs.values()} == {"finished"}
    known = {"success", "failure", "cancelled"}
    others = {job["id"] for job in jobs.values() if job["conclusion"] not in known}
    assert others == lost, {job: jobs[job] for job in others ^ lost}
    trace = Trace(trace_file)
    none_ran_twice(trace)
    exclusion_held(trace)
    outcomes_are_true(trace, jobs)
    logs_are_whole(trace, installation.state)
    no_cleanup_skipped(trace, jobs)
    print(f"{len(jobs)} jobs, {len(trace.begins)} processes, {len(accepted)} submissions")
    return trace


@pytest.mark.parametrize("daemon_too", [False, True], ids=["supervisor", "everything"])
def test_a_killed_supervisor_loses_its_step(
    tmp_path: Path, zygote: Zygote, daemon_too: bool
) -> None:
    """A killed supervisor loses its step, and nothing else."""
    trace_file = tmp_path / "trace"
    with Installation(tmp_path, launch=zygote.launch) as installation:
        installation.write(files(trace_file), '[kinds.test]\nexcludes = ["deploy"]\n')
        installation.start()
        words = ["web", "north", "-p", "lines=200"]
        lost, next_one = installation.submit(*words), installation.submit("web", "north")
        pid = installation.at_work(lost)
        until("the tool has begun", lambda: Trace(trace_file).begins)
        if daemon_too:
            installation.kill()
        for keeping in (*installation.supervisors(), *(installation.keepers() * daemon_too)):
            kill(keeping)
        if daemon_too:
            assert not is_gone(pid)
            installation.start()
        assert installation.run("wait", str(lost)).returncode == 7
        assert installation.finished(next_one)["conclusion"] == "success"
        trace = judge(installation, trace_file, {lost, next_one}, lost={lost})
        assert [step["conclusion"] for step in installation.job(lost)["steps"]] == [
            "lost",
            "not_run",
        ]
        assert len(trace.begins[lost, "apply", 1, ""]) == 1
        assert is_gone(pid)
