"""The daemon's answers as the command line reads them; for the type checker only.

Written by `make wire` from `orchestrator/api/wire.py` and `wire_pipelines.py`: change those. No
verb imports this module at run time: `typing` alone would cost a tenth of a verb's start.
"""

from typing import Any, TypedDict


class Actor(TypedDict):
    """A user, as the kernel named it."""

    uid: int
    user: str


class Blocker(TypedDict):
    """One thing that keeps a job, or a step of it, from starting. `id` is a job's number, or a
    name."""

    type: str
    id: int | str
    text: str
    since: str | None


class LiftableBlocker(Blocker):
    """The same, with who can lift it and what to type."""

    lift: str | None


class Cause(TypedDict):
    """What decided that a step did not run.

    `type`: the end of a `step` (its name, how it ended); a `stop` of the job, whose `cancel` says
    more (`conclusion` is the `cause` there); a condition of the step's own (`when`); or what the
    `job` came to, which did not call for the step.
    """

    type: str
    step: str | None
    conclusion: str | None
    exit: int | None


class Progress(TypedDict):
    """How far a step says that it is."""

    done: int
    total: int | None
    text: str | None


Approval = TypedDict(
    "Approval",
    {
        "by": Actor,
        "at": str,
        "comment": str | None,
        "step": str | None,
        "for": list[str],
    },
)
"""One person's yes, to a job or (`step`) to what a step of it asked.

`for` are the rules that it counts for: `pipeline`, `environment`, `step`.
"""


AwaitedRule = TypedDict(
    "AwaitedRule",
    {
        "for": str,
        "text": str,
        "roles": list[str],
        "count": int,
        "given": int,
        "not_submitter": bool,
        "expires_at": str | None,
    },
)
"""One rule that is not satisfied yet; `given` of its `count` have approved."""


class Awaited(TypedDict):
    """What people are asked now: whether a job may queue, or (`step`) what a step asks."""

    step: str | None
    message: str | None
    since: str
    expires_at: str | None
    rules: list[AwaitedRule]


class Summary(TypedDict):
    """What a step that has ended says of what it did or found, such as a plan's `+3 ~1 -0`."""

    step: str
    text: str


class PendingApproval(Awaited):
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
    approvals: list[Approval]
    summaries: list[Summary]
    holds_environment: bool
    may_answer: bool


class PendingApprovals(TypedDict):
    """All that people are asked now, by the number of the job."""

    approvals: list[PendingApproval]


class Step(TypedDict):
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
    warnings: list[str]
    last_output_at: str | None
    started_at: str | None
    finished_at: str | None


class StepUnderWay(Step):
    """A step that has begun and has not ended; `lift` answers what it asks people, if it does."""

    lift: str | None


class Cancel(TypedDict):
    """The stop that was asked for; `by` is null where a limit asked. `force`: that too.

    `cause` is `cancel`, `timeout`, `disconnect`, `rejection` or `expiry`.
    """

    cause: str
    by: Actor | None
    reason: str | None
    at: str
    force: bool
    force_available_at: str | None


class Source(TypedDict):
    """What the job runs from."""

    commit: str | None


class JobSummary(TypedDict):
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
    pays: list[int]
    submitter: Actor
    reason: str | None
    key: str | None
    source: Source
    locks: list[str]
    approvals: list[Approval]
    awaits: list[Awaited]
    waited_long: bool
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    cancel: Cancel | None
    blockers: list[Blocker]


class Job(JobSummary):
    """One run of a pipeline in an environment."""

    steps: list[Step]


class Jobs(TypedDict):
    """A page of jobs, the newest first; `next` is the `before` of the next page."""

    jobs: list[JobSummary]
    next: int | None


class Passing(TypedDict):
    """A job that stood behind another one and started before it, and when."""

    job: int
    pipeline: str
    environment: str
    at: str


class Explanation(TypedDict):
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
    blockers: list[LiftableBlocker]
    approvals: list[str]
    steps: list[StepUnderWay]
    awaits: list[Awaited]
    passed_over: list[Passing]


class Debt(TypedDict):
    """A cleanup that is owed for a job, and the locks it keeps; `due` when that has ended."""

    pipeline: str
    for_job: int
    since: str
    locks: list[str]
    due: bool


class EnvironmentDebt(Debt):
    """The same, with the environment that owes it."""

    environment: str


class Recheck(TypedDict):
    """A look at what was found that was asked for and is not over. It waits for `blockers` until it
    has `started`. `by` is nobody where a repair that succeeded has asked for it. `cancel` is the
    stop that was asked for."""

    id: str
    asked: str
    by: str | None
    started: str | None
    cancel: Cancel | None
    blockers: list[Blocker]


class Quarantine(TypedDict):
    """Why only a repair may act in an environment, and what a person can type to repair it.

    `lookable`: a recheck can tell whether what was found is gone.
    """

    since: str
    job: int
    step: str | None
    found: str
    commands: list[str]
    lookable: bool
    recheck: Recheck | None


class UnknownRun(TypedDict):
    """A directory of a job that the journal does not know, as a backup does not: its tools may be
    alive (`pids` are those that are now), so nothing starts in these environments.

    `waiting`: the daemon waits until nothing of it lives; `by` and `reason` say who wanted that.
    """

    job: int
    pipeline: str | None
    environments: list[str]
    since: str | None
    directory: str
    pids: list[int]
    waiting: bool
    by: Actor | None
    reason: str | None


class UnknownRuns(TypedDict):
    """Every run that the journal does not know."""

    runs: list[UnknownRun]


class Environment(TypedDict):
    """One environment. `queued` is in its order; `last` are the jobs that ended last.

    `preparing` are those that are not ready yet and hold nothing. `unknown` are the numbers of runs
    that the journal does not know and that may be at work in it.
    """

    name: str
    preparing: list[int]
    running: list[int]
    queued: list[int]
    debts: list[Debt]
    quarantine: Quarantine | None
    holds: list[Any]
    locks: list[str]
    retired: bool
    last: list[int]
    unknown: list[int]


class Environments(TypedDict):
    """Every environment, by name."""

    environments: list[Environment]


class PlannedCondition(TypedDict):
    """A step's `when`. `holds` of null: only the run knows; else `why` says it with the values."""

    text: str
    holds: bool | None
    why: str | None


class PlannedOutcome(TypedDict):
    """One line of a step's own outcomes."""

    match: str
    then: str
    reason: str | None
    skip: list[str]


ResolvedStep = TypedDict(
    "ResolvedStep",
    {
        "name": str,
        "uses": str,
        "section": str,
        "stage": str | None,
        "needs": list[str],
        "touches": bool,
        "with": Any,
        "turn": int,
        "env": dict[str, str],
        "when": PlannedCondition | None,
        "outcomes": list[PlannedOutcome],
        "matrix": dict[str, Any] | None,
        "max_parallel": int | None,
        "later": list[str],
        "secrets": list[str],
    },
)
"""One step of a dry run, `with` and `env` as far resolved as can be known before it runs.

Steps of one `turn` have nothing to wait for in each other: they can run side by side, as far
as the capacity goes and, of one matrix, `max_parallel`. `later` are the references whose values
only the run knows, `secrets` the names of the secrets that stand as `***`.
"""


class PlannedApproval(TypedDict):
    """An approval that will be asked for when the `before` steps have ended. `expires` in seconds.

    `rule` is `pipeline` or `environment`: where it is written.
    """

    rule: str
    text: str
    roles: list[str]
    count: int
    not_submitter: bool
    expires: float | None


class OwedCleanup(TypedDict):
    """The cleanup that a job would owe."""

    pipeline: str
    params: dict[str, Any]


class DryRun(TypedDict):
    """What a submission would do, what it would wait for now, and the approvals it would need:
    none while it `pays` what these jobs owe."""

    dry_run: bool
    pipeline: str
    environment: str
    kind: str
    params: dict[str, Any]
    steps: list[ResolvedStep]
    cleanup: OwedCleanup | None
    blockers: list[LiftableBlocker]
    approvals: list[PlannedApproval]
    pays: list[int]


class Plugin(TypedDict):
    """One installed plugin; `problem` is why it brings nothing, or not all that it should.

    `api` is the version of the plugin API that it was written for, None where it states none.
    """

    name: str
    version: str | None
    adapters: list[str]
    problem: str | None
    api: str | None


class Plugins(TypedDict):
    """Every installed plugin."""

    plugins: list[Plugin]


class Drain(TypedDict):
    """Since when nothing is admitted, and who asked for it."""

    by: Actor | None
    reason: str | None
    since: str


class ConfigurationState(TypedDict):
    """The configuration in force, and since which start or reload; `problems` are the mistakes of a
    newer one that was refused."""

    directory: str
    accepted_at: str | None
    problems: list[str]


class DaemonState(TypedDict):
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
    plugins_not_loaded: list[str]


class Status(TypedDict):
    """One screen. `queued` holds those that go next, at most some hundreds of them.

    `preparing` are those that are not ready yet; `approvals` is what people are asked now.
    """

    daemon: DaemonState
    running: list[Job]
    queued: list[Job]
    preparing: list[Job]
    approvals: list[PendingApproval]
    quarantines: list[Environment]
    debts: list[EnvironmentDebt]
    unknown: list[UnknownRun]


class Parameter(TypedDict):
    """One parameter that a submission may give.

    `min` and `max` bound a number, the characters of a string, the items of a list. `example` is
    as on the command line.
    """

    name: str
    type: str
    required: bool
    default: Any
    pattern: str | None
    description: str | None
    choices: list[str] | None
    min: int | float | None
    max: int | float | None
    example: str | None
    secret: bool


class Retry(TypedDict):
    """How often a step is tried, the first attempt included; `backoff` and `max` are seconds.

    `on` are the ends that are tried again; empty: every failure.
    """

    attempts: int
    backoff: float
    factor: float
    max: float | None
    on: list[str]


class Outcome(TypedDict):
    """What one end of a step (`exit 3`, `timed_out`) means for its job."""

    match: str
    then: str
    skip: list[str]
    reason: str | None


class AskedApproval(TypedDict):
    """Who must say yes before a job queues: `count` people, each with one of the roles.

    `environment` is the one that asks, null where the pipeline does. `expires` are seconds.
    """

    environment: str | None
    roles: list[str]
    count: int
    not_submitter: bool
    expires: float | None


class PipelineStep(TypedDict):
    """One step as it is defined. `needs` are names of steps, those of a stage written out.

    One step of a matrix has its own values in `matrix`, and in `matrix_of` the name that all of
    them have in the file. `timeout` are seconds; `outcomes` are those that the file says.
    """

    name: str
    uses: str
    section: str
    stage: str | None
    needs: list[str]
    touches: bool
    matrix: dict[str, Any] | None
    matrix_of: str | None
    max_parallel: int | None
    when: str | None
    retry: Retry | None
    outcomes: list[Outcome]
    timeout: float | None


class StopRules(TypedDict):
    """Who may cancel, by the phase that the job's steps are in."""

    queued: str
    preparing: str
    acquiring: str
    applying: str
    cleaning_up: str


class Pipeline(TypedDict):
    """One definition. `environments` of null: every one. `timeout` and `max_wait` are seconds."""

    name: str
    kind: str
    description: str | None
    environments: list[str] | None
    params: list[Parameter]
    steps: list[PipelineStep]
    cleanup: str | None
    stop: StopRules
    approvals: list[AskedApproval]
    timeout: float | None
    max_wait: float | None
    on_max_wait: str
    fail_running: str
    halt_running: str


class Pipelines(TypedDict):
    """Every pipeline, by name."""

    pipelines: list[Pipeline]
