"""Real keepers, supervisors and tools; whatever a test leaves is killed after it."""

import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.process.host import ProcessHost
from orchestrator.process.spec import ProcessSpec


class Bench:
    """A host of its own, and directories for processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runtime_dir = root / "run"
        self.host = ProcessHost(self.runtime_dir)

    def directory(self, name: str = "process") -> Path:
        return self.root / "attempts" / name

    def spec(self, name: str, *argv: str, **fields: object) -> ProcessSpec:
        """A tool that writes to `<name>.log`, with a small environment."""
        log = str(self.root / f"{name}.log")
        settings: dict[str, object] = {
            "argv": argv,
            "env": {"PATH": os.environ["PATH"]},
            "cwd": str(self.root),
            "stdout": log,
            "stderr": log,
        }
        return ProcessSpec(**(settings | fields))  # type: ignore[arg-type]

    def python(self, name: str, code: str, *arguments: str, **fields: object) -> ProcessSpec:
        """A Python one-liner as the tool."""
        return self.spec(name, sys.executable, "-S", "-c", code, *arguments, **fields)

    def log(self, name: str = "process") -> str:
        return (self.root / f"{name}.log").read_text()


def pids_below(root: Path) -> list[int]:
    """Every process that names this root, or stands in it: keepers, supervisors, tools."""
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


def kill_and_await(pids: list[int]) -> None:
    """SIGKILL each and return when all have ended."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        select.select([descriptor], [], [])
        os.close(descriptor)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.host.close()
    while pids := pids_below(tmp_path):
        kill_and_await(pids)
