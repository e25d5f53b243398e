"""`DurableStep`: the step that adapters see, for one attempt, in one phase."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import CallRecord, ProcessRecord, StepRef
from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.journal import ACQUIRE, RECHECK, AttemptJournal
from orchestrator.engine.attempt.step_calls import AttemptCalls, AttemptQuestions
from orchestrator.engine.attempt.step_probe import probe
from orchestrator.engine.attempt.step_processes import AttemptProcesses, ProcessRequest
from orchestrator.engine.logs.log_file import LogFile
from orchestrator.engine.secrets.masking import Hidden
from orchestrator.plugin import (
    AdapterError,
    Answer,
    Claim,
    Completed,
    Exit,
    JobInfo,
    ProcessLost,
    Question,
    Step,
    StopInfo,
)
from orchestrator.plugin.step import Config, NotDone, Unknown, Value
from orchestrator.process.errors import TreeNotDead
from orchestrator.process.host import ProcessHost

DEFAULT_MAX_LOG_BYTES = 256 << 20

_Config = TypeVar("_Config")


class AttemptFacts(msgspec.Struct, Generic[_Config], frozen=True):
    """Which attempt of which step this is, and what it was given, references resolved.

    `token` is its job's, `began` when it began.
    """

    job: JobInfo
    step: str
    attempt: int
    config: _Config
    params: Mapping[str, Any]
    base_env: Mapping[str, str]
    hidden: Hidden = msgspec.field(default_factory=Hidden)
    token: str = ""
    began: Instant | None = None


class StepServices(msgspec.Struct, frozen=True):
    """What all attempts share. Beyond `max_log_bytes` a log loses its middle."""

    processes: ProcessHost
    claims: ClaimBook
    max_log_bytes: int | None = DEFAULT_MAX_LOG_BYTES


class DurableStep(Step[Config]):
    """One attempt in one phase; `in_phase` gives the same attempt in another.

    What runs is known to all of them: `interrupt`, `kill` and `sweep` mean the whole attempt, but
    for the `kill` of a recheck.
    """

    def __init__(
        self,
        facts: AttemptFacts[Config],
        paths: AttemptPaths,
        services: StepServices,
        journal: AttemptJournal,
        phase: str = ACQUIRE,
    ) -> None:
        self.config = facts.config
        self.params = facts.params
        self.environment = facts.job.environment
        self.job = facts.job
        self.name = facts.step
        self.attempt = facts.attempt
        self.workdir = paths.workdir
        self.scratch = paths.scratch
        self.shared = paths.shared
        self.base_env = facts.base_env
        self.phase = phase
        self._facts = facts
        self._paths = paths
        self._services = services
        self._journal = journal
        self._log = LogFile(paths.log)
        self._calls = AttemptCalls(paths.values, journal, facts.hidden)
        self._questions = AttemptQuestions(journal)
        self._processes = AttemptProcesses(
            paths, services.processes, journal, services.max_log_bytes, facts.token, facts.began
        )
        self._waiting_for: str | None = ""  # not known: an earlier daemon may have told it

    def in_phase(self, phase: str) -> "DurableStep[Config]":
        """The same attempt in another phase."""
        step = DurableStep(self._facts, self._paths, self._services, self._journal, phase)
        step._processes = self._processes
        return step

    @property
    def stop(self) -> StopInfo | None:
        return self._journal.stop

    @property
    def hidden(self) -> Hidden:
        """What must not be shown of the attempt."""
        return self._facts.hidden

    def masked(self, text: str) -> str:
        return self._facts.hidden.masks.text(text)

    @property
    def processes(self) -> AttemptProcesses:
        """What the attempt has started."""
        return self._processes

    def log(self, text: str) -> None:
        self._log.write(text, self._facts.hidden.masks)

    def progress(self, done: int, total: int | None, text: str = "") -> None:
        self._journal.progress(done, total, text)

    def warn(self, text: str) -> None:
        self.log(f"warning: {text}")
        self._journal.warn(text)

    def output(self, name: str, value: Any, *, sensitive: bool = False) -> None:
        self._journal.output(name, value, sensitive)

    async def waiting_for(self, text: str | None) -> None:
        if text != self._waiting_for:
            self._waiting_for = text
            await self._journal.waiting_for(text)

    async def ask(self, key: str, question: Question) -> Answer:
        return await self._questions.ask(self.phase, key, question)

    async def withdraw(self, key: str) -> None:
        await self._questions.withdraw(self.phase, key)

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
        request = ProcessRequest(
            phase=self.phase,
            key=key,
            argv=tuple(argv),
            env={**self.base_env, **(env or {})},
            cwd=cwd or self.workdir,
            stop_signal=stop_signal,
            separate_stdout=separate_stdout,
        )
        check_arguments(request.argv, request.env)
        await self._demand_same_adapter(key)
        ended = await self._processes.run(request)
        if ended.error is not None:
            self.log(ended.error)
        return ended

    def output_of(self, key: str) -> Path | None:
        return self._processes.stdout_of(self.phase, key)

    async def once(
        self,
        key: str,
        fn: Callable[[], Awaitable[Value]],
        *,
        recover: Callable[[], Awaitable[Value | NotDone | Unknown]] | None = None,
        sensitive: bool = False,
    ) -> Value:
        await self._demand_same_adapter(key)
        value: Value = await self._calls.once(self.phase, key, fn, recover, sensitive)
        return value

    async def _demand_same_adapter(self, key: str) -> None:
        """Raise ProcessLost where another version of the adapter had begun something else.

        By its new key this one would start a second tool beside the one that runs, or do again what
        is done. What runs is waited for, and nobody knows what it was to this version.
        """
        left = self._journal.left_by_another_adapter(self.phase, key)
        if left:
            begun = ", ".join(left)
            await self.waiting_for(f"the end of {begun}, which an earlier version of it began")
            await self._processes.wait_for_all(self.phase)
            raise ProcessLost(
                f"the adapter was changed while it was at work: it asks for {key}, and an earlier "
                f"version had begun {begun}"
            )

    async def probe(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 60.0,
    ) -> Completed:
        variables = {**self.base_env, **(env or {})}
        check_arguments(argv, variables)
        return await probe(argv, variables, cwd or self.workdir, timeout)

    def recall(self, phase: str, key: str) -> Any:
        match self._journal.record(phase, key):
            case None | ProcessRecord():  # a recheck has no records of its attempt, only its files
                return self._processes.recorded_exit(phase, key)
            case CallRecord() as record:
                return self._calls.recall(record)

    async def interrupt(self) -> bool:
        return await self._processes.interrupt()

    async def end_phase(self) -> None:
        """Stop what runs of this phase and wait for it, when nobody else does."""
        await self._processes.end_phase(self.phase)

    async def kill(self) -> None:
        """Kill all processes of the attempt; this phase starts none any more.

        A recheck kills its own: what is alive of the attempt itself was not started by it, and may
        be half way through a change. Raises process.errors.TreeNotDead.
        """
        await self._processes.kill(self.phase, only=self.phase.startswith(RECHECK))

    async def sweep(self) -> None:
        try:
            await self._processes.sweep()
        except TreeNotDead as error:
            raise AdapterError(str(error)) from error

    def is_dead(self) -> bool:
        """Whether nothing that this attempt started can be alive."""
        return self._processes.is_dead()

    async def claim(self, resource: str) -> None:
        ref = StepRef(job=self.job.id, step=self.name, attempt=self.attempt)
        await self._services.claims.claim(resource, ref, self._facts.token, self._paths.processes)

    async def claims(self, resource: str) -> Sequence[Claim]:
        return await self._services.claims.claims(resource)


def check_arguments(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Raises AdapterError for what no process can be given."""
    if not argv:
        raise AdapterError("there is no command to start: argv is empty")
    if any("\0" in text for text in (*argv, *env, *env.values())):
        raise AdapterError(f"{argv[0]}: an argument or a variable holds a NUL character")
