"""`make demo`: the main job on real input, checked as it goes, in a directory of its own.

Every command that it runs is printed as a person would type it, and can be pasted.
"""

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("orchestrator")
PATIENCE = 60.0
CANCELLED = 4
LONGEST = 48
"""Bytes of $TMPDIR, which leave room for the daemon's sockets: a path of one has at most 107."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

HALF_WAY = {"terraform": "terraform_data.web: Creating", "command": "network: done"}
"""What a tool has said when it is in the middle of its work."""


class Failed(Exception):
    """The demo cannot go on; the message says why."""


class Stopped(Exception):
    """A person, or who runs us, wants no more of it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.status = 128 + number


class Demo:
    """A daemon on a directory of its own, and what was found to hold."""

    def __init__(self, directory: Path, tool: str) -> None:
        self.directory = directory
        self._half_way = HALF_WAY[tool]
        self.held: list[tuple[bool, str]] = []
        self.socket = str(directory / "orchestrator.sock")
        self._log = directory / "daemon.log"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        print(f"\n$ {shlex.join(['orchestrator', 'serve', '--config', str(self.directory)])} &")
        with self._log.open("ab") as log:
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
        print(f"\n$ {shlex.join(['orchestrator', *words])}")
        return subprocess.run(self._argv(*words), env=self._env(), check=False).returncode

    def quiet(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours and read what it says."""
        return subprocess.run(
            self._argv(*words), env=self._env(), check=False, capture_output=True, text=True
        )

    def submit(self, *words: str, reason: str) -> None:
        """Submit a deploy in front of the person, who sees what is wrong with it."""
        status = self.run("submit", "web", "staging", *words, "--reason", reason)
        if status != 0:
            raise Failed(f"the deploy was not accepted (exit {status})")

    def read(self, *words: str) -> str:
        """What a command of ours prints. Raises Failed with what it complains of."""
        done = self.quiet(*words)
        if done.returncode != 0:
            command = shlex.join(["orchestrator", *words])
            raise Failed(f"{command}: {done.stderr.strip() or f'exit {done.returncode}'}")
        return done.stdout

    def job(self, job: int) -> dict[str, Any]:
        """A job as the daemon tells it."""
        found: dict[str, Any] = json.loads(self.read("show", str(job), "--json"))
        return found

    def jobs(self, *words: str) -> list[dict[str, Any]]:
        """All jobs, or those that the options leave."""
        found: list[dict[str, Any]] = json.loads(self.read("jobs", *words, "--json"))["jobs"]
        return found

    def pid(self, job: int) -> int | None:
        """The process of the step that is at work."""
        return next((step["pid"] for step in self.job(job).get("steps", []) if step["pid"]), None)

    def is_half_way(self, job: int) -> bool:
        """Whether the tool of the job's apply is in the middle of its work."""
        return self._half_way in self.quiet("log", str(job), "apply").stdout

    def events(self) -> list[dict[str, Any]]:
        """The journal."""
        lines = self.read("events", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until something holds. Raises Failed where it does not in time."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if self._daemon is not None and self._daemon.poll() is not None:
                said = self._log.read_text(errors="replace").splitlines() or ["it said nothing"]
                raise Failed(f"the daemon has ended (exit {self._daemon.returncode}): {said[-1]}")
            if time.monotonic() > end:
                raise Failed(f"{what}: not within {PATIENCE:g} s; see {self._log}")
            time.sleep(0.1)

    def check(self, text: str, holds: bool) -> None:
        """Write down whether what is shown holds."""
        self.held.append((holds, text))

    def _argv(self, *words: str) -> list[str]:
        return [str(PROGRAM), *words]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "ORCHESTRATOR_SOCKET": self.socket}


def say(text: str) -> None:
    """A line of the story."""
    print(f"\n── {text}")


def queue(demo: Demo) -> None:
    """A deploy, the cleanup that it owes, and a second deploy that waits for both."""
    say("Two deploys of one environment. The first owes a cleanup; the second waits for both.")
    demo.submit("-p", "version=v1", reason="first release")
    demo.submit("-p", "version=v2", reason="second release")
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
    demo.submit("-p", "version=v3", "-p", "seconds=8", reason="third release")
    third = max(job["id"] for job in demo.jobs("--pipeline", "web"))
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
    return [job for job in demo.jobs() if job["phase"] != "finished"]


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
    if "DEMO_IS_REMOVED" not in os.environ:
        go_on(demo)
    return 0 if all(holds for holds, _ in demo.held) else 1


def go_on(demo: Demo) -> None:
    """How to go on with what there is, or to be rid of it."""
    directory, program = shlex.quote(str(demo.directory)), shlex.quote(str(PROGRAM))
    print(
        f"""
Everything is in {demo.directory}. Go on there:
  export ORCHESTRATOR_SOCKET={shlex.quote(demo.socket)}
  {program} serve --config {directory} &
  {program} status
  {program} submit web staging -p version=v4 --follow
Done with it:  rm -r {directory}
Or begin your own:  {program} init my-config"""
    )


def new_directory(tool: str) -> Path:
    """A directory with the configuration for this tool."""
    place = tempfile.gettempdir()
    if len(os.fsencode(place)) > LONGEST:
        place = "/tmp"  # noqa: S108  # where $TMPDIR is too long for a socket
    directory = Path(tempfile.mkdtemp(prefix="orchestrator-demo-", dir=place))
    shutil.copytree(HERE / tool, directory, dirs_exist_ok=True)
    return directory


def tell(demo: Demo) -> int:
    """Tell the story; the exit status of the demo."""
    print(f"\n$ export PATH={shlex.quote(str(PROGRAM.parent))}:$PATH")
    print(f"$ export ORCHESTRATOR_SOCKET={shlex.quote(demo.socket)}")
    try:
        demo.start()
        for part in (queue, stop, survive, look_back):
            part(demo)
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        demo.stop()
    return report(demo)


def main() -> int:
    """Tell the story, or in a line why it ended before its end."""
    for number in STOPPING:
        signal.signal(number, _stop)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True)  # in one order with what the commands print
    tool = "terraform" if shutil.which("terraform") else "command"
    directory = new_directory(tool)
    left = f"what there is stands in {directory}"
    try:
        if tool == "terraform":
            print("terraform is on PATH: the demo drives it.")
        else:
            print("terraform is not on PATH: the demo runs a script by the `command` adapter.")
        return tell(Demo(directory, tool))
    except Failed as failed:
        print(f"demo: {failed}; {left}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(f"\nstopped; {left}", file=sys.stderr)
        return stopped.status
    except BrokenPipeError:  # the reader has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)


if __name__ == "__main__":
    sys.exit(main())
