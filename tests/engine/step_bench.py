"""Real processes under real steps, and the journal that they write to."""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from orchestrator.core.language.definition import ApprovalRule
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import AskedQuestion, CallRecord, ProcessRecord, Record
from orchestrator.core.rules.observations import STOPPABLE
from orchestrator.engine.attempt.attempt_paths import AttemptPaths
from orchestrator.engine.attempt.claims import ClaimBook
from orchestrator.engine.attempt.step import AttemptFacts, DurableStep, StepServices
from orchestrator.plugin import JobInfo, StopInfo, StopRequested
from orchestrator.process.host import ProcessHost
from orchestrator.process.identity import read_boot_id
from tests.process.process_bench import kill, pids_below

STOP = StopInfo("cancel", "ada", "wrong version")
JOB = JobInfo(id=118, pipeline="web", environment="production", kind="deploy", submitter="ada")


class RecordingJournal:
    """The engine's side of `AttemptJournal`, in memory: what it was told is what tests look at."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Record] = {}
        self.intents: list[tuple[str, str]] = []
        self.waited_for: list[str | None] = []
        self.warnings: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.stop: StopInfo | None = None
        self.after_intent: Callable[[], None] = lambda: None

    def record(self, phase: str, key: str) -> Record | None:
        return self.records.get((phase, key))

    def left_by_another_adapter(self, phase: str, key: str) -> tuple[str, ...]:
        return ()

    async def intend_process(self, phase: str, key: str) -> None:
        await self._intend(ProcessRecord(phase=phase, key=key, boot_id=read_boot_id()))

    async def intend_call(self, phase: str, key: str) -> None:
        await self._intend(CallRecord(phase=phase, key=key))

    async def _intend(self, record: Record) -> None:
        await trio.lowlevel.checkpoint()
        if self.stop is not None and record.phase in STOPPABLE:
            raise StopRequested(f"{record.key}: a stop came first")
        assert (record.phase, record.key) not in self.records
        self.records[record.phase, record.key] = record
        self.intents.append((record.phase, record.key))
        self.after_intent()

    async def record_call(self, phase: str, key: str, value: Any, *, sensitive: bool) -> None:
        kept = {"file": value} if sensitive else {"value": value}
        self.records[phase, key] = CallRecord(phase=phase, key=key, done=True, **kept)

    async def ask(self, key: str, text: str, rule: ApprovalRule) -> AskedQuestion:
        raise AssertionError(f"{key}: there is nobody here to ask")

    async def withdraw(self, key: str) -> None:
        raise AssertionError(f"{key}: nobody was asked")

    async def waiting_for(self, text: str | None) -> None:
        self.waited_for.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, done: int, total: int | None, text: str) -> None:
        pass

    def output(self, name: str, value: Any, sensitive: bool) -> None:
        self.outputs[name] = value


class StepBench:
    """A state directory with a process host; every `step` of one attempt number re-enters it."""

    def __init__(self, root: Path) -> None:
        self.state_dir = root
        self.host = ProcessHost(root / "run")
        self.journal = RecordingJournal()
        self.now = 1_000
        self.token = "ours"
        self.began: Instant | None = None
        self.env = {"PATH": os.environ["PATH"]}

    def claim_book(self) -> ClaimBook:
        return ClaimBook(self.state_dir, self.host, read_boot_id(), lambda: self.now)

    def paths(self, attempt: int = 1) -> AttemptPaths:
        return AttemptPaths(
            directory=self.state_dir / "attempts" / str(attempt),
            workdir=self.state_dir / "work",
            shared=self.state_dir / "shared",
        )

    def step(self, phase: str = "apply", config: Any = None, attempt: int = 1) -> DurableStep[Any]:
        """As a daemon that has just started would make it."""
        paths = self.paths(attempt)
        paths.create()
        facts = AttemptFacts(
            job=JOB,
            step="smoke",
            attempt=attempt,
            config=config,
            params={},
            base_env=self.env,
            token=self.token,
            began=self.began,
        )
        services = StepServices(self.host, self.claim_book())
        return DurableStep(facts, paths, services, self.journal, phase)

    async def start_and_die(self, phase: str, argv: list[str], stop_signal: int | None) -> None:
        """Another daemon starts `go` and waits; it is killed when the tool has said `begun`."""
        task = json.dumps([phase, argv, stop_signal])
        command = [sys.executable, __file__, str(self.state_dir), task]
        daemon = await trio.lowlevel.open_process(command)
        await read_fifo(self.state_dir / "begun")
        daemon.kill()
        await daemon.wait()
        self.journal.records[phase, "go"] = ProcessRecord(phase, "go", read_boot_id())

    def process(self, phase: str, key: str) -> Path:
        """The directory of a process of the first attempt."""
        return self.paths().processes / f"{phase}-{key}"

    def log(self, attempt: int = 1) -> str:
        return self.paths(attempt).log.read_text()

    def fifo(self, name: str) -> Path:
        """Something that a tool can wait for, and say that it has got so far."""
        path = self.state_dir / name
        os.mkfifo(path, 0o600)
        return path


def python(code: str, *arguments: object) -> list[str]:
    """A one-liner as the tool."""
    return [sys.executable, "-S", "-c", code, *map(str, arguments)]


def content(path: str | Path) -> str:
    """What a small file holds."""
    return Path(path).read_text()


async def read_fifo(path: Path) -> str:
    """What the tool writes there, as soon as it has closed it."""
    return await trio.to_thread.run_sync(path.read_text, abandon_on_cancel=True)


@asynccontextmanager
async def open_step_bench(root: Path) -> AsyncIterator[StepBench]:
    """A bench; whatever it leaves running is killed after it."""
    bench = StepBench(root)
    try:
        yield bench
    finally:
        bench.host.close()
        while pids := pids_below(root):
            for pid in pids:
                kill(pid)


async def _be_a_daemon(root: Path, phase: str, argv: list[str], stop_signal: int | None) -> None:
    await StepBench(root).step(phase).run("go", argv, stop_signal=stop_signal)


if __name__ == "__main__":
    trio.run(_be_a_daemon, Path(sys.argv[1]), *json.loads(sys.argv[2]))
