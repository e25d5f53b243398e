"""`Step`: what an adapter may see and do in one attempt. The daemon implements it."""

import abc
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from orchestrator.plugin.question import Answer, Question
from orchestrator.plugin.result import Completed, Exit

Config = TypeVar("Config")
Value = TypeVar("Value")


class StopInfo(msgspec.Struct, frozen=True):
    """A stop that was asked for: why, and by whom.

    `cause` is `cancel`, `timeout` or `disconnect`, or `failure` or `halt` of another step.
    """

    cause: str
    user: str | None
    reason: str


class JobInfo(msgspec.Struct, frozen=True):
    """The job that the step belongs to."""

    id: int
    pipeline: str
    environment: str
    kind: str
    submitter: str


class Claim(msgspec.Struct, frozen=True):
    """Who of our attempts held a resource: which, when (UTC milliseconds), and whether it is dead.

    `began` is when it was claimed; `ended` when the attempt's processes were proven dead, None
    while they live. `dead` is true only where that is proven.
    """

    resource: str
    job: int
    step: str
    attempt: int
    began: int
    ended: int | None
    dead: bool


class NotDone:
    """What a `recover` function answers when it found that the call never took effect."""


class Unknown:
    """What a `recover` function answers when it could not find out."""


class Step(abc.ABC, Generic[Config]):
    """One attempt of one step. Keys of `run` and `once` are remembered per phase and attempt.

    The daemon may be killed at any moment; the phase is then entered again, and `run` and `once`
    continue where they were.
    """

    config: Config
    params: Mapping[str, Any]
    environment: str
    job: JobInfo
    name: str
    attempt: int
    workdir: Path
    """Where the step runs: the pipeline's source, or an empty directory of the job."""
    scratch: Path
    """A private directory (0700) of this attempt that lives as long as its log."""
    shared: Path
    """A private directory (0700) of this environment and adapter, kept across jobs (caches)."""
    base_env: Mapping[str, str]
    """What `run` and `probe` give to a process before their own `env` is added."""

    @property
    @abc.abstractmethod
    def stop(self) -> StopInfo | None:
        """The stop that was asked for, if one was."""

    @abc.abstractmethod
    def masked(self, text: str) -> str:
        """The text with `***` for each secret of the step: for files that people will read.

        Logs, warnings, reasons and outputs are masked anyway.
        """

    @abc.abstractmethod
    def log(self, text: str) -> None:
        """Write a line to the step's log."""

    @abc.abstractmethod
    def progress(self, done: int, total: int | None, text: str = "") -> None:
        """Say how far it is. Replaces the last one; total None where unknown."""

    @abc.abstractmethod
    def warn(self, text: str) -> None:
        """A warning that people see beside the step and in its log."""

    @abc.abstractmethod
    def output(self, name: str, value: Any, *, sensitive: bool = False) -> None:
        """Set an output of the step."""

    @abc.abstractmethod
    async def waiting_for(self, text: str | None) -> None:
        """Say what the step waits for (`lock of ada since 12:04`), None when it goes on.

        While it waits it takes no slot of the host's capacity.
        """

    @abc.abstractmethod
    async def ask(self, key: str, question: Question) -> Answer:
        """Ask people for a yes, and wait for their answer; entered again, return it or wait on.

        In acquire and apply only. Meanwhile the step says whose approval it waits for, takes no
        slot of the host's capacity, and is shown by `orchestrator approvals`. A question whose
        call is cancelled (by a scope of the adapter's own) is withdrawn: asked again under its
        key it is a new one. Of several open at once people are asked one after another.

        Raises StopRequested when the step is asked to stop.
        """

    @abc.abstractmethod
    async def withdraw(self, key: str) -> None:
        """Take back what this phase has asked under this key, if nobody has answered it yet.

        For an apply that is entered again and finds that its question has become moot.
        """

    @abc.abstractmethod
    async def run(
        self,
        key: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: int | None = signal.SIGINT,
        separate_stdout: bool = False,
    ) -> Exit:
        """Start a process, adopt the one this attempt started, or return its recorded exit.

        Its output goes to the step's log; with `separate_stdout` its stdout goes to a file of its
        own, `Exit.stdout`. `stop_signal` is what the default `cancel` sends, once, to its pid;
        None means that it must not be interrupted: a stop waits for its end.

        Raises StopRequested if a stop came first (except in cleanup), ProcessLost if it can't be
        known how it ended.
        """

    @abc.abstractmethod
    def output_of(self, key: str) -> Path | None:
        """Where the stdout of the process `key` of this phase grows, once it was started."""

    @abc.abstractmethod
    async def once(
        self,
        key: str,
        fn: Callable[[], Awaitable[Value]],
        *,
        recover: Callable[[], Awaitable[Value | NotDone | Unknown]] | None = None,
        sensitive: bool = False,
    ) -> Value:
        """Call `fn` and remember its value (JSON-able); entered again, return that value.

        If the daemon died during the call, `recover` is asked: the value, NotDone (then `fn` is
        called), or Unknown. Raises CallLost if nobody can know, StopRequested if a stop came
        first.
        """

    @abc.abstractmethod
    async def probe(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60.0,
    ) -> Completed:
        """Run a read-only command, not recorded; it dies with the daemon or after `timeout` s.

        Raises AdapterError when it can't be started or takes too long.
        """

    @abc.abstractmethod
    def recall(self, phase: str, key: str) -> Any:
        """What `run` (an Exit) or `once` (a value) recorded in another phase, None if nothing."""

    @abc.abstractmethod
    async def interrupt(self) -> bool:
        """Send each running process of the apply its `stop_signal`, once for all times.

        True if there was one to signal. This is what the default `cancel` does.
        """

    @abc.abstractmethod
    async def sweep(self) -> None:
        """End what the attempt's ended processes left behind (grandchildren)."""

    @abc.abstractmethod
    async def claim(self, resource: str) -> None:
        """Write down that this attempt may hold `resource` from now on."""

    @abc.abstractmethod
    async def claims(self, resource: str) -> Sequence[Claim]:
        """Who of our attempts claimed `resource`, the newest first."""
