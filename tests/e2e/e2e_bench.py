"""An installation as its users have it: a directory, a daemon, the command line."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.cli.client.daemon import AWAY, Daemon
from orchestrator.cli.client.errors import WaitTimedOut
from orchestrator.cli.staying.watch import watch_to_end
from orchestrator.testing.daemon_process import DaemonProcess, Launch, launch_program

PROGRAM = str(Path(sys.executable).with_name("orchestrator"))
PATIENCE = 120.0

Value = TypeVar("Value")

WAITS = "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"
"""A tool that ends when a file appears."""


class Installation(DaemonProcess):
    """`run` is the command line; `client` speaks HTTP to the daemon itself."""

    def __init__(
        self, root: Path, env: Mapping[str, str] | None = None, launch: Launch = launch_program
    ) -> None:
        super().__init__(root, env, launch=launch)
        self.client = Daemon(str(self.socket))

    def run(
        self, *words: str, prefix: tuple[str, ...] = (), **env: str
    ) -> subprocess.CompletedProcess[str]:
        """What somebody types, and all that it says."""
        return subprocess.run(
            [*prefix, PROGRAM, *words],
            env=self._cli_env(env),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        """The same, at work while the test goes on."""
        return subprocess.Popen(
            [PROGRAM, *words],
            env=self._cli_env({}),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _cli_env(self, env: Mapping[str, str]) -> dict[str, str]:
        own = {"ORCHESTRATOR_SOCKET": str(self.socket), "NO_COLOR": "1"}
        return {**os.environ, **own, **env}

    def says(self, *words: str) -> str:
        """The output of what must work."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """The same as a document."""
        return json.loads(self.says(*words, "--json"))

    def submit(self, *words: str) -> int:
        """The id of a new job."""
        return int(self.says("submit", *words))

    def job(self, job: int) -> dict[str, Any]:
        """A job, by HTTP."""
        found: dict[str, Any] = self.client.get(f"/v1/jobs/{job}")
        return found

    def jobs(self, **filters: str) -> list[dict[str, Any]]:
        """Every job that there is, the newest first; lists of the command line have an end."""
        found: list[dict[str, Any]] = []
        before = None
        while True:
            page = self.client.get("/v1/jobs", limit=200, before=before, **filters)
            found += page["jobs"]
            before = page["next"]
            if before is None:
                return found

    def events(self) -> list[dict[str, Any]]:
        """The whole journal."""
        return [json.loads(line) for line in self.says("events", "--json").splitlines()]

    def finished(self, job: int, patience: float = PATIENCE) -> dict[str, Any]:
        """A job, when it has ended: the stream of its changes tells."""
        end = time.monotonic() + patience
        try:
            return dict(watch_to_end(self.client, job, lambda seen: None, deadline=end))
        except WaitTimedOut as error:
            raise AssertionError(f"job {job} ends: not within {patience:g} s") from error

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits or is owed."""
        status = insisting(lambda: self.client.get("/v1/status"))
        waits = status["queued"] or status["preparing"]
        return not (status["running"] or waits or status["debts"])

    def until_idle(self) -> None:
        """Return when everything is done."""
        try:
            until("everything is done", lambda: self.idle)
        except AssertionError as error:
            status = json.dumps(self.client.get("/v1/status"), indent=1)
            raise AssertionError(f"{error}\n{status}\n{self.log_tail()}") from error

    def at_work(self, job: int) -> int:
        """The pid of the tool of a job, when it runs."""

        def pid() -> int | None:
            return next((step["pid"] for step in self.job(job)["steps"] if step["pid"]), None)

        found = until(f"the tool of job {job} runs", pid)
        assert found is not None
        return found


def until(what: str, holds: Callable[[], Value], patience: float = PATIENCE) -> Value:
    """Return what `holds` gives as soon as that is something."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, f"{what}: not within {patience:g} s"
        time.sleep(0.02)
    return found


def insisting(ask: Callable[[], Value]) -> Value:
    """Ask until a daemon answers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except AWAY:
            assert time.monotonic() < end, "no daemon answers"
            time.sleep(0.01)


def seeded(name: str) -> random.Random:
    """Chance; the seed is printed where the test fails. ORCHESTRATOR_SEED repeats one."""
    seed = int(os.environ.get("ORCHESTRATOR_SEED", time.time_ns() % 1_000_000))
    print(f"{name}: ORCHESTRATOR_SEED={seed}")
    return random.Random(seed)


def command(code: str, *arguments: object) -> str:
    """A `with` table whose tool is Python."""
    argv = [sys.executable, "-S", "-c", f"import os, pathlib, signal, sys, time\n{code}"]
    return f"{{ run = {json.dumps([*argv, *map(str, arguments)])} }}"


def one_step(code: str, *arguments: object, top: str = "", step: str = "") -> str:
    """A deploy of one step that runs Python."""
    return (
        f'kind = "deploy"\nforce_after = 0\n{top}\n[[steps]]\nname = "work"\nuses = "command"\n'
        f"{step}\nwith = {command(code, *arguments)}\n"
    )


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)
