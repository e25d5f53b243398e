"""The entities of the world, frozen and replaced whole.

A phase is a tagged union whose variants hold only the fields that are valid in that phase. Tags
are written to disk: they are permanent, and fields are only ever added, with defaults.
"""

from typing import Any

import msgspec

from orchestrator.core.language.definition import SOURCE_STEP, ApprovalRule
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.words import (
    Decision,
    JobConclusion,
    Outcome,
    StepConclusion,
    StopCause,
)


class Actor(msgspec.Struct, frozen=True):
    """Who did something, as the kernel and the user database said at that time."""

    uid: int
    user: str


class StepRef(msgspec.Struct, frozen=True, order=True):
    """One attempt of one step of one job."""

    job: int
    step: str
    attempt: int = 1


class Cause(msgspec.Struct, frozen=True):
    """Which step's end decided something, and how that ended."""

    step: str
    conclusion: StepConclusion
    exit: int | None = None


class Stop(msgspec.Struct, frozen=True):
    """A graceful stop that was asked for. `by` is None where a limit asked, not a person."""

    cause: StopCause
    at: Instant
    by: Actor | None = None
    reason: str = ""


class Force(msgspec.Struct, frozen=True):
    """A force that was asked for. It takes effect when the cool-off since the stop is over.

    `of_handlers`: the job's handlers (`finally`, `on_…`) ran by then, and are what it ends.
    """

    at: Instant
    by: Actor | None = None
    reason: str = ""
    fired: bool = False
    of_handlers: bool = False


class Approval(msgspec.Struct, frozen=True):
    """One person's yes. `counts_for` are the rules that it helps to satisfy, by their names."""

    by: Actor
    at: Instant
    comment: str = ""
    counts_for: tuple[str, ...] = ()


class QuestionAnswer(msgspec.Struct, frozen=True):
    """How a question ended. `by` is None where nobody answered in time."""

    decision: Decision
    at: Instant
    by: Actor | None = None
    comment: str = ""


class AskedQuestion(msgspec.Struct, frozen=True):
    """What a step asks people, and what they have said. `answer` is None while it is open."""

    key: str
    text: str
    rule: ApprovalRule
    asked: Instant
    approvals: tuple[Approval, ...] = ()
    answer: QuestionAnswer | None = None


class ProcessRecord(msgspec.Struct, frozen=True, tag="process"):
    """The intent to start a process, journalled before it was. `adapter` is a digest of the files
    that the adapter was loaded from, empty where nobody knows."""

    phase: str
    key: str
    boot_id: str
    adapter: str = ""


class CallRecord(msgspec.Struct, frozen=True, tag="call"):
    """The intent to make a call, and (where `done`) its value or the file that holds it. `adapter`
    is as a process's."""

    phase: str
    key: str
    done: bool = False
    value: Any = None
    file: str | None = None
    adapter: str = ""


Record = ProcessRecord | CallRecord


class Ending(msgspec.Struct, frozen=True):
    """How a step's apply (or the acquire that never let it begin) ended, by the outcome rules.

    `signal` is a name (`SIGKILL`); `outcome` is what it means for the job, and `skip` are the
    steps that need not run because of it. `retriable`: the step's `retry` is for ends like this.
    """

    conclusion: StepConclusion
    outcome: Outcome
    exit: int | None = None
    signal: str | None = None
    reason: str = ""
    skip: tuple[str, ...] = ()
    retriable: bool = False


class Finding(msgspec.Struct, frozen=True):
    """What a step's cleanup found still held or half done, and what a person can type.

    `locks` are the job's, kept by the finding after its end, as a debt does: both are one holder.
    `cleanup_timeout` is what a look at it may take, in seconds; None of one that is older.
    `settled_by_cleanup`: there is nothing to look at; the success of the cleanup that its job owes,
    which its author declared to put everything right, settles it. `pays` are the jobs whose debts
    the run was to pay that left it: it is settled as well where the next run pays those.
    """

    ref: StepRef
    found: str
    commands: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    cleanup_timeout: float | None = None
    settled_by_cleanup: bool = False
    pays: tuple[int, ...] = ()


class Pending(msgspec.Struct, frozen=True, tag="pending"):
    """Not begun."""


class Acquiring(msgspec.Struct, frozen=True, tag="acquiring"):
    """The adapter makes sure that its tool can run. A stop cancels it at once."""

    began: Instant
    stop: Stop | None = None
    force: Force | None = None


class Applying(msgspec.Struct, frozen=True, tag="applying"):
    """The tool works."""

    began: Instant
    entered: Instant


class Cancelling(msgspec.Struct, frozen=True, tag="cancelling"):
    """The tool was asked to stop, and finishes what it must."""

    began: Instant
    entered: Instant
    stop: Stop
    force: Force | None = None


class CleaningUp(msgspec.Struct, frozen=True, tag="cleaning_up"):
    """The tool has ended (`after_force`: was killed); the adapter releases and verifies."""

    began: Instant
    entered: Instant
    ending: Ending
    stop: Stop | None = None
    force: Force | None = None
    after_force: bool = False


class BackingOff(msgspec.Struct, frozen=True, tag="backing_off"):
    """An attempt has ended; the next begins `seconds` after `since`, or (`due`) with the next slot.

    A `stop` that was asked for ends the step instead.
    """

    began: Instant
    since: Instant
    seconds: float
    ending: Ending
    due: bool = False
    stop: Stop | None = None


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The end of a step. `began` is None for one that did not run; `cause` then says why."""

    ended: Instant
    ending: Ending
    began: Instant | None = None
    finding: Finding | None = None
    cause: Cause | None = None
    stop: Stop | None = None
    forced: bool = False


StepPhase = Pending | Acquiring | Applying | Cancelling | CleaningUp | BackingOff | Finished


class Step(msgspec.Struct, frozen=True):
    """One step of a running job.

    `waiting_for` is what its adapter says that it waits for, `waiting_since` when it began to wait
    without a break, whatever for (None too where an earlier release did not note it).
    """

    name: str
    phase: StepPhase = Pending()
    attempt: int = 1
    waiting_for: str | None = None
    waiting_since: Instant | None = None
    records: tuple[Record, ...] = ()
    outputs: dict[str, Any] = {}
    sensitive: tuple[str, ...] = ()
    summary: str = ""
    warnings: tuple[str, ...] = ()
    questions: tuple[AskedQuestion, ...] = ()

    @property
    def open_question(self) -> AskedQuestion | None:
        """What it asks people now, if it does. One that was asked to stop asks no more."""
        match self.phase:
            case Acquiring(stop=None) | Applying():
                return next(
                    (question for question in self.questions if question.answer is None), None
                )
            case _:
                return None

    @property
    def active(self) -> bool:
        """Whether its adapter is at work."""
        return not isinstance(self.phase, Pending | BackingOff | Finished)

    @property
    def forced(self) -> bool:
        """Whether the phase that it is in is being ended by force."""
        phase = self.phase
        return isinstance(phase, Acquiring | Cancelling | CleaningUp) and phase.force is not None

    @property
    def finished(self) -> bool:
        """Whether it has ended, or will never run."""
        return isinstance(self.phase, Finished)


class Run(msgspec.Struct, frozen=True):
    """What a job took when it was admitted.

    `excludes` are the kinds that its own kind excluded then: a later configuration can add to
    them and not take from them. `locks` are all it holds; `pays` are the jobs whose debt it pays,
    and `debt_conclusion` is how the first of them had ended.
    """

    started: Instant
    excludes: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    pays: tuple[int, ...] = ()
    debt_conclusion: JobConclusion | None = None


class JobPreparing(msgspec.Struct, frozen=True, tag="preparing"):
    """Not ready yet: its `before` steps run, or (since `approval`) people are asked to approve.

    It holds nothing. A job whose `before` steps ended it stays here while its handlers run.
    """

    since: Instant
    approval: Instant | None = None


class JobQueued(msgspec.Struct, frozen=True, tag="queued"):
    """Ready, and waiting for its turn."""

    since: Instant


class JobRunning(msgspec.Struct, frozen=True, tag="running"):
    """Its steps run."""

    run: Run


class JobCancelling(msgspec.Struct, frozen=True, tag="cancelling"):
    """Asked to stop while its steps ran; `run` is None if it had not been admitted.

    `after_steps`: its verdict stood by then, and only its handlers were left.
    """

    run: Run | None
    stop: Stop
    force: Force | None = None
    after_steps: bool = False


class JobFinished(msgspec.Struct, frozen=True, tag="finished"):
    """The end of a job. `run` is None if it never started."""

    ended: Instant
    conclusion: JobConclusion
    run: Run | None = None
    stop: Stop | None = None
    force: Force | None = None
    dirty: bool = False
    halted_by: str | None = None
    reason: str = ""


JobPhase = JobPreparing | JobQueued | JobRunning | JobCancelling | JobFinished


class Job(msgspec.Struct, frozen=True):
    """One run of a pipeline in an environment.

    `definition` is the digest of its JobDefinition. `rank` orders the queue: the milliseconds of
    its submission by a clock that is never set back (orchestrator.core.rules.seniority), put
    earlier by its priority. `disconnected` is since when the client that the job depends on is gone
    (`cancel_on_disconnect`). `waited_long`: longer than its `max_wait`. `steps` are there from the
    moment on that one may begin.
    """

    id: int
    pipeline: str
    environment: str
    kind: str
    definition: str
    submitter: Actor
    submitted: Instant
    rank: int
    phase: JobPhase
    params: dict[str, str] = {}
    priority: int = 0
    labels: dict[str, str] = {}
    url: str | None = None
    reason: str = ""
    key: str | None = None
    request: str = ""
    retry_of: int | None = None
    cleanup_for: int | None = None
    admin_retry: bool = False
    cancel_on_disconnect: bool = False
    disconnected: Instant | None = None
    steps: tuple[Step, ...] = ()
    approvals: tuple[Approval, ...] = ()
    waited_long: bool = False
    secrets: dict[str, str] = {}
    """Where the values of secret parameters lie, by name; `params` has `***` for them."""
    secret_digests: dict[str, str] = {}
    """Keyed digests of the same values: equal values have equal ones, and say nothing else."""
    pays: int | None = None
    """The job whose debt an admin said that this run pays, whatever the two have in common."""
    token: str = ""
    """What no other job has, not even one that had this number in a journal that was lost. All that
    a job leaves on disk bears it (decision 0025). Empty for one of an earlier release."""

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError if there is none (yet)."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def owed_by(self) -> int | None:
        """The job whose debt this one is there to pay: owed, or by an admin's word."""
        return self.cleanup_for if self.pays is None else self.pays

    @property
    def source_commit(self) -> str | None:
        """The commit that the steps of a pipeline with `[source] git` run in, once it is known."""
        for step in self.steps:
            if step.name == SOURCE_STEP and {"commit", "ref", "describe"} <= step.outputs.keys():
                return str(step.outputs["commit"])
        return None

    @property
    def run(self) -> Run | None:
        """What it took at admission, None before."""
        match self.phase:
            case JobPreparing() | JobQueued():
                return None
            case JobRunning(run=run):
                return run
            case JobCancelling(run=taken) | JobFinished(run=taken):
                return taken

    @property
    def stop(self) -> Stop | None:
        """The stop that was asked for, if one was."""
        phase = self.phase
        return phase.stop if isinstance(phase, JobCancelling | JobFinished) else None


class Debt(msgspec.Struct, frozen=True):
    """A cleanup that is owed for a job, from the moment it may have touched its environment.

    `conclusion` is how the job ended, None while it runs. `locks` are the job's, kept by the debt
    after its end. `excludes` are the kinds that the cleanup's kind excluded when it came to be
    owed: a later configuration can add to them and not take from them. `secrets` and
    `secret_digests` are as a job's.
    """

    job: int
    pipeline: str
    kind: str
    params: dict[str, str]
    definition: str
    submitter: Actor
    since: Instant
    locks: tuple[str, ...] = ()
    conclusion: JobConclusion | None = None
    excludes: tuple[str, ...] = ()
    secrets: dict[str, str] = {}
    secret_digests: dict[str, str] = {}


class OpenRecheck(msgspec.Struct, frozen=True):
    """A look at all that was found in an environment, asked for and not over: by whom, or (None)
    because a repair has succeeded. It waits until `started`. A stop is asked for before `forced`.
    """

    asked: Instant
    by: Actor | None = None
    started: Instant | None = None
    stop: Stop | None = None
    forced: bool = False


class Quarantine(msgspec.Struct, frozen=True):
    """Why nothing but a repair may start in an environment.

    `automatic` is true while the owed cleanup may still start by itself (after a dirty step, once).
    `findings` are what to recheck; `recheck` counts the rechecks asked for, `look` is the one that
    is not over, and `rechecking` the findings that it has not told of. `debts` are the jobs whose
    owed cleanup has failed.
    """

    since: Instant
    job: int
    reason: str
    findings: tuple[Finding, ...] = ()
    automatic: bool = False
    recheck: int = 0
    rechecking: tuple[StepRef, ...] = ()
    debts: tuple[int, ...] = ()
    look: OpenRecheck | None = None

    @property
    def lookable(self) -> tuple[Finding, ...]:
        """What a look can tell of."""
        return tuple(finding for finding in self.findings if not finding.settled_by_cleanup)

    @property
    def is_looked_at(self) -> bool:
        """Whether a look is at work: nothing else may start in the environment."""
        return self.look is not None and self.look.started is not None


class UnknownVerdict(msgspec.Struct, frozen=True):
    """What an admin said of a run that the journal does not know: that nothing of it lives, or
    (`wait`) that the daemon shall wait until nothing does."""

    wait: bool
    by: Actor
    at: Instant
    reason: str


class UnknownRun(msgspec.Struct, frozen=True):
    """A directory of this boot, of a job that the journal does not know: its tools may be alive.

    `token` and `pipeline` are empty where it does not say; `environment` then too, and it may be
    any. `since` is when it was found. Nothing is admitted where it may be at work.
    """

    job: int
    token: str = ""
    pipeline: str = ""
    environment: str = ""
    since: Instant | None = None
    verdict: UnknownVerdict | None = None


class Environment(msgspec.Struct, frozen=True):
    """What is true of one environment beside its jobs. `retired`: gone from the configuration.
    `rechecks` counts those of all its quarantines: a name on an old screen never means a new one.
    """

    name: str
    debts: tuple[Debt, ...] = ()
    quarantine: Quarantine | None = None
    retired: bool = False
    rechecks: int = 0
    unknown: tuple[UnknownRun, ...] = ()

    @property
    def next_recheck(self) -> int:
        """The number of the recheck that is asked for next."""
        return max(self.rechecks, self.quarantine.recheck if self.quarantine is not None else 0) + 1

    def debt_of(self, job: int) -> Debt | None:
        """The debt that this job made, if it stands."""
        return next((debt for debt in self.debts if debt.job == job), None)


class Drain(msgspec.Struct, frozen=True):
    """Nothing is admitted since then; who asked, and why."""

    since: Instant
    by: Actor | None
    reason: str = ""
