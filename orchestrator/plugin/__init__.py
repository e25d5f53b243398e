"""What plugin authors import. Stable: changes follow semantic versioning."""

from orchestrator.core.language.definition import OutcomeRule
from orchestrator.core.language.durations import parse_duration
from orchestrator.core.language.words import Outcome, Role
from orchestrator.core.values.parameters import variable_name
from orchestrator.core.values.references import format_value
from orchestrator.plugin.adapter import Adapter
from orchestrator.plugin.api_version import API_VERSION
from orchestrator.plugin.errors import AdapterError, CallLost, ProcessLost, StopRequested
from orchestrator.plugin.hookspecs import hookimpl
from orchestrator.plugin.question import Answer, Question
from orchestrator.plugin.result import (
    CLEAN,
    Cleanliness,
    Completed,
    Exit,
    Problem,
    Result,
    Severity,
    Traits,
)
from orchestrator.plugin.secrets import Secret, SecretSource
from orchestrator.plugin.step import Claim, JobInfo, NotDone, Step, StopInfo, Unknown

__all__ = [
    "API_VERSION",
    "CLEAN",
    "Adapter",
    "AdapterError",
    "Answer",
    "CallLost",
    "Claim",
    "Cleanliness",
    "Completed",
    "Exit",
    "JobInfo",
    "NotDone",
    "Outcome",
    "OutcomeRule",
    "Problem",
    "ProcessLost",
    "Question",
    "Result",
    "Role",
    "Secret",
    "SecretSource",
    "Severity",
    "Step",
    "StopInfo",
    "StopRequested",
    "Traits",
    "Unknown",
    "format_value",
    "hookimpl",
    "parse_duration",
    "variable_name",
]
