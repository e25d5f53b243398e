"""A daemon on a directory of its own, in a process that tests may kill.

Everything is blocking: tests that use it need no async plugin of pytest.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from orchestrator.process import keeper
from orchestrator.process.identity import is_alive, read_stat

START_SECONDS = 60.0
"""What a daemon may take to become ready on a busy machine."""
PROGRAM = "orchestrator.daemon"
KEEPER = b"orchestrator/process/keeper.py"


class DaemonDidNotStart(AssertionError):
    """The daemon ended before it was ready, or took too long; the message holds its log's end."""

    def __init__(self, status: int | None, log: str) -> None:
        self.status = status
        super().__init__(f"the daemon was not ready (exit status {status}):\n{log}")


class Child(Protocol):
    """What is used of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...
    def terminate(self) -> None: ...


Launch: TypeAlias = Callable[[str, Sequence[str], Mapping[str, str], Path], Child]
"""Runs a module with arguments and variables, appending its output to a file."""


def launch_program(
    module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path
) -> Child:
    """The ordinary way."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            start_new_session=True,
        )


class DaemonProcess:
    """One daemon after another on `root / "config"`. Leaving the context ends all of them.

    `write` makes the configuration; `state`, `socket` and `log` lie beside it. `env` is added to
    the environment of the daemon, its PYTHONPATH in front of ours.
    """

    def __init__(
        self,
        root: Path,
        env: Mapping[str, str] | None = None,
        program: str = PROGRAM,
        launch: Launch = launch_program,
    ) -> None:
        self.root = root
        self.directory = root / "config"
        self.state = root / "state"
        self.socket = root / "daemon.sock"
        self.log = root / "daemon.log"
        given = dict(env or {})
        path = filter(None, [given.pop("PYTHONPATH", ""), *sys.path])
        self.env = {"PYTHONPATH": os.pathsep.join(path), **given}
        self.program = program
        self.launcher = launch
        self._process: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.kill()
        end_everything_below(self.root)

    def write(self, files: Mapping[str, str], main: str = "") -> None:
        """Write files of the configuration; `main` is what orchestrator.toml says beside paths."""
        paths = f'state_dir = "{self.state}"\nsocket = "{self.socket}"\n'
        for name, text in {"orchestrator.toml": paths + main, **files}.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def start(self, *arguments: str) -> None:
        """Start a daemon and return when it is ready. Raises DaemonDidNotStart."""
        with _ready_socket(self.root) as (ready, address):
            self.launch(*arguments, NOTIFY_SOCKET=address)
            ended = os.pidfd_open(self.pid)
            try:
                readable, _, _ = select.select([ready.fileno(), ended], [], [], START_SECONDS)
                is_ready = ready.fileno() in readable
            finally:
                os.close(ended)
        if not is_ready:
            status = self.wait() if readable else None
            raise DaemonDidNotStart(status, self.log_tail())

    def launch(self, *arguments: str, **env: str) -> None:
        """Start a daemon and do not wait for it."""
        given = ["--config", str(self.directory), *arguments]
        self._process = self.launcher(self.program, given, {**self.variables(), **env}, self.log)

    def variables(self) -> dict[str, str]:
        """Those of daemons."""
        return {**os.environ, **self.env}

    @property
    def pid(self) -> int:
        """The daemon that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> int:
        """Return its exit status, or minus the signal, when it has ended."""
        assert self._process is not None
        return self._process.wait(START_SECONDS)

    def kill(self) -> None:
        """SIGKILL, if it lives."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def log_tail(self) -> str:
        """The end of what all the daemons wrote."""
        return self.log.read_text(errors="replace")[-8000:] if self.log.exists() else ""

    def keepers(self) -> list[int]:
        """The keeper, if there is one.

        It is the one that its lock names: a supervisor that was just forked has the same command
        line and still stands in the same directory, and whoever kills it has lost a step.
        """
        try:
            pid, start_time = (self.state / "keeper" / keeper.LOCK).read_text().split()
        except (FileNotFoundError, ValueError):
            return []
        return [int(pid)] if is_alive(int(pid), int(start_time)) else []

    def supervisors(self) -> list[int]:
        """The supervisor of each process that runs."""
        return [pid for pid in self._keeping() if not _stands_in(pid, self.state / "keeper")]

    def _keeping(self) -> list[int]:
        return [pid for pid in pids_below(self.root) if KEEPER in _command_of(pid)]

    def tools(self) -> list[int]:
        """Whatever else stands in this directory or names it: what steps have started."""
        others = {self.pid, *self._keeping()} if self._process is not None else self._keeping()
        return [pid for pid in pids_below(self.root) if pid not in others]


@contextmanager
def _ready_socket(root: Path) -> Iterator[tuple[socket.socket, str]]:
    """Where the daemon says READY (sd_notify(3))."""
    path = root / "ready.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(str(path))
        yield ready, str(path)


def pids_below(root: Path) -> list[int]:
    """Every living process that stands below `root` or names it, but for us and our ancestors."""
    ours = set(_ancestors())
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in ours:
            pid = int(folder.name)
            if _stands_in(pid, root) or os.fsencode(root) in _command_of(pid):
                found.append(pid)
    return [pid for pid in found if not is_gone(pid)]


def end_everything_below(root: Path) -> None:
    """SIGKILL whatever is left of daemons, keepers and tools, until nothing is."""
    while pids := pids_below(root):
        for pid in pids:
            kill(pid)


def kill(pid: int) -> None:
    """SIGKILL, and return when the process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [])
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def is_gone(pid: int) -> bool:
    """Whether no process has this pid, or a zombie."""
    stat = read_stat(pid)
    return stat is None or stat.ended


def _stands_in(pid: int, folder: Path) -> bool:
    """Whether its working directory is this one or below it."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid > 0:
        yield pid
        stat = read_stat(pid)
        pid = stat.ppid if stat is not None else 0
