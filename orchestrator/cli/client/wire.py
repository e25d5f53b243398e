"""The daemon's answers as the command line reads them; for the type checker only.

No verb imports this module at run time: `typing` alone would cost a tenth of a verb's start.
"""

from typing import Any, TypedDict


class Actor(TypedDict):
    """A user, as the kernel named it."""

    uid: int
    user: str


class Blocker(TypedDict):
    """One reason why a job, or a step of it, waits."""

    type: str
    id: int | str | None
    text: str
    since: str | None


class LiftableBlocker(Blocker):
    """The same, with who can lift it and what to type."""

    lift: str | None


class Cause(TypedDict):
    """Because of what a step did not run: the end of a `step`, a `stop`, its own `when`, or what
    the `job` came to."""

    type: str
    step: str | None
    conclusion: str | None
    exit: int | None


class Progress(TypedDict):
    """How far a step says that it is."""

    done: int | None
    total: int | None
    text: str | None


class Step(TypedDict):
    """One step of a job."""

    name: str
    section: str | None
    stage: str | None
    uses: str
    phase: str
    conclusion: str | None
    exit: int | None
    signal: str | None
    pid: int | None
    reason: str | None
    cause: Cause | None
    attempt: int
    attempts: int | None
    next_attempt_at: str | None
    outputs: dict[str, Any]
    progress: Progress | None
    waiting_for: str | None
    waiting_since: str | None
    warnings: list[str]
    last_output_at: str | None
    started_at: str | None
    finished_at: str | None


class StepUnderWay(Step):
    """One that has begun and not ended, with what answers what it asks."""

    lift: str | None


class Cancel(TypedDict):
    """The stop that was asked for."""

    cause: str
    by: Actor | None
    reason: str | None
    at: str
    force: bool
    force_available_at: str | None


class Approval(TypedDict):
    """One person's yes, to a job or to what a step of it asked."""

    by: Actor
    at: str
    comment: str | None
    step: str | None


class AwaitedRule(TypedDict):
    """One rule that is not satisfied yet."""

    text: str
    roles: list[str]
    count: int
    given: int
    not_submitter: bool
    expires_at: str | None


class Awaited(TypedDict):
    """What people are asked now."""

    step: str | None
    message: str | None
    since: str
    expires_at: str | None
    rules: list[AwaitedRule]


class Summary(TypedDict):
    """What a step that has ended says of what it did or found."""

    step: str
    text: str


class Placed(TypedDict):
    """What runs, or would run, where."""

    pipeline: str
    environment: str


class PendingApproval(Awaited, Placed):
    """The same, with what who answers wants to know."""

    job: int
    kind: str
    submitter: Actor
    reason: str | None
    approvals: list[Approval]
    summaries: list[Summary]
    holds_environment: bool
    may_answer: bool


class PendingApprovals(TypedDict):
    """All that people are asked now."""

    approvals: list[PendingApproval]


class Job(Placed):
    """One run of a pipeline in an environment; without `steps` in lists."""

    id: int
    kind: str
    params: dict[str, Any]
    priority: int
    labels: dict[str, str]
    url: str | None
    phase: str
    conclusion: str | None
    warnings: int
    halted_by: str | None
    dirty: bool
    retry_of: int | None
    cleanup_for: int | None
    submitter: Actor
    reason: str | None
    key: str | None
    locks: list[str]
    approvals: list[Approval]
    awaits: list[Awaited]
    waited_long: bool
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    blockers: list[Blocker]
    steps: list[Step]


class Jobs(TypedDict):
    """A page of jobs, newest first; `next` is the id to go on before."""

    jobs: list[Job]
    next: int | None


class Explanation(TypedDict):
    """What a job waits for."""

    job: int
    phase: str
    since: str | None
    place: int | None
    blockers: list[LiftableBlocker]
    approvals: list[str]
    steps: list[StepUnderWay]
    awaits: list[Awaited]


class Debt(TypedDict):
    """A cleanup that an environment owes."""

    pipeline: str
    for_job: int
    since: str
    locks: list[str]


class EnvironmentDebt(Debt):
    """The same, with whose it is."""

    environment: str


class Quarantine(TypedDict):
    """Why only a repair may act in an environment."""

    since: str
    job: int
    step: str | None
    found: str
    commands: list[str]


class Environment(TypedDict):
    """State of one environment."""

    name: str
    preparing: list[int]
    running: list[int]
    queued: list[int]
    debts: list[Debt]
    quarantine: Quarantine | None
    holds: list[dict[str, Any]]
    locks: list[str]
    retired: bool
    last: list[int]


class Parameter(TypedDict):
    """A parameter that a pipeline takes."""

    name: str
    type: str
    required: bool
    default: Any
    pattern: str | None
    description: str | None
    choices: list[str] | None
    min: float | None
    max: float | None
    example: str | None


class Retry(TypedDict):
    """How often a step is tried; seconds."""

    attempts: int
    backoff: float
    factor: float
    max: float | None
    on: list[str]


class Outcome(TypedDict):
    """What one end of a step means."""

    match: str
    then: str
    skip: list[str]
    reason: str | None


class AskedRule(TypedDict):
    """Who must say yes; `expires` in seconds."""

    roles: list[str]
    count: int
    not_submitter: bool
    expires: float | None


class AskedApproval(AskedRule):
    """Who must say yes before a job queues."""

    environment: str | None


class PipelineStep(TypedDict):
    """A step as it is defined."""

    name: str
    uses: str
    section: str
    stage: str | None
    needs: list[str] | None
    touches: bool
    matrix: dict[str, Any] | None
    matrix_of: str | None
    max_parallel: int | None
    when: str | None
    retry: Retry | None
    outcomes: list[Outcome]
    timeout: float | None


class Pipeline(TypedDict):
    """A definition."""

    name: str
    kind: str
    description: str | None
    environments: list[str] | None
    params: list[Parameter]
    steps: list[PipelineStep]
    cleanup: str | None
    stop: Any
    approvals: list[AskedApproval]
    timeout: float | None
    max_wait: float | None
    on_max_wait: str
    fail_running: str
    halt_running: str


class Cleanup(TypedDict):
    """The cleanup that a run would owe."""

    pipeline: str
    params: dict[str, Any]


class PlannedCondition(TypedDict):
    """A `when`; `holds` of None: only the run knows."""

    text: str
    holds: bool | None
    why: str | None


class PlannedOutcome(TypedDict):
    """One line of a step's own outcomes."""

    match: str
    then: str
    reason: str | None
    skip: list[str]


PlannedStep = TypedDict(
    "PlannedStep",
    {
        "name": str,
        "uses": str,
        "section": str,
        "stage": str | None,
        "needs": list[str] | None,
        "touches": bool,
        "with": dict[str, Any],
        "turn": int,
        "env": dict[str, str],
        "when": PlannedCondition | None,
        "outcomes": list[PlannedOutcome],
        "max_parallel": int | None,
        "later": list[str],
        "secrets": list[str],
    },
)
"""A step of a dry run, resolved as far as is known."""


class PlannedApproval(TypedDict):
    """An approval that will be asked for."""

    rule: str
    text: str
    expires: float | None


class DryRun(TypedDict):
    """What a submission would do."""

    pipeline: str
    environment: str
    kind: str
    params: dict[str, Any]
    steps: list[PlannedStep]
    cleanup: Cleanup | None
    blockers: list[Blocker]
    approvals: list[PlannedApproval]


class Plugin(TypedDict):
    """An installed plugin; `problem` if it could not be loaded."""

    name: str
    version: str | None
    adapters: list[str]
    problem: str | None


class Drain(TypedDict):
    """Why nothing is admitted."""

    by: Actor | None
    reason: str | None
    since: str


class AcceptedConfiguration(TypedDict):
    """What the daemon works by."""

    directory: str
    accepted_at: str | None
    problems: list[str]


class DaemonState(TypedDict):
    """The daemon itself."""

    pid: int
    version: str
    started_at: str
    state_dir: str
    draining: Drain | None
    capacity: int
    in_use: int
    configuration: AcceptedConfiguration


class Status(TypedDict):
    """One screen."""

    daemon: DaemonState
    running: list[Job]
    queued: list[Job]
    preparing: list[Job]
    approvals: list[PendingApproval]
    quarantines: list[Environment]
    debts: list[EnvironmentDebt]
