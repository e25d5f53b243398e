"""Steps as the daemon makes them, without the daemon, before a front of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import msgspec
from orchestrator_spinnaker.settings import SpinnakerSettings

from orchestrator.engine.attempt.step import DurableStep
from orchestrator.plugin import Problem, Secret, Severity
from tests.engine.step_bench import RecordingJournal, StepBench
from tests.testbed.spinnaker.spinnaker_gate import Fault, Gate
from tests.testbed.spinnaker.spinnaker_users import ADA

PATIENCE = 60.0
SOON = 2
"""Seconds for a call that hangs."""
PIPELINE = "Deploy"


class TellingJournal(RecordingJournal):
    """Wakes who waits for what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = anyio.Event()

    async def waiting_for(self, text: str | None) -> None:
        await super().waiting_for(text)
        self.told.set()
        self.told = anyio.Event()


class Steps:
    """Makes steps of one directory, and remembers what they told."""

    def __init__(self, root: Path, gate: Gate) -> None:
        self.gate = gate
        self.bench = StepBench(root)
        self.journal = TellingJournal()
        self.bench.journal = self.journal

    def settings(self, **more: Any) -> SpinnakerSettings:
        """Those of a step for PIPELINE that ada runs, unless said otherwise. A Secret is one."""
        given = {
            "gate": self.gate.url,
            "application": self.gate.application,
            "pipeline": PIPELINE,
            "auth": basic(),
            "poll": "0.2s",
            "request_timeout": "30s",
            **more,
        }
        return msgspec.convert(given, SpinnakerSettings)

    def step(self, phase: str = "acquire", **more: Any) -> DurableStep[SpinnakerSettings]:
        """A step with these settings."""
        return self.bench.step(phase, self.settings(**more))

    @property
    def work(self) -> Path:
        """Where steps run."""
        self.bench.step()
        return self.bench.paths().workdir

    @property
    def log(self) -> str:
        """All that was logged so far."""
        return self.bench.log()

    @property
    def waited_for(self) -> list[str]:
        """All that was waited for so far."""
        return [text for text in self.bench.journal.waited_for if text is not None]

    async def until_waiting(self, text: str) -> str:
        """What is waited for, as soon as that is said so."""
        with anyio.fail_after(PATIENCE):
            while not (found := [one for one in self.waited_for if text in one]):
                await self.journal.told.wait()
        return found[-1]

    @property
    def warnings(self) -> list[str]:
        """All that was warned of so far."""
        return self.bench.journal.warnings


@contextmanager
def open_steps(root: Path, gate: Gate) -> Iterator[Steps]:
    """Nothing of them is left."""
    steps = Steps(root, gate)
    try:
        yield steps
    finally:
        steps.bench.host.close()


def patience(fault: Fault) -> int:
    """For one call: short only where nothing else ends it, for this host may be slow."""
    return SOON if fault is Fault.HUNG else 30


def basic(user: str = ADA.name, password: str = ADA.password) -> dict[str, Any]:
    """`auth` by a name and a password, which is a secret."""
    return {"basic": {"username": user, "password": Secret.of("gate", password)}}


def errors(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """Settings and texts of what prevents a run."""
    return [
        (problem.setting, problem.text)
        for problem in problems
        if problem.severity is Severity.ERROR
    ]


def warnings(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """Settings and texts of the others."""
    return [
        (problem.setting, problem.text)
        for problem in problems
        if problem.severity is Severity.WARNING
    ]
