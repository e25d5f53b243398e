"""The keys of each kind of file: name, type, default, and whether it is built.

These declarations are what files are validated with and what the JSON Schemas are made of.
A key of type `Later` belongs to the contract but is not built yet: it is refused by name. All of
them stand in orchestrator.core.language.planned.
"""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, field

from orchestrator.config.durations import Duration
from orchestrator.core.language.definition import (
    DEFAULT_CLEANUP_TIMEOUT,
    DEFAULT_FORCE_AFTER,
    DEFAULT_SOURCE_TIMEOUT,
)
from orchestrator.core.language.words import (
    LongWaitPolicy,
    Outcome,
    ParameterType,
    Role,
    RunningPolicy,
    StopPolicy,
)


class NotBuilt:
    """The type of a key that is not built yet: no value has it."""


Later: TypeAlias = NotBuilt | None


class FileTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a configuration file: its keys are all that it may hold."""


def _text(pattern: str, expected: str) -> Meta:
    """A pattern that Python and the JavaScript of editors read alike: `$` alone would let a final
    newline pass in Python."""
    return Meta(pattern=pattern, extra={"expected": expected})


Name: TypeAlias = Annotated[
    str,
    _text(
        r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$(?!\n)",
        "a name of letters, digits, `-` and `_`, at most 100 long",
    ),
]
LockName: TypeAlias = Annotated[
    str,
    _text(
        r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$(?!\n)",
        "a name of letters, digits, `-`, `_`, `.` and `/`, at most 200 long",
    ),
]
VariableName: TypeAlias = Annotated[
    str,
    _text(r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)", "the name of a variable: letters, digits and `_`"),
]
VariablePattern: TypeAlias = Annotated[
    str,
    _text(
        r"^[A-Za-z_][A-Za-z0-9_]*\*?$(?!\n)", "the name of a variable, or the start of one and `*`"
    ),
]
Holder: TypeAlias = Annotated[
    str, _text(r"^(\*|@?[^\s@*][^\s]*)$(?!\n)", 'a user name, a group as "@group", or "*"')
]
Need: TypeAlias = Annotated[
    str,
    _text(
        r"^(stage:)?[A-Za-z0-9][A-Za-z0-9_-]{0,99}$(?!\n)",
        'the name of a step, or "stage:" and the name of a stage',
    ),
]
OutcomeMatch: TypeAlias = Annotated[
    str,
    _text(
        r"^(success|failure|cancelled|timed_out|exit (0|[1-9][0-9]{0,2})(-(0|[1-9][0-9]{0,2}))?"
        r"|signal [A-Z0-9+-]+|status \S(.*\S)?|stage \S.*\S)$(?!\n)",
        '"exit N", "exit N-M", "signal NAME", "status NAME", \'stage "NAME" STATUS\', "success", '
        '"failure", "cancelled" or "timed_out"',
    ),
]
Named: TypeAlias = Annotated[str, _text(r"^\S(.*\S)?$(?!\n)", "a name")]
PathText: TypeAlias = Annotated[str, _text(r"^[^\0]+$(?!\n)", "a path")]


Credential: TypeAlias = Annotated[
    str, _text(r"^[^/\0]{1,255}$(?!\n)", "the name of a credential, without `/`")
]
ParameterValue: TypeAlias = str | int | float | bool | tuple[str, ...]
"""What a file may say for the value of a parameter; its type says which of these."""


class SecretReference(FileTable, frozen=True, kw_only=True):
    """`{ secret = "NAME" }` in place of a variable's value."""

    secret: Name


Variables: TypeAlias = dict[VariableName, str | SecretReference]


class RolesTable(FileTable, frozen=True):
    """`[roles]`: user names, `@groups`, `"*"`."""

    viewer: tuple[Holder, ...] = ()
    submitter: tuple[Holder, ...] = ()
    approver: tuple[Holder, ...] = ()
    admin: tuple[Holder, ...] = ()


class KindTable(FileTable, frozen=True):
    """`[kinds.X]`: the kinds that may not run beside this one in an environment."""

    excludes: tuple[Name, ...] = ()


class ApprovalTable(FileTable, frozen=True):
    """`[approval]`: who must say yes before a job queues."""

    roles: Annotated[tuple[Role, ...], Meta(min_length=1)] = (Role.APPROVER,)
    count: Annotated[int, Meta(ge=1, le=100)] = 1
    not_submitter: bool = False
    expires: Duration | None = None


class SecretTable(msgspec.Struct, frozen=True):
    """`[secrets.X]`: `file`, `credential`, or `plugin` and the settings that it wants."""

    file: PathText | None = None
    credential: Credential | None = None
    plugin: Named | None = None


class OrchestratorFile(FileTable, frozen=True):
    """`orchestrator.toml`"""

    state_dir: PathText | None = None
    socket: PathText | None = None
    capacity: Annotated[int, Meta(ge=1, le=10000)] = 8
    pass_env: tuple[VariablePattern, ...] = ()
    allow_env: tuple[VariablePattern, ...] = ()
    roles: RolesTable | None = None
    kinds: dict[Name, KindTable] = {}
    secrets: dict[Name, SecretTable] = {}
    pools: Later = None
    retention: Later = None


class EnvironmentFile(FileTable, frozen=True):
    """`environments/**/*.toml`"""

    locks: tuple[LockName, ...] = ()
    vars: dict[Name, Any] = {}
    env: Variables = {}
    roles: RolesTable | None = None
    queue: Later = None
    on_new: Later = None
    max_queued: Later = None
    approval: ApprovalTable | None = None
    freeze: Later = None


class StopTable(FileTable, frozen=True):
    """`stop` by phase."""

    queued: StopPolicy = StopPolicy.SUBMITTERS
    preparing: StopPolicy = StopPolicy.SUBMITTERS
    acquiring: StopPolicy = StopPolicy.SUBMITTERS
    applying: StopPolicy = StopPolicy.SUBMITTERS
    cleaning_up: StopPolicy = StopPolicy.SUBMITTERS


class CleanupTable(FileTable, frozen=True, kw_only=True):
    """`cleanup = { pipeline = …, params = … }`"""

    pipeline: Named
    params: dict[Name, ParameterValue] | None = None


class ParameterTable(FileTable, frozen=True):
    """`[params.X]`"""

    type: ParameterType = ParameterType.STRING
    required: bool = False
    default: ParameterValue | None = None
    pattern: str | None = None
    choices: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    min: int | float | None = None
    max: int | float | None = None
    description: str = ""
    example: ParameterValue | None = None
    secret: bool = False


class OutcomeTable(FileTable, frozen=True, kw_only=True):
    """`{ then = …, skip = […], reason = … }`"""

    then: Outcome
    skip: tuple[Need, ...] = ()
    reason: str = ""


class RetryTable(FileTable, frozen=True, kw_only=True):
    """`retry = { attempts = …, backoff = … }`"""

    attempts: Annotated[int, Meta(ge=2, le=100)]
    backoff: Duration = field(default_factory=lambda: Duration(0))
    factor: Annotated[float, Meta(ge=1, le=100)] = 1.0
    max: Duration | None = None
    on: Annotated[tuple[OutcomeMatch, ...], Meta(min_length=1)] | None = None


class SourceTable(FileTable, frozen=True, kw_only=True):
    """`[source]`: where steps run."""

    path: PathText | None = None
    git: PathText | None = None
    ref: str = "HEAD"
    submodules: bool = True
    directory: PathText = "."
    ssh_key: SecretReference | None = None
    known_hosts: PathText | None = None
    timeout: Duration = field(default_factory=lambda: Duration(DEFAULT_SOURCE_TIMEOUT))
    retry: RetryTable | None = None


MatrixValue: TypeAlias = str | int | float | bool


class StepTable(FileTable, frozen=True, kw_only=True):
    """`[[steps]]`"""

    name: Name
    uses: Named
    with_: dict[str, Any] = field(name="with", default_factory=dict)
    env: Variables = {}
    touches: bool | None = None
    timeout: Duration | None = None
    grace: Duration | None = None
    cleanup_timeout: Duration = field(default_factory=lambda: Duration(DEFAULT_CLEANUP_TIMEOUT))
    stage: Name | None = None
    needs: tuple[Need, ...] | None = None
    when: str | None = None
    matrix: dict[Name, Annotated[tuple[MatrixValue, ...], Meta(min_length=1)]] = {}
    max_parallel: Annotated[int, Meta(ge=1, le=10000)] | None = None
    retry: RetryTable | None = None
    outcomes: dict[OutcomeMatch, Outcome | OutcomeTable] = {}


class PipelineFile(FileTable, frozen=True, kw_only=True):
    """`pipelines/**/*.toml`"""

    kind: Name
    description: str = ""
    environments: Annotated[tuple[Named, ...], Meta(min_length=1)] | None = None
    cleanup: Named | CleanupTable | None = None
    stop: StopPolicy | StopTable = StopPolicy.SUBMITTERS
    timeout: Duration | None = None
    force_after: Duration = field(default_factory=lambda: Duration(DEFAULT_FORCE_AFTER))
    source: SourceTable = field(default_factory=SourceTable)
    params: dict[Name, ParameterTable] = {}
    env: Variables = {}
    roles: RolesTable | None = None
    fail_running: RunningPolicy = RunningPolicy.FINISH
    halt_running: RunningPolicy = RunningPolicy.FINISH
    grace: Duration | None = None
    max_wait: Duration | None = None
    on_max_wait: LongWaitPolicy = LongWaitPolicy.FAIL
    approval: ApprovalTable | None = None
    before: tuple[StepTable, ...] = ()
    steps: Annotated[tuple[StepTable, ...], Meta(min_length=1)]
    on_success: tuple[StepTable, ...] = ()
    on_failure: tuple[StepTable, ...] = ()
    on_warning: tuple[StepTable, ...] = ()
    on_cancel: tuple[StepTable, ...] = ()
    finally_: tuple[StepTable, ...] = field(name="finally", default=())
    pools: Later = None
