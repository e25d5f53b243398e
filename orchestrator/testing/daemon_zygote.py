"""Daemons that start in a moment: forked from a process that has imported them already.

    python -m orchestrator.testing.daemon_zygote DESCRIPTOR [MODULE...]

A daemon's imports take most of a second of CPU, and the adapter suite starts dozens of daemons.
"""

import gc
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

_LONGEST = 1 << 20
_UNHEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Sent to a whole process group when a run is broken off. Who died of one could not end what it
forked; at the end of its connection it does."""


class Request(msgspec.Struct, frozen=True):
    """Call `main(arguments)` of a module in a process of its own, its output appended to `log`."""

    module: str
    arguments: list[str]
    env: dict[str, str]
    path: list[str]
    log: str


class ForkEnded(msgspec.Struct, frozen=True):
    """How a forked process ended: its exit status, or minus the signal."""

    pid: int
    status: int


class Fork:
    """A process of a zygote, as `subprocess.Popen` has it."""

    def __init__(self, zygote: "Zygote", pid: int) -> None:
        self.pid = pid
        self._zygote = zygote

    def poll(self) -> int | None:
        """Its exit status, None while it lives."""
        return self._zygote.status(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status when it has ended. Raises subprocess.TimeoutExpired."""
        return self._zygote.wait(self.pid, timeout)

    def kill(self) -> None:
        """SIGKILL."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Zygote:
    """The process that forks. It ends when this one does, or at `close`.

    `modules` are those of the plugins that its daemons load.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self._statuses: dict[int, int] = {}
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", __name__, str(theirs.fileno()), *modules]
            env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            self._process = subprocess.Popen(command, env=env, pass_fds=[theirs.fileno()])

    def close(self) -> None:
        """End it, and what it forked."""
        self._socket.close()
        self._process.wait()

    def launch(
        self, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path
    ) -> Fork:
        """Start `module.main(arguments)`."""
        request = Request(module, list(arguments), dict(env), sys.path, str(log))
        self._socket.send(msgspec.json.encode(request))
        while (answer := self._receive(None)) is not None:
            if isinstance(answer, int):
                return Fork(self, answer)
        raise AssertionError("the zygote has died")

    def status(self, pid: int) -> int | None:
        """How a process ended, None while it lives."""
        while pid not in self._statuses and self._receive(0) is not None:
            pass
        return self._statuses.get(pid)

    def wait(self, pid: int, timeout: float | None) -> int:
        """The same, when it has ended."""
        while (status := self.status(pid)) is None:
            if self._receive(timeout) is None:
                raise subprocess.TimeoutExpired(str(pid), timeout or 0.0)
        return status

    def _receive(self, timeout: float | None) -> int | ForkEnded | None:
        """The pid of a new process, or how one ended; None if nothing came."""
        if not select.select([self._socket], [], [], timeout)[0]:
            return None
        message = self._socket.recv(_LONGEST)
        if not message:
            return None
        answer: int | ForkEnded = msgspec.json.decode(message, type=int | ForkEnded)
        if isinstance(answer, ForkEnded):
            self._statuses[answer.pid] = answer.status
        return answer


def main(line: socket.socket, modules: Sequence[str]) -> None:
    """Fork for each request; tell how each of the forked ended."""
    importlib.import_module("orchestrator.testing.suite_daemon")
    for module in modules:
        with suppress(ImportError):  # the daemon that needs it has its own path, and says so
            importlib.import_module(module)
    for number in _UNHEARD:
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # what is here already the forked neither look at nor copy
    children: dict[int, int] = {}
    poll = select.poll()
    poll.register(line, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == line.fileno():
                message = line.recv(_LONGEST)
                if not message:
                    for pid in children.values():
                        os.kill(pid, signal.SIGKILL)
                    return
                pid = _fork(msgspec.json.decode(message, type=Request), line)
                children[watch := os.pidfd_open(pid)] = pid
                poll.register(watch, select.POLLIN)
                line.send(msgspec.json.encode(pid))
            else:
                poll.unregister(descriptor)
                os.close(descriptor)
                pid, status = os.waitpid(children.pop(descriptor), 0)
                ended = ForkEnded(pid, os.waitstatus_to_exitcode(status))
                line.send(msgspec.json.encode(ended))


def _fork(request: Request, line: socket.socket) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        line.close()
        os.setsid()
        for number in _UNHEARD:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _redirect(request.log)
        os.environ.clear()
        os.environ.update(request.env)
        sys.path[:] = request.path
        status = importlib.import_module(request.module).main(request.arguments)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
