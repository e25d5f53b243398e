"""`make demo`: the main job on real input, checked as it goes, in a directory of its own.

Every command that it runs is printed as a person would type it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("orchestrator")
PATIENCE = 60.0
CANCELLED = 4


HALF_WAY = {"terraform": "terraform_data.web: Creating", "command": "network: done"}
"""What a tool has said when it is in the middle of its work."""


class Demo:
    """A daemon on a directory of its own, and what was found to hold."""

    def __init__(self, directory: Path, tool: str) -> None:
        self.directory = directory
        self._half_way = HALF_WAY[tool]
        self.held: list[tuple[bool, str]] = []
        self._socket = str(directory / "orchestrator.sock")
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        print(f"\n$ orchestrator serve --config {self.directory} &")
        with (self.directory / "daemon.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                [PROGRAM, "serve", "--config", self.directory], stdout=log, stderr=log
            )
        self.until("the daemon answers", lambda: self.quiet("status").returncode == 0)

    def kill(self) -> None:
        """Kill the daemon as the kernel would."""
        assert self._daemon is not None
        print(f"\n$ kill -9 {self._daemon.pid}    # the daemon")
        self._daemon.send_signal(signal.SIGKILL)
        self._daemon.wait()

    def stop(self) -> None:
        """Stop the daemon, if it runs."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.terminate()
            self._daemon.wait()

    def run(self, *words: str) -> int:
        """Run a command of ours in front of the person; its exit status."""
        print(f"\n$ orchestrator {' '.join(words)}", flush=True)
        return subprocess.run(self._argv(*words), env=self._env(), check=False).returncode

    def quiet(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours and read what it says."""
        return subprocess.run(
            self._argv(*words), env=self._env(), check=False, capture_output=True, text=True
        )

    def job(self, job: int) -> dict[str, Any]:
        """A job as the daemon tells it."""
        found: dict[str, Any] = json.loads(self.quiet("show", str(job), "--json").stdout or "{}")
        return found

    def pid(self, job: int) -> int | None:
        """The process of the step that is at work."""
        return next((step["pid"] for step in self.job(job).get("steps", []) if step["pid"]), None)

    def is_half_way(self, job: int) -> bool:
        """Whether the tool of the job's apply is in the middle of its work."""
        return self._half_way in self.quiet("log", str(job), "apply").stdout

    def events(self) -> list[dict[str, Any]]:
        """The journal."""
        lines = self.quiet("events", "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until something holds. Exits where it does not in time."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                sys.exit(
                    f"demo: {what}: not within {PATIENCE:g} s; see {self.directory}/daemon.log"
                )
            time.sleep(0.1)

    def check(self, text: str, holds: bool) -> None:
        """Write down whether what is shown holds."""
        self.held.append((holds, text))

    def _argv(self, *words: str) -> list[str]:
        return [str(PROGRAM), *words]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "ORCHESTRATOR_SOCKET": self._socket}


def say(text: str) -> None:
    """A line of the story."""
    print(f"\n── {text}", flush=True)


def queue(demo: Demo) -> None:
    """A deploy, the cleanup that it owes, and a second deploy that waits for both."""
    say("Two deploys of one environment. The first owes a cleanup; the second waits for both.")
    demo.run("submit", "web", "staging", "-p", "version=v1", "--reason", "first release")
    demo.run("submit", "web", "staging", "-p", "version=v2", "--reason", "second release")
    demo.until("the tool of job 1 runs", lambda: demo.pid(1) is not None)
    demo.run("jobs")
    demo.run("explain", "2")
    demo.check("job 2 waits while job 1 runs", demo.job(2)["phase"] == "queued")
    say("What the tool says, live:")
    demo.run("log", "1", "apply", "-f")
    demo.check("job 1 succeeded", demo.run("wait", "1") == 0)
    demo.run("show", "1")
    demo.run("environment", "staging")
    demo.until("job 2 runs", lambda: demo.job(2)["phase"] == "running")


def stop(demo: Demo) -> None:
    """A graceful stop in the middle of an apply."""
    say("Job 2 runs now. It is asked to stop: the tool saves its state before it goes.")
    demo.until("job 2 is half-way", lambda: demo.is_half_way(2))
    demo.run("cancel", "2", "--reason", "wrong version")
    demo.check("job 2 ended as cancelled", demo.run("wait", "2") == CANCELLED)
    demo.run("show", "2")
    demo.run("log", "2", "apply", "--tail", "6")
    demo.check("nothing was left dirty", demo.job(2)["dirty"] is False)


def survive(demo: Demo) -> None:
    """A daemon that is killed, and a tool that does not notice."""
    say("A third deploy. The daemon is killed in the middle of it; the tool goes on.")
    params = ("-p", "version=v3", "-p", "seconds=8")
    demo.run("submit", "web", "staging", *params, "--reason", "third release")
    jobs = json.loads(demo.quiet("jobs", "--pipeline", "web", "--json").stdout)["jobs"]
    third = max(job["id"] for job in jobs)
    demo.until("the third deploy is half-way", lambda: demo.is_half_way(third))
    before = demo.pid(third)
    demo.kill()
    demo.check("the tool outlives the daemon", Path(f"/proc/{before}").exists())
    demo.start()
    demo.check("the new daemon adopts the same process", demo.pid(third) == before)
    demo.check("the third deploy succeeded", demo.run("wait", str(third)) == 0)
    demo.run("show", str(third))


def look_back(demo: Demo) -> None:
    """What was journalled, and what that proves."""
    demo.until("nothing is left to do", lambda: not _open_jobs(demo))
    say("What was journalled (all of it: orchestrator events):")
    events = demo.events()
    shown = ("job_submitted", "job_admitted", "job_stop_requested", "debt_incurred", "debt_paid")
    for event in events:
        if event["type"] in (*shown, "job_finished", "daemon_started"):
            who = f"  by {event['by']['user']}" if event["by"] else ""
            job = f"job {event['job']}" if event["job"] else ""
            print(f"  {event['id']:>4}  {event['at']}  {event['type']:<19} {job}{who}")
    demo.check("no two jobs ran at once in staging", _never_together(events))
    paid = sum(event["type"] == "debt_paid" for event in events)
    demo.check("each of the three deploys was cleaned up after", paid == 3)


def _open_jobs(demo: Demo) -> list[Any]:
    jobs = json.loads(demo.quiet("jobs", "--json").stdout)["jobs"]
    return [job for job in jobs if job["phase"] != "finished"]


def _never_together(events: list[dict[str, Any]]) -> bool:
    running: set[int] = set()
    for event in events:
        if event["type"] == "job_admitted":
            running.add(event["job"])
        if event["type"] == "job_finished":
            running.discard(event["job"])
        if len(running) > 1:
            return False
    return True


def report(demo: Demo) -> int:
    """What held; the exit status of the demo."""
    say("What was shown:")
    for holds, text in demo.held:
        print(f"  {'✓' if holds else '✗ NOT SO:'} {text}")
    print(
        f"""
Everything is in {demo.directory}. Go on there:
  export ORCHESTRATOR_SOCKET={demo.directory}/orchestrator.sock
  {PROGRAM} serve --config {demo.directory} &
  {PROGRAM} status
  {PROGRAM} submit web staging -p version=v4 --follow
Or begin your own:  {PROGRAM} init my-config"""
    )
    return 0 if all(holds for holds, _ in demo.held) else 1


def main() -> int:
    """Tell the story."""
    tool = "terraform" if shutil.which("terraform") else "command"
    directory = Path(tempfile.mkdtemp(prefix="orchestrator-demo-"))
    shutil.copytree(HERE / tool, directory, dirs_exist_ok=True)
    if tool == "terraform":
        print("terraform is on PATH: the demo drives it.")
    else:
        print("terraform is not on PATH: the demo runs a script by the `command` adapter instead.")
    demo = Demo(directory, tool)
    try:
        demo.start()
        queue(demo)
        stop(demo)
        survive(demo)
        look_back(demo)
    finally:
        demo.stop()
    return report(demo)


if __name__ == "__main__":
    sys.exit(main())
