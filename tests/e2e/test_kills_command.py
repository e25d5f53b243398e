"""The daemon is killed a hundred times while real commands run; nothing that was promised breaks.

Every moment is drawn from a seed that a failure prints. Most daemons are forked from a process
that has imported the same program already, some are started from nothing.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.errors import Refused
from orchestrator.testing.daemon_process import is_gone, kill, launch_program
from orchestrator.testing.daemon_zygote import Zygote
from tests.e2e.e2e_bench import Installation, insisting, seeded, until
from tests.e2e.kill_verdict import (
    Trace,
    at_work_during,
    exclusion_held,
    logs_are_whole,
    no_cleanup_skipped,
    none_ran_twice,
    outcomes_are_true,
)

pytestmark = pytest.mark.slow

KILLS = 100
ENVIRONMENTS = ("north", "south", "east")
TOOL = Path(__file__).with_name("kill_tool.py")
OTHERS = 12
"""One of so many daemons is started from nothing; so many jobs come by the command line."""


def files(trace: Path) -> dict[str, str]:
    """A deploy that owes a cleanup, and a test that runs beside cleanups and tests only."""

    def step(name: str, lines: str, more: str = "") -> str:
        argv = [sys.executable, "-S", str(TOOL), str(trace), lines, "${params.exit}"]
        run = ", ".join(f"'{argument}'" for argument in argv)
        return f'[[steps]]\nname = "{name}"\nuses = "command"\n{more}\nwith = {{ run = [{run}] }}\n'

    params = '[params.lines]\ndefault = "10"\n[params.exit]\ndefault = "0"\n'
    deploy = step("apply", "${params.lines}") + step("smoke", "3", "touches = false")
    return {
        **{f"environments/{name}.toml": "" for name in ENVIRONMENTS},
        "pipelines/web.toml": 'kind = "deploy"\ncleanup = { pipeline = "tidy", params = {} }\n'
        + params
        + deploy,
        "pipelines/tidy.toml": f'kind = "cleanup"\n{params}{step("tidy", "5")}',
        "pipelines/look.toml": f'kind = "test"\n{params}{step("look", "8", "touches = false")}',
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
        pipeline = self.chance.choice(("web", "web", "look"))
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


def test_a_hundred_kills(tmp_path: Path, zygote: Zygote, request: pytest.FixtureRequest) -> None:
    trace_file = tmp_path / "trace"
    chance = seeded(request.node.name)
    with Installation(tmp_path, launch=zygote.launch) as installation:
        main = 'capacity = 6\n[kinds.test]\nexcludes = ["deploy"]\n'
        installation.write(files(trace_file), main)
        users = Users(installation, random.Random(chance.random()))
        users.start()
        kills = kill_again_and_again(installation, zygote, chance)
        users.enough.set()
        installation.start()
        users.join()
        assert users.error is None, users.error
        printed = users.answers_of_command_line()
        trace = judge(installation, trace_file, set(users.accepted.values()) | printed)
        outlived = at_work_during(trace, kills)
        assert outlived >= KILLS / 10, f"only {outlived} tools were at work when a daemon died"


def kill_again_and_again(
    installation: Installation, zygote: Zygote, chance: random.Random
) -> list[int]:
    """Daemons one after another, killed before or after they are ready. When that was."""
    kills = []
    for _ in range(KILLS):
        fresh = chance.randrange(OTHERS) == 0
        installation.launcher = launch_program if fresh else zygote.launch
        if chance.random() < 0.2:
            installation.launch()
        else:
            installation.start()
        time.sleep(chance.uniform(0, 0.4))
        kills.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        installation.kill()
        if chance.random() < 0.1:
            for pid in installation.keepers():
                kill(pid)
    return kills


def judge(
    installation: Installation,
    trace_file: Path,
    accepted: set[int],
    lost: frozenset[int] | set[int] = frozenset(),
) -> Trace:
    """All that was promised; what the tools wrote."""
    installation.until_idle()
    assert installation.client.get("/v1/status")["quarantines"] == []
    jobs = {job["id"]: job for job in all_jobs(installation)}
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


def all_jobs(installation: Installation) -> Iterator[dict[str, Any]]:
    """Every job, with its steps."""
    before = None
    while True:
        page = installation.client.get("/v1/jobs", limit=200, before=before)
        for job in page["jobs"]:
            yield installation.job(job["id"])
        before = page["next"]
        if before is None:
            return


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
        assert len(trace.begins[lost, "apply", 1]) == 1
        assert is_gone(pid)
