"""What configuration says, as frozen structs: the input of every rule.

Durations are seconds. Names are the keys of the files (`pipelines/team/web.toml` is `team/web`).
"""

from typing import Any, TypeAlias

import msgspec

from orchestrator.core.language.words import (
    LongWaitPolicy,
    Outcome,
    ParameterType,
    Role,
    RunningPolicy,
    Section,
    StopPolicy,
)

DEFAULT_FORCE_AFTER = 300.0
DEFAULT_CLEANUP_TIMEOUT = 300.0
DEFAULT_SOURCE_TIMEOUT = 600.0
LONGEST_BACKOFF = 86400.0
"""Seconds."""
SOURCE_STEP = "source"
"""The step that a pipeline with `[source] git` has without writing it."""


class Roles(msgspec.Struct, frozen=True):
    """Who holds which role: user names, `@group` names, or `*` for everybody."""

    viewer: tuple[str, ...] = ()
    submitter: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()

    def holders(self, role: Role) -> tuple[str, ...]:
        """Who is named for exactly this role."""
        match role:
            case Role.VIEWER:
                return self.viewer
            case Role.SUBMITTER:
                return self.submitter
            case Role.APPROVER:
                return self.approver
            case Role.ADMIN:
                return self.admin


class StopRules(msgspec.Struct, frozen=True):
    """Who may cancel, by the phase that the job's steps are in."""

    queued: StopPolicy = StopPolicy.SUBMITTERS
    preparing: StopPolicy = StopPolicy.SUBMITTERS
    acquiring: StopPolicy = StopPolicy.SUBMITTERS
    applying: StopPolicy = StopPolicy.SUBMITTERS
    cleaning_up: StopPolicy = StopPolicy.SUBMITTERS


class OutcomeRule(msgspec.Struct, frozen=True):
    """One line of an outcomes table.

    `match` is `exit N`, `exit N-M`, `signal NAME`, `status NAME`, `success`, `failure`,
    `cancelled` or `timed_out`; an adapter's own status may also stand alone. `reason` is shown
    beside the outcome; the steps in `skip` need not run then, those of a stage written out.
    """

    match: str
    then: Outcome
    reason: str = ""
    skip: tuple[str, ...] = ()


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often a step is tried (`attempts`, the first included), and what is waited in between.

    The wait is `backoff` seconds, each time `factor` times as long, `max` seconds at most. `on`
    are matches as of OutcomeRule; empty: every failure.
    """

    attempts: int
    backoff: float = 0.0
    factor: float = 1.0
    max: float | None = None
    on: tuple[str, ...] = ()


class ApprovalRule(msgspec.Struct, frozen=True):
    """Who must approve: `count` people, each with one of the roles.

    `not_submitter`: not the one who submitted the job. `expires` are seconds, None: never.
    """

    roles: tuple[Role, ...] = (Role.APPROVER,)
    count: int = 1
    not_submitter: bool = False
    expires: float | None = None


class Parameter(msgspec.Struct, frozen=True):
    """One parameter that a submission may give.

    `pattern` must match the whole value, of a list each item; `min` and `max` bound a number, the
    characters of a text, the items of a list. `default` is text as a job keeps it, `example` as it
    is given on the command line. The value of one that is `secret` is kept in a file of its own,
    never with the job.
    """

    name: str
    type: ParameterType = ParameterType.STRING
    required: bool = False
    default: str | None = None
    pattern: str | None = None
    description: str = ""
    example: str | None = None
    secret: bool = False
    choices: tuple[str, ...] = ()
    min: int | float | None = None
    max: int | float | None = None


class SecretUse(msgspec.Struct, frozen=True):
    """`{ secret = "NAME" }`: the value is read when an attempt begins, and kept nowhere else."""

    secret: str


Variables: TypeAlias = dict[str, str | SecretUse]
"""An `env` table: text with references, or the name of a secret."""


class FileSecret(msgspec.Struct, frozen=True, tag="file"):
    """A secret that is the content of a file, which nobody else may read."""

    path: str


class CredentialSecret(msgspec.Struct, frozen=True, tag="credential"):
    """A secret that systemd hands to the daemon (systemd.exec(5), LoadCredential=)."""

    name: str


class PluginSecret(msgspec.Struct, frozen=True, tag="plugin"):
    """A secret that a plugin reads, by settings that are its own."""

    plugin: str
    settings: dict[str, Any] = {}


SecretDefinition: TypeAlias = FileSecret | CredentialSecret | PluginSecret
"""Where the value of a secret is read."""


class Source(msgspec.Struct, frozen=True):
    """Where steps run: `path` in place, else a directory of the job's own.

    That is empty, or where the step `source` checks `git` out; steps run in its `directory` then.
    """

    path: str | None = None
    git: str | None = None
    directory: str = "."


class CleanupReference(msgspec.Struct, frozen=True):
    """The pipeline that a job owes, and its parameters with `${params.X}` still unresolved."""

    pipeline: str
    params: dict[str, Any] = {}


class StepDefinition(msgspec.Struct, frozen=True):
    """One step. `config` is its `with` table with references unresolved.

    `touches`, `takes_slot`, `grace` hold what the file says, else the adapter's traits; `outcomes`
    is what the file says, `default_outcomes` what the adapter does. `has_acquire` and
    `has_cleanup` say whether the adapter has those phases at all, `checked_first` whether its
    acquire begins with its check, `verifies` whether its cleanup can tell what was left.
    `timeout` and `grace` of None mean without limit. `needs` are names of steps of the same
    section, those of a stage or a matrix written out. `surely_touches`: the file or the adapter
    says so, it is not only assumed. One step of a matrix has its values in `matrix`, the name of
    the step as written in `matrix_of`, and how many of those may work at once. `when` is a
    condition (orchestrator.core.values.conditions), None: always.
    """

    name: str
    uses: str
    config: dict[str, Any] = {}
    env: Variables = {}
    needs: tuple[str, ...] = ()
    section: Section = Section.STEPS
    touches: bool = True
    takes_slot: bool = True
    has_acquire: bool = True
    has_cleanup: bool = True
    verifies: bool = True
    timeout: float | None = None
    grace: float | None = None
    cleanup_timeout: float = DEFAULT_CLEANUP_TIMEOUT
    outcomes: tuple[OutcomeRule, ...] = ()
    stage: str | None = None
    default_outcomes: tuple[OutcomeRule, ...] = ()
    retry: RetryPolicy | None = None
    surely_touches: bool = False
    matrix: dict[str, Any] = {}
    matrix_of: str | None = None
    max_parallel: int | None = None
    checked_first: bool = True
    when: str | None = None


class PipelineDefinition(msgspec.Struct, frozen=True):
    """One pipeline. `environments` of None means every one. `origin` is the file, for messages.

    `steps` are those of all sections, in the order of the sections. `max_wait` are seconds.
    """

    name: str
    kind: str
    steps: tuple[StepDefinition, ...]
    origin: str = ""
    description: str = ""
    environments: tuple[str, ...] | None = None
    cleanup: CleanupReference | None = None
    stop: StopRules = StopRules()
    timeout: float | None = None
    force_after: float = DEFAULT_FORCE_AFTER
    source: Source = Source()
    params: tuple[Parameter, ...] = ()
    env: Variables = {}
    roles: Roles | None = None
    fail_running: RunningPolicy = RunningPolicy.FINISH
    halt_running: RunningPolicy = RunningPolicy.FINISH
    approval: ApprovalRule | None = None
    max_wait: float | None = None
    on_max_wait: LongWaitPolicy = LongWaitPolicy.FAIL


class EnvironmentDefinition(msgspec.Struct, frozen=True):
    """One environment. `locks` are taken by every job in it, each by one job at a time."""

    name: str
    locks: tuple[str, ...] = ()
    vars: dict[str, Any] = {}
    env: Variables = {}
    roles: Roles | None = None
    origin: str = ""
    approval: ApprovalRule | None = None


class JobDefinition(msgspec.Struct, frozen=True):
    """What a job keeps from the configuration it was submitted under."""

    pipeline: PipelineDefinition
    environment: EnvironmentDefinition
    cleanup: PipelineDefinition | None = None


class Configuration(msgspec.Struct, frozen=True):
    """A whole accepted configuration. `kinds` maps a kind to the kinds it excludes, as written.

    `roles` of None: root and the daemon's own user are admins and nobody else gets in.
    `pass_env` are names or `PREFIX*` patterns that tools may inherit from the daemon;
    `allow_env` names variables that are refused unless they stand here.
    """

    state_dir: str
    socket: str
    kinds: dict[str, tuple[str, ...]]
    environments: dict[str, EnvironmentDefinition] = {}
    pipelines: dict[str, PipelineDefinition] = {}
    capacity: int = 8
    pass_env: tuple[str, ...] = ()
    allow_env: tuple[str, ...] = ()
    roles: Roles | None = None
    secrets: dict[str, SecretDefinition] = {}
