"""The daemon's handle on processes that outlive it."""

import contextlib
import os
import sys
from pathlib import Path
from typing import assert_never

import trio

from orchestrator.process import identity, records, signalling, state, tree
from orchestrator.process.errors import (
    EndUnknown,
    KeeperUnavailable,
    ProcessNeverRan,
    ProcessNotStarted,
    StartRefused,
)
from orchestrator.process.link import KeeperLink
from orchestrator.process.spec import ProcessSpec
from orchestrator.process.state import (
    Exited,
    Lost,
    NeverRan,
    NotStarted,
    ProcessExit,
    ProcessState,
    Running,
    Starting,
    Void,
)
from orchestrator.process.waiting import wait_for_ends, wait_readable

_MAX_ANSWER = 4096
_TRIES = 3
_PAUSE = 0.01  # seconds; only while a supervisor is just being killed


class ProcessHost:
    """Starts processes, waits for them, signals them. One directory is one process, for ever.

    `runtime_dir` holds the keeper's socket; `python` runs the keeper; under `cgroup_root`, a
    delegated cgroup v2, each process gets a leaf. A keeper, which answers within a millisecond,
    is killed and replaced when it did not for `keeper_patience` seconds.
    """

    def __init__(
        self,
        runtime_dir: Path,
        python: str = sys.executable,
        cgroup_root: Path | None = None,
        keeper_patience: float = 10.0,
    ) -> None:
        self._keeper = KeeperLink(runtime_dir, python, keeper_patience)
        self._patience = keeper_patience
        self._cgroup_root = cgroup_root

    def close(self) -> None:
        """Let go of the keeper, inside trio's run; all processes live on."""
        self._keeper.close()

    async def start(self, directory: Path, spec: ProcessSpec) -> None:
        """Start the tool unless this directory was claimed before; then its tool is recorded.

        May be repeated: whoever asks, and however often, one tool runs here at most once. When it
        is cancelled the tool may or may not start: ask `void`, then `look`. What the tool lacks to
        be executed (no such command) is told by its exit.

        Raises:
            StartRefused: the host cannot fork or the directory cannot be written.
            KeeperUnavailable: no keeper could be started.
            ValueError: the spec has no command, a relative path or a NUL byte.
        """
        order = spec.order(self._cgroup_root).encode()
        _make_folder(directory)
        for _ in range(_TRIES):
            if _is_claimed(directory):
                return
            answer = await self._ask_keeper(directory, order)
            if answer.startswith(records.FAILED):
                reason = os.fsdecode(answer.removeprefix(records.FAILED))
                raise StartRefused(f"{directory}: cannot start {spec.argv[0]}: {reason}")
            if answer:
                return
        if not _is_claimed(directory):
            raise KeeperUnavailable(f"{directory}: supervisors die before they start anything")

    async def _ask_keeper(self, directory: Path, order: bytes) -> bytes:
        """The supervisor's answer; empty when it, or the keeper before it, died."""
        request = records.START_REQUEST + os.fsencode(directory)
        with contextlib.ExitStack() as closing:
            memory = _memory_file(order)
            closing.callback(os.close, memory)
            answers, theirs = os.pipe()
            closing.callback(os.close, answers)
            try:
                await self._keeper.send(request, [memory, theirs])
            finally:
                # The supervisor's death ends the pipe only if no writer of ours is left.
                os.close(theirs)
            with trio.move_on_after(self._patience) as patience:
                await trio.lowlevel.wait_readable(answers)
            if patience.cancelled_caught:
                self._keeper.kill_keeper()  # then the pipe ends, or a supervisor answers after all
                await trio.lowlevel.wait_readable(answers)
            return os.read(answers, _MAX_ANSWER)

    def look(self, directory: Path) -> ProcessState:
        """What is known of this directory's process now; see `state`."""
        return state.look(directory)

    def owner(self, directory: Path) -> str | None:
        """Whose process this is by its own records: the `owner` of the spec it was started with.

        None where none was started, or nobody can tell.
        """
        return state.read_owner(directory)

    def started_at(self, directory: Path) -> tuple[str, int] | None:
        """In which boot, and how many milliseconds into it, its supervisor began; None where none
        has, or nobody can tell."""
        return state.read_start(directory)

    def void(self, directory: Path) -> bool:
        """Claim a directory so that nothing will ever start there; False when something did.

        For a recovering daemon that finds an intent to start and `NotStarted`: whoever claims
        first wins, so the answer is final.
        """
        _make_folder(directory)
        descriptor = records.claim_directory(os.fspath(directory), records.VOID)
        if descriptor is not None:
            os.close(descriptor)
            return True
        return isinstance(state.look(directory), Void)

    async def wait(self, directory: Path) -> ProcessExit:
        """How the tool ended, as soon as it has and that is on disk.

        Raises:
            ProcessNotStarted: nothing was started, or the directory is void.
            ProcessNeverRan: the supervisor died before it released the tool.
            EndUnknown: the tool and its descendants ended and nobody can know how.
        """
        while True:
            now = state.look(directory)
            match now:
                case Exited(exit):
                    return exit
                case NotStarted() | Void():
                    raise ProcessNotStarted(f"{directory}: no process was started here")
                case NeverRan():
                    raise ProcessNeverRan(f"{directory}: the supervisor died before the start")
                case Starting() | Running(supervised=True):
                    await _wait_for_supervisor(directory)
                case Running(pid=pid, start_time=start_time):
                    await wait_for_ends([(pid, start_time)])
                case Lost(reason):
                    await tree.wait_until_dead(directory)
                    raise EndUnknown(f"{directory}: {reason}")
                case _:
                    assert_never(now)

    async def signal_once(self, directory: Path, signal_id: str, signum: int) -> bool:
        """Send this signal to the tool's pid unless the one with this id was taken up before.

        True when it was taken up, now or earlier: it is never sent again, even if whoever took it
        up was killed before the tool got it. False when there is no tool to signal (any more).
        When it is cancelled it may yet be sent; ask again with the same id.
        """
        return await signalling.signal_once(directory, signal_id, signum)

    async def kill_tree(self, directory: Path) -> None:
        """SIGKILL the tool and all its descendants until it is proven that none lives.

        Raises:
            TreeNotDead: something survived ten seconds of this.
        """
        await tree.kill_tree(directory)

    async def sweep(self, directory: Path, grace: float = 5.0) -> None:
        """After the tool's end: SIGTERM to what it left behind, SIGKILL after `grace` seconds.

        Returns at once when it left nothing, which its supervisor recorded.

        Raises:
            ToolStillRuns: the tool itself has not ended.
            TreeNotDead: something survived SIGKILL.
        """
        await tree.sweep(directory, grace)

    async def wait_until_dead(self, directory: Path) -> None:
        """Until nothing of the tool's tree lives, however long that takes."""
        await tree.wait_until_dead(directory)

    def is_tree_dead(self, directory: Path) -> bool:
        """Whether it is proven that nothing of the tool's tree lives; see `tree`."""
        return tree.is_tree_dead(directory)


def _make_folder(directory: Path) -> None:
    """Parents too, and private all of them."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        _make_folder(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def _is_claimed(directory: Path) -> bool:
    return (directory / records.STARTED).exists()


async def _wait_for_supervisor(directory: Path) -> None:
    """Until the supervisor wrote `status` (it closes `alive`) or died."""
    claim = state.read_claim(directory)
    assert claim is not None
    with contextlib.ExitStack() as closing:
        alive = os.open(directory / records.ALIVE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        closing.callback(os.close, alive)
        supervisor = identity.open_pidfd(claim.pid, claim.start_time)
        if supervisor is None:
            await trio.sleep(_PAUSE)
            return
        closing.callback(os.close, supervisor)
        if state.read_ended(directory) is None:  # else `alive` may have closed before we opened it
            await wait_readable(alive, supervisor)


def _memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("order", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    return descriptor
