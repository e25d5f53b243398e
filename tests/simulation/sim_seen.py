"""What the journal said of one job, and the tools that were really executed for it."""

import msgspec

from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import Configuration, JobDefinition, StepDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Approval, Finding, StepRef, Stop
from orchestrator.core.language.words import StepConclusion
from tests.simulation.fake_adapter import FakeConfig
from tests.simulation.fake_tool import FakeProcess


class Violation(AssertionError):
    """An invariant does not hold."""


class Execution(msgspec.Struct):
    """One tool that was really executed, and for what."""

    job: int
    environment: str
    step: str
    attempt: int
    phase: str
    key: str
    process: FakeProcess

    @property
    def ref(self) -> StepRef:
        return StepRef(job=self.job, step=self.step, attempt=self.attempt)


class Seen(msgspec.Struct):
    """What the journal said of one job."""

    submitted: ev.JobSubmitted
    submitted_at: Instant
    definition: JobDefinition
    admitted: ev.JobAdmitted | None = None
    admitted_under: Configuration | None = None
    ended: ev.JobEnded | None = None
    ended_at_line: int = 0
    admitted_at_line: int = 0
    stopped: bool = False
    stop: Stop | None = None
    stopped_after_steps: bool = False
    force_is_of_handlers: bool = False
    handlers_forced: bool = False
    approval_since: Instant | None = None
    approvals: list[Approval] = []
    asked: dict[str, list[Approval]] = {}
    agreed: dict[StepRef, int] = {}
    ready: Instant | None = None
    at_work: set[str] = set()
    unrun_without_cause: set[str] = set()
    quarantined: bool = False
    steps: dict[str, StepConclusion] = {}
    stops: set[str] = set()
    gave_way: set[str] = set()
    attempts: dict[str, int] = {}
    due: dict[str, Instant] = {}
    forced: set[str] = set()
    findings: list[Finding] = []

    @property
    def environment(self) -> str:
        return self.submitted.environment

    def step(self, name: str) -> StepDefinition:
        return next(step for step in self.definition.pipeline.steps if step.name == name)

    def settings(self, name: str) -> FakeConfig:
        return msgspec.convert(self.step(name).config, FakeConfig)

    def locks(self) -> tuple[str, ...]:
        """What it must hold: the locks of its environment when it was admitted."""
        assert self.admitted_under is not None
        here = self.admitted_under.environments.get(self.environment)
        return (here or self.definition.environment).locks
