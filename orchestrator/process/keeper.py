"""The keeper: started by a daemon, forks a supervisor for each process.

    python -I -S -E keeper.py RUNTIME_DIR VERSION

It holds nothing that anybody needs: killed at any moment, the supervisors it forked go on and the
next start gets a new keeper. So it ends with the last daemon that was connected, after what that
one had asked for, and an upgraded daemon never meets an old one. It sleeps in `poll` until then.

Protocol on `keeper.sock` (SOCK_SEQPACKET, a message is a packet): the keeper says HELLO and its
version. START_REQUEST and a directory, with the order's memory file and a pipe, forks a supervisor,
which answers on the pipe; the pipe's end without an answer means that it died. RETIRE_REQUEST ends
the keeper, not its supervisors. Standard library only.
"""

# pathlib would cost every supervisor memory
# ruff: noqa: PTH100, PTH108, PTH118, PTH120

import contextlib
import fcntl
import gc
import os
import resource
import select
import signal
import socket
import struct
import sys

if __name__ == "__main__":  # -I keeps our package off the path; -S keeps others off it
    sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..")))

from orchestrator.process import identity, records
from orchestrator.process.supervisor import supervise

LOCK = "keeper.lock"
SOCKET = "keeper.sock"
BUSY = 3  # exit status: another keeper holds the lock
_MAX_REQUEST = 8192
_READY = b"r"
_BUSY = b"b"
_EXITS = {_READY: 0, _BUSY: BUSY, b"": 1}  # nothing is said when it fails, but in its log
_DESCRIPTORS = 2


def main(runtime_dir: str, version: str) -> None:
    """Leave the daemon's session, then serve; returns, to the daemon, when requests are taken."""
    outcome, tell = os.pipe()
    if os.fork() != 0:
        os.close(tell)
        sys.exit(_EXITS[os.read(outcome, 1)])
    os.close(outcome)
    _settle(runtime_dir)
    lock = _take_lock()
    if lock is None:
        os.write(tell, _BUSY)
        return
    keeper = Keeper(_listen(), version, identity.read_boot_id())
    os.write(tell, _READY)
    os.close(tell)
    keeper.serve()


def _settle(runtime_dir: str) -> None:
    """The conditions that supervisors and tools inherit."""
    os.setsid()
    os.chdir(runtime_dir)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors leave no zombies and wake nobody


def _take_lock() -> int | None:
    lock = os.open(LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    stat = identity.ProcStat(os.getpid(), identity.read_file("/proc/self/stat"))
    os.ftruncate(lock, 0)
    os.write(lock, f"{stat.pid} {stat.start_time}\n".encode())
    return lock


def _listen() -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(SOCKET)  # relative: a long runtime directory would not fit an address
    listener.listen()
    return listener


class Keeper:
    """Answers daemons and forks supervisors."""

    def __init__(self, listener: socket.socket, version: str, boot_id: str) -> None:
        self._listener = listener
        self._hello = records.HELLO + version.encode()
        self._boot_id = boot_id
        self._null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._daemons: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Answer requests until no daemon is left, or one says to retire."""
        gc.collect()
        gc.freeze()  # so that a supervisor's collector dirties no shared page
        gc.disable()
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._listener.fileno():
                    self._accept(poll)
                elif not self._serve_daemon(self._daemons[descriptor]):
                    poll.unregister(descriptor)
                    self._daemons.pop(descriptor).close()
                    if not self._daemons:
                        _retire()

    def _accept(self, poll: select.poll) -> None:
        with contextlib.suppress(OSError):
            daemon, _ = self._listener.accept()
            pid_uid_gid = daemon.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            if struct.unpack("3i", pid_uid_gid)[1] != os.getuid():
                daemon.close()
                return
            daemon.send(self._hello)
            self._daemons[daemon.fileno()] = daemon
            poll.register(daemon, select.POLLIN)

    def _serve_daemon(self, daemon: socket.socket) -> bool:
        """Take one request; whether the connection goes on."""
        try:
            request, descriptors, _, _ = socket.recv_fds(
                daemon, _MAX_REQUEST, _DESCRIPTORS, socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            )
        except OSError:
            return False
        if request == records.RETIRE_REQUEST:
            _retire()
        if request.startswith(records.START_REQUEST) and len(descriptors) == _DESCRIPTORS:
            self._start(request.removeprefix(records.START_REQUEST), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return bool(request)

    def _start(self, directory: bytes, order: int, reply: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            with contextlib.suppress(BrokenPipeError):
                os.write(reply, records.FAILED + f"cannot fork: {error.strerror}".encode())
            return
        if pid == 0:
            self._become_supervisor(directory, order, reply)

    def _become_supervisor(self, directory: bytes, order: int, reply: int) -> None:
        """In the child: what supervises must never come back to serve."""
        try:
            # A fork keeps open what O_CLOEXEC would close: with `keeper.lock` held by a supervisor,
            # no other keeper could start while its tool runs.
            _close_all_but(order, reply, self._null)
            supervise(directory, order, reply, self._null, self._boot_id)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.write(reply, records.FAILED + str(error).encode(errors="replace"))
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            os._exit(0)


def _retire() -> None:
    with contextlib.suppress(FileNotFoundError):  # the whole directory may have gone
        os.unlink(SOCKET)
    os._exit(0)


def _close_all_but(*kept: int) -> None:
    lowest = 3
    for descriptor in sorted(kept):
        os.closerange(lowest, descriptor)
        lowest = descriptor + 1
    os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
