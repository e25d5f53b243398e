"""Real keepers, supervisors and tools; whatever a test leaves is killed after it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import trio

from orchestrator.process import identity, state
from orchestrator.process.host import ProcessHost
from orchestrator.process.spec import ProcessSpec

_DAEMON = """
import sys
from pathlib import Path
import msgspec, trio
from orchestrator.process.host import ProcessHost
from orchestrator.process.spec import ProcessSpec

async def main():
    host = ProcessHost(Path(sys.argv[1]))
    directory = Path(sys.argv[2])
    if sys.argv[4] == "start":
        print("asking", flush=True)
        await host.start(directory, msgspec.json.decode(sys.argv[3], type=ProcessSpec))
        print("started", flush=True)
        print(await host.wait(directory), flush=True)
    else:
        print(await host.signal_once(directory, sys.argv[4], 2), flush=True)

trio.run(main)
"""


async def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fail when it does not within ten seconds."""
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110  files and /proc tell no event
            await trio.sleep(0.005)


def kill(pid: int) -> None:
    """SIGKILL, and return when the process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    select.select([descriptor], [], [])
    os.close(descriptor)


def pids_below(root: Path) -> list[int]:
    """Every living process that names this root, or stands in it: keepers, supervisors, tools."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                cwd = str((folder / "cwd").readlink())
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if cwd.startswith(str(root)) or os.fsencode(root) in command:
                found.append(int(folder.name))
    return found


def is_gone(pid: int) -> bool:
    """Whether this pid is nobody's, or a zombie's."""
    stat = identity.read_stat(pid)
    return stat is None or stat.ended


class Bench:
    """A host of its own, and directories for processes.

    `process` is the one that most tests need: its tools write a line to `runs` when executed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runtime_dir = root / "run"
        self.host = ProcessHost(self.runtime_dir)
        self.runs = root / "runs"
        self.until = until
        self.kill = kill
        self.is_gone = is_gone
        self._daemons: list[subprocess.Popen[bytes]] = []

    def directory(self, name: str = "process") -> Path:
        return self.root / "attempts" / name

    def spec(self, name: str, *argv: str, **fields: object) -> ProcessSpec:
        """A tool that writes to `<name>.log`, with a small environment."""
        log = str(self.root / f"{name}.log")
        spec = ProcessSpec(
            argv=argv,
            env={"PATH": os.environ["PATH"]},
            cwd=str(self.root),
            stdout=log,
            stderr=log,
        )
        return msgspec.structs.replace(spec, **fields)

    def python(self, name: str, code: str, **fields: object) -> ProcessSpec:
        """Python code as the tool, after it has written to `runs`."""
        counting = "import os; open('runs', 'a').write('ran\\n')\n"
        return self.spec(name, sys.executable, "-S", "-c", counting + code, **fields)

    def gated(self, name: str = "process", code: str = "") -> ProcessSpec:
        """A tool that runs until `open_gate` and then exits with 7."""
        os.mkfifo(self.root / "gate")
        return self.python(name, code + "\nopen('gate').read(); os._exit(7)")

    def open_gate(self) -> None:
        (self.root / "gate").write_text("go")

    def log(self, name: str = "process") -> str:
        return (self.root / f"{name}.log").read_text()

    def run_count(self) -> int:
        return self.runs.read_text().count("ran\n") if self.runs.exists() else 0

    def keeper(self) -> int:
        return int((self.runtime_dir / "keeper.lock").read_text().split()[0])

    def supervisor(self, name: str = "process") -> int:
        claim = state.read_claim(self.directory(name))
        assert claim is not None
        return claim.pid

    def tool(self, name: str = "process") -> int:
        tool = state.read_tool(self.directory(name))
        assert tool is not None
        return tool.pid

    def daemon(self, spec: ProcessSpec, task: str = "start") -> subprocess.Popen[bytes]:
        """Another daemon, to be killed: starts and awaits `process`, or signals it by an id."""
        command = [sys.executable, "-c", _DAEMON, str(self.runtime_dir), str(self.directory())]
        process = subprocess.Popen(
            [*command, msgspec.json.encode(spec).decode(), task], stdout=subprocess.PIPE
        )
        self._daemons.append(process)
        return process

    async def told(self, daemon: subprocess.Popen[bytes], line: str) -> None:
        """Return when that daemon has printed this line; fail when it prints no more."""
        assert daemon.stdout is not None
        while (
            said := await trio.to_thread.run_sync(daemon.stdout.readline)
        ).strip().decode() != line:
            assert said, f"the daemon ended before it said {line!r}"

    def end(self) -> None:
        self.host.close()
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()
            assert daemon.stdout is not None
            daemon.stdout.close()
        while pids := pids_below(self.root):
            for pid in pids:
                kill(pid)
