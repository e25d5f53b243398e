"""What Gate says of pipelines and their executions. Keys that we do not use are left out."""

import enum
from typing import Any

import msgspec


class Status(enum.Enum):
    """Of an execution and of a stage, as Orca's `ExecutionStatus` has them."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    BUFFERED = "BUFFERED"
    REDIRECT = "REDIRECT"
    SUCCEEDED = "SUCCEEDED"
    FAILED_CONTINUE = "FAILED_CONTINUE"
    SKIPPED = "SKIPPED"
    TERMINAL = "TERMINAL"
    CANCELED = "CANCELED"
    STOPPED = "STOPPED"

    @property
    def complete(self) -> bool:
        """Whether nothing of it runs, or will."""
        return self in _COMPLETE


_COMPLETE = frozenset(
    {
        Status.SUCCEEDED,
        Status.FAILED_CONTINUE,
        Status.SKIPPED,
        Status.TERMINAL,
        Status.CANCELED,
        Status.STOPPED,
    }
)
LIVE = tuple(status for status in Status if not status.complete)


CORRELATION = "orchestrator-"
"""How every correlation id begins that a job of an orchestrator has given."""
JUDGED = "orchestratorJudgment"
"""What our answer to a manual judgment adds to the stage's context: who gave it (`by`), and to
which start of the stage (`startTime`). To Spinnaker all our answers come from Gate's one user."""


class _FromGate(msgspec.Struct, frozen=True, rename="camel"):
    """Decoded from Gate's JSON."""


class LastModified(_FromGate, frozen=True):
    """Who changed a stage last, a judgment's answer for instance."""

    user: str | None = None


class Stage(_FromGate, frozen=True):
    """One stage of an execution. Times are UTC milliseconds. `context` is what it was given."""

    id: str
    type: str
    name: str
    status: Status
    parent_stage_id: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    last_modified: LastModified | None = None
    context: dict[str, Any] = {}
    outputs: dict[str, Any] = {}

    @property
    def modified_by(self) -> str | None:
        """Who changed it last, where that is known."""
        if self.last_modified is not None and self.last_modified.user:
            return self.last_modified.user
        by = self.context.get("lastModifiedBy")
        return by if isinstance(by, str) and by else None

    @property
    def judged_by(self) -> str | None:
        """Who has judged it, as we noted it down; else whom Spinnaker names."""
        noted = self.context.get(JUDGED)
        if isinstance(noted, dict) and noted.get("startTime") == self.start_time:
            return str(noted.get("by"))
        return self.modified_by


class Trigger(_FromGate, frozen=True):
    """What started an execution, and who."""

    type: str = ""
    user: str | None = None
    correlation_id: str | None = None
    parameters: dict[str, Any] | None = None

    @property
    def is_a_jobs(self) -> bool:
        """Whether a job has started it, of this orchestrator or of another."""
        return (self.correlation_id or "").startswith(CORRELATION)


class Paused(_FromGate, frozen=True):
    """Who paused an execution last, and whether that still holds."""

    paused: bool = False
    paused_by: str | None = None


class Execution(_FromGate, frozen=True):
    """One run of a pipeline. `canceled` says that somebody asked; only `status` that it stopped."""

    id: str
    application: str
    status: Status
    name: str = ""
    build_time: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    canceled: bool = False
    canceled_by: str | None = None
    cancellation_reason: str | None = None
    paused: Paused | None = None
    trigger: Trigger = Trigger()
    stages: tuple[Stage, ...] = ()


class ParameterOption(_FromGate, frozen=True):
    """One value that a parameter may have."""

    value: Any = None


class Parameter(_FromGate, frozen=True):
    """One entry of a pipeline's `parameterConfig`. What people wrote long ago may be null."""

    name: str
    required: bool | None = None
    default: Any = None
    has_options: bool | None = None
    options: tuple[ParameterOption, ...] | None = None


class PipelineTrigger(_FromGate, frozen=True):
    """What starts a pipeline without us, if `enabled`."""

    type: str | None = None
    enabled: bool | None = None


class ConfiguredStage(_FromGate, frozen=True):
    """A stage as it is configured."""

    name: str | None = None


class PipelineConfig(_FromGate, frozen=True):
    """A pipeline as it is configured. One made of a template (`type`) has its stages elsewhere."""

    id: str
    name: str
    application: str
    type: str | None = None
    disabled: bool | None = None
    limit_concurrent: bool | None = None
    keep_waiting_pipelines: bool | None = None
    parameter_config: tuple[Parameter, ...] | None = None
    triggers: tuple[PipelineTrigger, ...] | None = None
    stages: tuple[ConfiguredStage, ...] | None = None

    @property
    def called(self) -> str:
        """As `conflicts` names it."""
        return f"{self.application}/{self.name}"

    @property
    def is_templated(self) -> bool:
        """Whether its stages, and parameters that it does not name, come from a template."""
        return self.type == "templatedPipeline"


class PipelineName(_FromGate, frozen=True):
    """Of a pipeline in a list."""

    name: str
