"""What the daemon answers. The OpenAPI document comes from these.

Absent is null, never missing. Times are UTC in ISO 8601 with milliseconds.
"""

import enum
from typing import Any

import msgspec


class Actor(msgspec.Struct, frozen=True):
    """A user, as the kernel named it."""

    uid: int
    user: str


class Blocker(msgspec.Struct, frozen=True):
    """One thing that keeps a job, or a step of it, from starting. `id` is a job's number, or a
    name."""

    type: str
    id: int | str
    text: str
    since: str | None


class LiftableBlocker(Blocker, frozen=True):
    """The same, with who can lift it and what to type."""

    lift: str | None


class Cause(msgspec.Struct, frozen=True):
    """What decided that a step did not run.

    `type`: the end of a `step` (its name, how it ended); a `stop` of the job, whose `cancel` says
    more (`conclusion` is the `cause` there); a condition of the step's own (`when`); or what the
    `job` came to, which did not call for the step.
    """

    type: str
    step: str | None = None
    conclusion: str | None = None
    exit: int | None = None


class Progress(msgspec.Struct, frozen=True):
    """How far a step says that it is."""

    done: int
    total: int | None
    text: str | None


class Approval(msgspec.Struct, frozen=True):
    """One person's yes, to a job or (`step`) to what a step of it asked.

    `for` are the rules that it counts for: `pipeline`, `environment`, `step`.
    """

    by: Actor
    at: str
    comment: str | None
    step: str | None
    counts_for: tuple[str, ...] = msgspec.field(name="for")


class AwaitedRule(msgspec.Struct, frozen=True):
    """One rule that is not satisfied yet; `given` of its `count` have approved."""

    name: str = msgspec.field(name="for")
    text: str
    roles: tuple[str, ...]
    count: int
    given: int
    not_submitter: bool
    expires_at: str | None


class Awaited(msgspec.Struct, frozen=True):
    """What people are asked now: whether a job may queue, or (`step`) what a step asks."""

    step: str | None
    message: str | None
    since: str
    expires_at: str | None
    rules: tuple[AwaitedRule, ...]


class Summary(msgspec.Struct, frozen=True):
    """What a step that has ended says of what it did or found, such as a plan's `+3 ~1 -0`."""

    step: str
    text: str


class PendingApproval(Awaited, frozen=True, kw_only=True):
    """The same, with what who answers wants to know.

    `may_answer`: a yes of who asks would count. `holds_environment`: the job has been admitted,
    and nothing that it excludes starts before it has ended.
    """

    job: int
    pipeline: str
    environment: str
    kind: str
    submitter: Actor
    reason: str | None
    params: dict[str, str]
    approvals: tuple[Approval, ...]
    summaries: tuple[Summary, ...]
    holds_environment: bool
    may_answer: bool


class PendingApprovals(msgspec.Struct, frozen=True):
    """All that people are asked now, by the number of the job."""

    approvals: tuple[PendingApproval, ...]


class Step(msgspec.Struct, frozen=True):
    """One step of a job. Outputs that are sensitive are masked.

    `attempts` are the most that it may have, null without `retry`; while one is waited for, the
    step is `pending`, and `next_attempt_at` says until when. `waiting_for` is in words, whose
    answer it waits for too; it has waited since `waiting_since` without a break, whatever for.
    """

    name: str
    section: str
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
    warnings: tuple[str, ...]
    last_output_at: str | None
    started_at: str | None
    finished_at: str | None


class StepUnderWay(Step, frozen=True, kw_only=True):
    """A step that has begun and has not ended; `lift` answers what it asks people, if it does."""

    lift: str | None


class Cancel(msgspec.Struct, frozen=True):
    """The stop that was asked for; `by` is null where a limit asked. `force`: that too.

    `cause` is `cancel`, `timeout`, `disconnect`, `rejection` or `expiry`.
    """

    cause: str
    by: Actor | None
    reason: str | None
    at: str
    force: bool
    force_available_at: str | None


class Source(msgspec.Struct, frozen=True):
    """What the job runs from."""

    commit: str | None = None


class JobSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A job as lists show it.

    `warnings` counts the steps that ended as `warning`, what adapters warned of, and that it
    `waited_long`: longer in the queue than its `max_wait`. `awaits` is what people are asked now.
    """

    id: int
    pipeline: str
    environment: str
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
    pays: tuple[int, ...]
    submitter: Actor
    reason: str | None
    key: str | None
    source: Source
    locks: tuple[str, ...]
    approvals: tuple[Approval, ...]
    awaits: tuple[Awaited, ...]
    waited_long: bool
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    blockers: tuple[Blocker, ...]


class Job(JobSummary, frozen=True, kw_only=True):
    """One run of a pipeline in an environment."""

    steps: tuple[Step, ...]


class JobPhase(enum.Enum):
    """What a job is doing, to search for."""

    PREPARING = "preparing"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"


class Jobs(msgspec.Struct, frozen=True):
    """A page of jobs, the newest first; `next` is the `before` of the next page."""

    jobs: tuple[JobSummary, ...]
    next: int | None


class Passing(msgspec.Struct, frozen=True):
    """A job that stood behind another one and started before it, and when."""

    job: int
    pipeline: str
    environment: str
    at: str


class Explanation(msgspec.Struct, frozen=True):
    """What a job waits for. `place` is its place in the environment's queue, from 1.

    `since` is when it began to do what its `phase` says. `approvals` are those that it will need
    before it queues, in words; what it awaits now is among the blockers. `steps` are those that are
    under way, with what they wait for; `awaits` is what the job and they ask people now.
    `passed_over` are the jobs behind it that have taken, since it waits, a lock or the environment
    that it needs, the latest first; of those that have ended the last 200 are looked at.
    """

    job: int
    phase: str
    since: str | None
    place: int | None
    blockers: tuple[LiftableBlocker, ...]
    approvals: tuple[str, ...]
    steps: tuple[StepUnderWay, ...] = ()
    awaits: tuple[Awaited, ...] = ()
    passed_over: tuple[Passing, ...] = ()


class Debt(msgspec.Struct, frozen=True):
    """A cleanup that is owed for a job, and the locks it keeps; `due` when that has ended."""

    pipeline: str
    for_job: int
    since: str
    locks: tuple[str, ...]
    due: bool


class EnvironmentDebt(Debt, frozen=True, kw_only=True):
    """The same, with the environment that owes it."""

    environment: str


class Recheck(msgspec.Struct, frozen=True):
    """A look at what was found that was asked for and is not over. It waits for `blockers` until it
    has `started`. `by` is nobody where a repair that succeeded has asked for it. `cancel` is the
    stop that was asked for."""

    id: str
    asked: str
    by: str | None
    started: str | None
    cancel: Cancel | None
    blockers: tuple[Blocker, ...]


class Quarantine(msgspec.Struct, frozen=True):
    """Why only a repair may act in an environment, and what a person can type to repair it.

    `lookable`: a recheck can tell whether what was found is gone.
    """

    since: str
    job: int
    step: str | None
    found: str
    commands: tuple[str, ...]
    lookable: bool
    recheck: Recheck | None


class UnknownRun(msgspec.Struct, frozen=True):
    """A directory of a job that the journal does not know, as a backup does not: its tools may be
    alive (`pids` are those that are now), so nothing starts in these environments.

    `waiting`: the daemon waits until nothing of it lives; `by` and `reason` say who wanted that.
    """

    job: int
    pipeline: str | None
    environments: tuple[str, ...]
    since: str | None
    directory: str
    pids: tuple[int, ...]
    waiting: bool
    by: Actor | None
    reason: str | None


class UnknownRuns(msgspec.Struct, frozen=True):
    """Every run that the journal does not know."""

    runs: tuple[UnknownRun, ...]


class Environment(msgspec.Struct, frozen=True):
    """One environment. `queued` is in its order; `last` are the jobs that ended last.

    `preparing` are those that are not ready yet and hold nothing. `unknown` are the numbers of runs
    that the journal does not know and that may be at work in it.
    """

    name: str
    preparing: tuple[int, ...]
    running: tuple[int, ...]
    queued: tuple[int, ...]
    debts: tuple[Debt, ...]
    quarantine: Quarantine | None
    holds: tuple[Any, ...]
    locks: tuple[str, ...]
    retired: bool
    last: tuple[int, ...]
    unknown: tuple[int, ...]


class Environments(msgspec.Struct, frozen=True):
    """Every environment, by name."""

    environments: tuple[Environment, ...]


class ResolvedStep(msgspec.Struct, frozen=True):
    """One step of a dry run, `with` and `env` as far resolved as can be known before it runs.

    Steps of one `turn` have nothing to wait for in each other: they can run side by side, as far
    as the capacity goes and, of one matrix, `max_parallel`. `later` are the references whose values
    only the run knows, `secrets` the names of the secrets that stand as `***`.
    """

    name: str
    uses: str
    section: str
    stage: str | None
    needs: tuple[str, ...]
    touches: bool
    settings: Any = msgspec.field(name="with")
    turn: int = 1
    env: dict[str, str] = {}
    when: "PlannedCondition | None" = None
    outcomes: tuple["PlannedOutcome", ...] = ()
    matrix: dict[str, Any] | None = None
    max_parallel: int | None = None
    later: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class PlannedCondition(msgspec.Struct, frozen=True):
    """A step's `when`. `holds` of null: only the run knows; else `why` says it with the values."""

    text: str
    holds: bool | None
    why: str | None


class PlannedOutcome(msgspec.Struct, frozen=True):
    """One line of a step's own outcomes."""

    match: str
    then: str
    reason: str | None
    skip: tuple[str, ...]


class PlannedApproval(msgspec.Struct, frozen=True):
    """An approval that will be asked for when the `before` steps have ended. `expires` in seconds.

    `rule` is `pipeline` or `environment`: where it is written.
    """

    rule: str
    text: str
    roles: tuple[str, ...]
    count: int
    not_submitter: bool
    expires: float | None


class OwedCleanup(msgspec.Struct, frozen=True):
    """The cleanup that a job would owe."""

    pipeline: str
    params: dict[str, Any]


class DryRun(msgspec.Struct, frozen=True):
    """What a submission would do, what it would wait for now, and the approvals it would need:
    none while it `pays` what these jobs owe."""

    dry_run: bool
    pipeline: str
    environment: str
    kind: str
    params: dict[str, Any]
    steps: tuple[ResolvedStep, ...]
    cleanup: OwedCleanup | None
    blockers: tuple[LiftableBlocker, ...]
    approvals: tuple[PlannedApproval, ...] = ()
    pays: tuple[int, ...] = ()


class Plugin(msgspec.Struct, frozen=True):
    """One installed plugin; `problem` is why it brings nothing, or not all that it should.

    `api` is the version of the plugin API that it was written for, None where it states none.
    """

    name: str
    version: str | None
    adapters: tuple[str, ...]
    problem: str | None
    api: str | None


class Plugins(msgspec.Struct, frozen=True):
    """Every installed plugin."""

    plugins: tuple[Plugin, ...]


class Drain(msgspec.Struct, frozen=True):
    """Since when nothing is admitted, and who asked for it."""

    by: Actor | None
    reason: str | None
    since: str


class ConfigurationState(msgspec.Struct, frozen=True):
    """The configuration in force, and since which start or reload; `problems` are the mistakes of a
    newer one that was refused."""

    directory: str
    accepted_at: str | None
    problems: tuple[str, ...]


class DaemonState(msgspec.Struct, frozen=True):
    """The daemon itself. `in_use` of its `capacity` are tools at work; `plugins_not_loaded` are
    names of plugins that are installed and bring nothing, or not all."""

    pid: int
    version: str
    started_at: str
    state_dir: str
    draining: Drain | None
    capacity: int
    in_use: int
    configuration: ConfigurationState
    plugins_not_loaded: tuple[str, ...]


class Status(msgspec.Struct, frozen=True):
    """One screen. `queued` holds those that go next, at most some hundreds of them.

    `preparing` are those that are not ready yet; `approvals` is what people are asked now.
    """

    daemon: DaemonState
    running: tuple[Job, ...]
    queued: tuple[Job, ...]
    preparing: tuple[Job, ...]
    approvals: tuple[PendingApproval, ...]
    quarantines: tuple[Environment, ...]
    debts: tuple[EnvironmentDebt, ...]
    unknown: tuple[UnknownRun, ...]
