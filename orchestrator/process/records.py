"""The files in a process's directory: names and contents.

| file | meaning | written by |
|---|---|---|
| `started` | the claim: who supervises (flocked while it lives), or `void` | link: one wins |
| `alive` | FIFO whose writer closes when `status` is written or the supervisor died | supervisor |
| `pid` | the tool, before it was executed | rename |
| `status` | how the tool ended | fsync, rename |
| `signals/<id>.<number>` | FIFO: a signal that is asked for; closes when it was answered | daemon |
| `signals/<id>.claim` | the signal was taken up, before `kill` | O_EXCL |

`started` and `status` bear the token of the job that the process belongs to; `pid` and `signals`
never stand without `started`. Those of an earlier release bear none.

Only `status` is synced: a dead daemon does not lose the page cache, and after a power cut the boot
id says that everything is dead. Runs in the keeper: standard library only.
"""

# pathlib would cost every supervisor memory
# ruff: noqa: PTH104, PTH108

import fcntl
import os

STARTED = "started"
ALIVE = "alive"
PID = "pid"
STATUS = "status"
SIGNALS = "signals"
CLAIM = ".claim"

VOID = b"void\n"
MARKER = "ORCHESTRATOR_PROCESS"  # a variable of every process of a tree: its token

START_REQUEST = b"start\0"
RETIRE_REQUEST = b"retire"  # permanent: every keeper of every version obeys it
HELLO = b"orchestrator-keeper "  # permanent: the version follows

STARTED_HERE = b"started"
CLAIMED_ELSEWHERE = b"claimed"
FAILED = b"failed "  # the reason follows


class SupervisorClaim:
    """What `started` says: the supervisor and whose process it is, or `void` (the pid is 0)."""

    __slots__ = ("boot_id", "owner", "pid", "start_time")

    def __init__(self, pid: int, start_time: int, boot_id: str, owner: str = "") -> None:
        self.pid = pid
        self.start_time = start_time
        self.boot_id = boot_id
        self.owner = owner

    @property
    def is_void(self) -> bool:
        """Whether a recovering daemon claimed it: nothing will ever start here."""
        return self.pid == 0

    @property
    def token(self) -> str:
        """Names the tree of this supervisor, uniquely within a boot."""
        return f"{self.pid}-{self.start_time}"

    def encode(self) -> bytes:
        """The content of `started`."""
        return f"{self.pid} {self.start_time} {self.boot_id} {self.owner}\n".encode()

    @staticmethod
    def decode(content: bytes) -> "SupervisorClaim":
        """What `encode` wrote, or a void claim."""
        if content == VOID:
            return SupervisorClaim(0, 0, "")
        pid, start_time, boot_id, *owner = content.decode().split()
        return SupervisorClaim(int(pid), int(start_time), boot_id, "".join(owner))


class Tool:
    """What `pid` says: the tool, which leads a session of its own, and its cgroup if it has one."""

    __slots__ = ("boot_id", "cgroup", "pid", "start_time")

    def __init__(self, pid: int, start_time: int, boot_id: str, cgroup: bytes | None) -> None:
        self.pid = pid
        self.start_time = start_time
        self.boot_id = boot_id
        self.cgroup = cgroup

    def encode(self) -> bytes:
        """The content of `pid`."""
        head = f"{self.pid} {self.start_time} {self.boot_id} ".encode()
        return head + (self.cgroup or b"") + b"\n"

    @staticmethod
    def decode(content: bytes) -> "Tool":
        """What `encode` wrote."""
        pid, start_time, boot_id, cgroup = content[:-1].split(b" ", 3)
        return Tool(int(pid), int(start_time), boot_id.decode(), cgroup or None)


class Ended:
    """What `status` says: exit code or signal, whether the tree was empty, why it did not start,
    and whose process it was."""

    __slots__ = ("alone", "code", "error", "owner", "signal")

    def __init__(
        self, code: int | None, signal: int | None, alone: bool, error: str, owner: str = ""
    ) -> None:
        self.code = code
        self.signal = signal
        self.alone = alone
        self.error = error
        self.owner = owner

    def encode(self) -> bytes:
        """The content of `status`."""
        kind, number = ("signal", self.signal) if self.code is None else ("code", self.code)
        left = "alone" if self.alone else "descendants"
        return os.fsencode(f"{kind} {number} {left} {self.owner}\n{self.error}")

    @staticmethod
    def decode(content: bytes) -> "Ended":
        """What `encode` wrote.

        Raises:
            ValueError: it is cut short, as a power cut may leave it.
        """
        head, _, error = content.partition(b"\n")
        kind, number, left, *owner = head.split()
        value = int(number)
        code, signal = (value, None) if kind == b"code" else (None, value)
        whose = os.fsdecode(b"".join(owner))
        return Ended(code, signal, left == b"alone", os.fsdecode(error), whose)


def write_new(path: str, content: bytes, *, sync: bool = False) -> None:
    """Write a file beside its place and rename it there, so that nobody sees half of it.

    Raises:
        OSError: the disk is full, the directory gone.
    """
    descriptor = os.open(f"{path}.new", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, content)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(f"{path}.new", path)


def claim_directory(directory: str, content: bytes) -> int | None:
    """Claim the directory by `started`, which is locked and complete the moment it appears.

    Returns the descriptor that holds the lock; None when it was claimed before.
    """
    draft = f"{directory}/{STARTED}.{os.getpid()}"
    descriptor = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, content)
        os.link(draft, f"{directory}/{STARTED}")
    except FileExistsError:
        os.close(descriptor)
        return None
    finally:
        os.unlink(draft)
    return descriptor


def claim_signal(directory: str, signal_id: str) -> bool:
    """Record in `signals/` that this signal is about to be sent; False when it was before."""
    path = f"{directory}/{SIGNALS}/{signal_id}{CLAIM}"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True
