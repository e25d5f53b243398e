"""Runs the processes of one test bed, and ends them for certain.

A guardian says on stdout in one line of JSON what it started, then waits until nobody holds
DIRECTORY/users any more, and ends everything. Whatever happens to it, its children get SIGKILL
from the kernel; whatever happens to the users, the kernel drops their locks.
"""

import ctypes
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

START_SECONDS = 240.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_log = logging.getLogger("guardian")


class StartError(Exception):
    """The bed did not get ready; the message has the end of the log that says why."""


class PortTaken(Exception):
    """Somebody else took the port between our look at it and the server's."""


class Guardian(ABC):
    """The processes of one bed, below one directory."""

    leftovers: tuple[str, ...] = ()
    """What they write there that nobody needs when they have ended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.over = threading.Event()

    @abstractmethod
    def start(self) -> dict[str, object]:
        """Start all processes, and return what users must know once they are ready.

        Raises:
            StartError: one of them ended, or took longer than START_SECONDS.
        """

    def spawn(self, name: str, argv: Sequence[str | Path], cwd: Path | None = None) -> None:
        """Start one process, in the bed's directory unless told otherwise; its output in NAME.log.

        Only from the main thread: the kernel's signal comes when the thread ends.
        """
        with self._log(name).open("wb") as log:
            self.children[name] = subprocess.Popen(
                argv,
                cwd=cwd or self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with(os.getpid()),
            )

    def await_ready(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Block until the process of this name `is_ready`.

        Raises:
            PortTaken: a process ended for this reason.
            StartError: a process ended, or START_SECONDS have passed.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for child in self.children:
                self._must_live(child)
            if is_ready():
                return
            time.sleep(0.05)
        raise StartError(f"{name} not ready in {START_SECONDS} s:\n{self.last_said(name)}")

    def watch_over(self, users: int) -> None:
        """Block until the last user is gone, or one of the processes is."""
        for name, child in self.children.items():
            threading.Thread(target=self._await_end, args=(name, child), daemon=True).start()
        threading.Thread(target=self._await_last_user, args=(users,), daemon=True).start()
        self.over.wait()

    def end(self) -> None:
        """Kill all processes and remove what they wrote, but for the logs."""
        for child in self.children.values():
            child.kill()
        for child in self.children.values():
            child.wait()
        self.children.clear()
        for left in self.leftovers:
            path = self.directory / left
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def last_said(self, name: str) -> str:
        """The end of a process's log."""
        return self._log(name).read_text(errors="replace")[-3000:]

    def _must_live(self, name: str) -> None:
        code = self.children[name].poll()
        if code is None:
            return
        if "address already in use" in self._log(name).read_text(errors="replace").lower():
            raise PortTaken(name)
        raise StartError(f"{name} ended with {code}:\n{self.last_said(name)}")

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _await_end(self, name: str, child: subprocess.Popen[bytes]) -> None:
        _log.info("%s ended with %s", name, child.wait())
        self.over.set()

    def _await_last_user(self, users: int) -> None:
        fcntl.flock(users, fcntl.LOCK_EX)
        self.over.set()


class die_with:
    """Runs in a child before its program: it dies with its parent, be it stopped."""

    def __init__(self, parent: int) -> None:
        self.parent = parent

    def __call__(self) -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.parent:  # it died before we asked
            os._exit(1)


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def guard(guardian: Guardian) -> NoReturn:
    """Run a bed until its last user is gone. Never returns: threads may still wait."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    directory = guardian.directory
    users = os.open(directory / "users", os.O_RDWR | os.O_CREAT)
    alive = os.open(directory / "alive", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        told = guardian.start()
        pids = {name: child.pid for name, child in guardian.children.items()}
        _answer(told | {"pids": pids | {"guardian": os.getpid()}})
        guardian.watch_over(users)
    except StartError as error:
        _answer({"error": str(error)})
    finally:
        guardian.end()
    os._exit(0)


def _answer(message: dict[str, object]) -> None:
    """Tell whoever started us, and let go of the pipe."""
    print(json.dumps(message), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
