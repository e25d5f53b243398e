"""One process's supervisor: forked by the keeper, ends when the tool's whole tree has ended.

It stays beyond the tool's own end while descendants are left: as their subreaper it alone knows
them all, whatever sessions they made, and `ECHILD` is the kernel's word that none is left.
Signals are blocked and waited for, so it needs no handlers, and a host's shutdown (TERM to all)
does not keep it from recording how the tool ended. Standard library only.
"""

# pathlib would cost every supervisor memory
# ruff: noqa: PTH102, PTH106, PTH118, PTH208

import contextlib
import os
import signal
import time

from orchestrator.process import identity, linux, records
from orchestrator.process.log_limit import LogLimit
from orchestrator.process.order import Order
from orchestrator.process.tool import GO, become_tool

_AWAITED = (signal.SIGCHLD, signal.SIGUSR1, signal.SIGIO)
_UNHEARD = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_CANNOT_START = 126  # as a shell says of what it found but could not execute
_MAX_REASON = 4096
_RETRY_PAUSE = 1.0  # seconds between tries to write `status` on a full disk


def supervise(directory: bytes, order_file: int, reply: int, null: int, boot_id: str) -> None:
    """Claim the directory, start the tool that the order names, stay until its tree has ended."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, (*_AWAITED, *_UNHEARD))
    # The keeper ignores SIGCHLD, and a fork inherits that: the kernel would reap the tool, and its
    # exit status would be lost.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    linux.become_subreaper()
    os.chdir(directory)
    order = Order.decode(identity.read_file(f"/proc/self/fd/{order_file}"))
    os.close(order_file)
    # Before the claim: whoever sees `started` opens `alive`, and would fail where there is none.
    alive = _open_alive()
    claim = _claim_directory(boot_id, os.fsdecode(order.owner))
    if claim is None:
        _tell(reply, records.CLAIMED_ELSEWHERE)
        return
    limit = LogLimit(list({order.stdout, order.stderr}), order.max_log_bytes)
    supervision = _Supervision(claim, alive, limit)
    supervision.start(order, null)
    del order  # its variables hold secrets
    _tell(reply, records.STARTED_HERE)
    supervision.attend()


def _tell(reply: int, answer: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the daemon died meanwhile; it will look
        os.write(reply, answer)
    os.close(reply)


def _open_alive() -> int:
    """Hold the writing end of `alive`; whoever waits reads it, and sees it close."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(records.ALIVE, 0o600)
    return os.open(records.ALIVE, os.O_RDWR | os.O_CLOEXEC)


def _claim_directory(boot_id: str, owner: str) -> records.SupervisorClaim | None:
    """Make this directory ours for as long as we live; None: it is claimed, and we give up."""
    stat = identity.ProcStat(os.getpid(), identity.read_file("/proc/self/stat"))
    claim = records.SupervisorClaim(stat.pid, stat.start_time, boot_id, owner)
    descriptor = records.claim_directory(".", claim.encode())
    return None if descriptor is None else claim


class _Supervision:
    """The tool and what is known of it."""

    def __init__(self, claim: records.SupervisorClaim, alive: int, limit: LogLimit) -> None:
        self._claim = claim
        self._alive: int | None = alive
        self._limit = limit
        self._gate: int | None = None  # a byte lets the tool go, closing it sends it away
        self._reason: int | None = None  # why nothing could be executed; else it just closes
        self._cgroup: bytes | None = None
        self._tool: int | None = None  # None once it was reaped: its pid may mean another then
        self._failure = ""

    def start(self, order: Order, null: int) -> None:
        """Fork the tool, record it, let it run. A failure is kept for `status`."""
        order.env[records.MARKER.encode()] = self._claim.token.encode()
        try:
            stdout, stderr = _open_logs(order)
            self._limit.begin()
            self._fork(order, null, stdout, stderr)
            os.close(stdout)
            os.close(stderr)
        except OSError as error:
            subject = f"{os.fsdecode(error.filename)}: " if error.filename else ""
            self._failure = f"cannot start the process: {subject}{error.strerror}"
            if self._gate is not None:
                os.close(self._gate)  # a child that waits for our word leaves
                self._gate = None

    def _fork(self, order: Order, null: int, stdout: int, stderr: int) -> None:
        gate, self._gate = os.pipe()
        self._reason, reason = os.pipe()
        child = os.fork()
        if child == 0:
            become_tool(order, gate, reason, null, stdout, stderr)
        self._tool = child
        os.close(gate)
        os.close(reason)
        stat = identity.read_stat(child)
        assert stat is not None  # it is our unreaped child
        self._cgroup = _join_cgroup(order.cgroup_root, self._claim.token, child)
        tool = records.Tool(child, stat.start_time, self._claim.boot_id, self._cgroup)
        # Recorded first, released then. The other way round, a supervisor killed in between leaves
        # a tool at work of which `look` says `NeverRan`, and it is started again (decision 0009).
        records.write_new(records.PID, tool.encode())
        with contextlib.suppress(BrokenPipeError):  # it was killed at the gate
            os.write(self._gate, GO)

    def attend(self) -> None:
        """Stay until no descendant is left."""
        while self._reap():
            self._sleep()
        if self._cgroup is not None:
            with contextlib.suppress(OSError):
                os.rmdir(self._cgroup)

    def _sleep(self) -> None:
        received = _next_signal(self._limit.timeout)
        if received is None:
            self._limit.look()
        elif received.si_signo == signal.SIGIO:
            self._limit.wake()
        elif received.si_signo == signal.SIGUSR1:
            self._answer_requests()

    def _reap(self) -> bool:
        """Reap what has ended, record the tool's end; whether a child is left."""
        exit_status: int | None = None
        child_left = True
        try:
            while (reaped := os.waitpid(-1, os.WNOHANG))[0] != 0:
                if reaped[0] == self._tool:
                    self._tool = None
                    exit_status = reaped[1]
        except ChildProcessError:
            child_left = False
        if self._tool is None and self._alive is not None:
            # At the tool's own end, although descendants may live: a step whose tool left a daemon
            # behind would otherwise never end, and nobody would sweep it (decision 0009).
            self._record(exit_status, alone=not child_left)
        return child_left

    def _record(self, exit_status: int | None, *, alone: bool) -> None:
        """Write `status`, however long the disk is full, then let `alive` tell who waits."""
        ended = self._ended(exit_status, alone)
        while True:
            try:
                records.write_new(records.STATUS, ended.encode(), sync=True)
                break
            except OSError:
                time.sleep(_RETRY_PAUSE)
        assert self._alive is not None
        os.close(self._alive)
        self._alive = None

    def _ended(self, exit_status: int | None, alone: bool) -> records.Ended:
        owner = self._claim.owner
        if self._failure or exit_status is None:
            return records.Ended(_CANNOT_START, None, alone, self._failure, owner)
        assert self._reason is not None
        error = os.fsdecode(os.read(self._reason, _MAX_REASON))
        code = os.waitstatus_to_exitcode(exit_status)
        if code < 0:
            return records.Ended(None, -code, alone, error, owner)
        return records.Ended(code, None, alone, error, owner)

    def _answer_requests(self) -> None:
        """Deliver each signal that is asked for and was not delivered, and tell who asked."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(records.SIGNALS):
                if not name.endswith(records.CLAIM):
                    self._answer(name)

    def _answer(self, request: str) -> None:
        signal_id, _, number = request.rpartition(".")
        # Claimed first, sent then: killed in between, nothing is sent. The other way round the next
        # one to look sends it again, and a second SIGINT costs terraform what it had not saved
        # (decision 0009).
        if self._tool is not None and records.claim_signal(".", signal_id):
            os.kill(self._tool, int(number))  # our own unreaped child: the pid is still its own
        with contextlib.suppress(OSError):  # nobody listens any more
            os.close(os.open(f"{records.SIGNALS}/{request}", os.O_WRONLY | os.O_NONBLOCK))


def _next_signal(timeout: float | None) -> signal.struct_siginfo | None:
    """The next signal; None when `timeout` seconds went by without one."""
    if timeout is None:
        return signal.sigwaitinfo(_AWAITED)
    return signal.sigtimedwait(_AWAITED, timeout)


def _open_logs(order: Order) -> tuple[int, int]:
    stdout = _open_log(order.stdout)
    return stdout, os.dup(stdout) if order.stderr == order.stdout else _open_log(order.stderr)


def _open_log(path: bytes) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _join_cgroup(root: bytes | None, token: str, tool: int) -> bytes | None:
    """Put the tool into a leaf of its own; None: none is delegated, or it cannot be used."""
    if root is None:
        return None
    leaf = os.path.join(root, token.encode())
    try:
        os.mkdir(leaf)
        procs = os.open(os.path.join(leaf, b"cgroup.procs"), os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(procs, b"%d" % tool)
        finally:
            os.close(procs)
    except OSError:
        return None
    return leaf
