"""Everything that can have happened. Tags are permanent; fields are only added, with defaults.

`Stamped` is one line of the journal: what happened, when, and who caused it (None: a rule did).
"""

from typing import Any

import msgspec

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import (
    Actor,
    Approval,
    AskedQuestion,
    Cause,
    Debt,
    Ending,
    Finding,
    QuestionAnswer,
    Record,
    Run,
    StepRef,
    Stop,
    UnknownRun,
    UnknownVerdict,
)
from orchestrator.core.language.words import JobConclusion


class Event(msgspec.Struct, frozen=True):
    """Base of every event; only its variants are ever made."""


class ConfigAccepted(Event, frozen=True, tag="config_accepted"):
    """A configuration came into force. Its content stands in the store under the digest."""

    digest: str
    configuration: Configuration


class DefinitionRecorded(Event, frozen=True, tag="definition_recorded"):
    """A definition that jobs refer to by its digest."""

    digest: str
    definition: JobDefinition


class JobSubmitted(Event, frozen=True, tag="job_submitted"):
    """A job was accepted; it waits for its turn."""

    job: int
    pipeline: str
    environment: str
    kind: str
    definition: str
    submitter: Actor
    rank: int
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
    prepares: bool = False
    secrets: dict[str, str] = {}
    secret_digests: dict[str, str] = {}
    pays: int | None = None
    token: str = ""


class ApprovalRequested(Event, frozen=True, tag="approval_requested"):
    """A job has prepared, and people are asked to approve it."""

    job: int


class JobApproved(Event, frozen=True, tag="job_approved"):
    """Somebody approved a job. It is ready when every rule is satisfied."""

    job: int
    approval: Approval


class JobReady(Event, frozen=True, tag="job_ready"):
    """A job has prepared, was approved, and waits for its turn from now on."""

    job: int


class JobWaitedLong(Event, frozen=True, tag="job_waited_long"):
    """A job has been queued for longer than its `max_wait`, which only warns."""

    job: int


class JobAdmitted(Event, frozen=True, tag="job_admitted"):
    """A job took all it needs at once, and runs."""

    job: int
    run: Run


class JobStopRequested(Event, frozen=True, tag="job_stop_requested"):
    """A graceful stop was asked for. `after_steps`: only the job's handlers were left by then."""

    job: int
    stop: Stop
    after_steps: bool = False


class JobForceRequested(Event, frozen=True, tag="job_force_requested"):
    """An admin asked for force; it fires when the cool-off is over."""

    job: int
    by: Actor | None
    reason: str = ""
    of_handlers: bool = False


class JobForced(Event, frozen=True, tag="job_forced"):
    """The force that was asked for took effect."""

    job: int


class JobEnded(Event, frozen=True, tag="job_finished"):
    """A job ended. `stop` is set for one that was cancelled before it ran; `left_locked` are the
    locks that what its steps left behind keeps."""

    job: int
    conclusion: JobConclusion
    dirty: bool = False
    halted_by: str | None = None
    reason: str = ""
    stop: Stop | None = None
    left_locked: tuple[str, ...] = ()


class ClientLost(Event, frozen=True, tag="client_lost"):
    """The client that a job depends on is gone; after a while that cancels the job."""

    job: int


class ClientReturned(Event, frozen=True, tag="client_returned"):
    """The client is back in time."""

    job: int


class StepStarted(Event, frozen=True, tag="step_started"):
    """A step began: in its acquire, or (an adapter without one) in its apply."""

    ref: StepRef
    acquires: bool


class StepApplying(Event, frozen=True, tag="step_applying"):
    """The acquire is done and the apply begins."""

    ref: StepRef


class StepStopRequested(Event, frozen=True, tag="step_stop_requested"):
    """A step was asked to stop."""

    ref: StepRef
    stop: Stop


class StepForced(Event, frozen=True, tag="step_forced"):
    """A step is being ended by force."""

    ref: StepRef
    by: Actor | None = None
    reason: str = ""


class StepApplied(Event, frozen=True, tag="step_applied"):
    """The tool has ended, or the acquire failed; what is left is the adapter's cleanup."""

    ref: StepRef
    ending: Ending
    summary: str = ""
    outputs: dict[str, Any] = {}
    sensitive: tuple[str, ...] = ()


class StepRetryScheduled(Event, frozen=True, tag="step_retry_scheduled"):
    """An attempt has ended, and there will be another one `seconds` later."""

    ref: StepRef
    ending: Ending
    seconds: float


class StepRetryDue(Event, frozen=True, tag="step_retry_due"):
    """The wait after an attempt is over; the next begins as soon as there is a slot."""

    ref: StepRef


class StepFinished(Event, frozen=True, tag="step_finished"):
    """The end of a step that ran."""

    ref: StepRef
    ending: Ending
    finding: Finding | None = None


class StepNotRun(Event, frozen=True, tag="step_not_run"):
    """The end of a step that did not run, and which step's end is the cause."""

    ref: StepRef
    ending: Ending
    cause: Cause | None = None


class StepWaiting(Event, frozen=True, tag="step_waiting"):
    """The adapter says what it waits for; None when it goes on."""

    ref: StepRef
    text: str | None


class StepWarned(Event, frozen=True, tag="step_warned"):
    """The adapter warns people of something."""

    ref: StepRef
    text: str


class StepAsked(Event, frozen=True, tag="step_asked"):
    """A step asks people something, and waits for their answer."""

    ref: StepRef
    question: AskedQuestion


class StepApproved(Event, frozen=True, tag="step_approved"):
    """Somebody said yes to what a step asks. It is answered when its rule is satisfied."""

    ref: StepRef
    key: str
    approval: Approval


class StepAnswered(Event, frozen=True, tag="step_answered"):
    """What a step asked was answered, or nobody did in time."""

    ref: StepRef
    key: str
    answer: QuestionAnswer


class StepQuestionWithdrawn(Event, frozen=True, tag="step_question_withdrawn"):
    """A step no longer wants an answer to what it asked; what was said to it is void."""

    ref: StepRef
    key: str


class StepRecorded(Event, frozen=True, tag="step_recorded"):
    """A process or a call is intended, or a call's value is known."""

    ref: StepRef
    record: Record


class DebtIncurred(Event, frozen=True, tag="debt_incurred"):
    """A job may touch its environment from now on, so a cleanup is owed."""

    environment: str
    debt: Debt


class DebtPaid(Event, frozen=True, tag="debt_paid"):
    """A cleanup that succeeded paid the debt of `job`."""

    environment: str
    job: int
    paid_by: int


class DebtWaived(Event, frozen=True, tag="debt_waived"):
    """An admin let the debt of `job` go."""

    environment: str
    job: int
    reason: str


class Quarantined(Event, frozen=True, tag="quarantined"):
    """Nothing but a repair may start in this environment from now on."""

    environment: str
    job: int
    reason: str
    findings: tuple[Finding, ...] = ()
    automatic: bool = False
    debts: tuple[int, ...] = ()


class QuarantineLifted(Event, frozen=True, tag="quarantine_lifted"):
    """The environment is usable again: `by_job` repaired it, or a recheck, or a waiver (None)."""

    environment: str
    reason: str
    by_job: int | None = None


class RecheckRequested(Event, frozen=True, tag="recheck_requested"):
    """A person asked to look again at what was found, or (by nobody) a repair has succeeded.

    `number` counts the rechecks of the environment, 0 in an event of an earlier release.
    """

    environment: str
    reason: str = ""
    number: int = 0


class RecheckStarted(Event, frozen=True, tag="recheck_started"):
    """What was found is looked at from now on; nothing else runs in the environment."""

    environment: str


class RecheckStopRequested(Event, frozen=True, tag="recheck_stop_requested"):
    """A recheck was asked to stop, by somebody or by its limit; by `force`, its tools are killed.
    One that waits is over."""

    environment: str
    stop: Stop
    force: bool = False


class Rechecked(Event, frozen=True, tag="rechecked"):
    """One finding was looked at again; None where it is clean now."""

    environment: str
    ref: StepRef
    finding: Finding | None


class FindingSettled(Event, frozen=True, tag="finding_settled"):
    """The owed cleanup has put right what nobody could look at."""

    environment: str
    ref: StepRef
    by_job: int


class DrainStarted(Event, frozen=True, tag="drain_started"):
    """Nothing is admitted from now on."""

    reason: str = ""


class DrainEnded(Event, frozen=True, tag="drain_ended"):
    """Jobs are admitted again."""


class DaemonStarted(Event, frozen=True, tag="daemon_started"):
    """A daemon opened this state. `seed`: see `core.rules.tokens`. No job gets a number below
    `numbers_from` any more, where directories on disk bear higher ones than the journal knows."""

    version: str
    pid: int
    seed: str = ""
    numbers_from: int = 1


class UnknownRunFound(Event, frozen=True, tag="unknown_run_found"):
    """What the journal does not know may be at work in this environment: nothing starts there."""

    environment: str
    run: UnknownRun


class UnknownRunJudged(Event, frozen=True, tag="unknown_run_judged"):
    """An admin said what it is."""

    environment: str
    job: int
    verdict: UnknownVerdict


class UnknownRunSetAside(Event, frozen=True, tag="unknown_run_set_aside"):
    """Nothing of it lives, and what it left is out of the way."""

    environment: str
    job: int


class Stamped(msgspec.Struct, frozen=True):
    """One line of the journal."""

    at: Instant
    by: Actor | None
    event: "AnyEvent"


AnyEvent = (
    ConfigAccepted
    | DefinitionRecorded
    | JobSubmitted
    | ApprovalRequested
    | JobApproved
    | JobReady
    | JobWaitedLong
    | JobAdmitted
    | JobStopRequested
    | JobForceRequested
    | JobForced
    | JobEnded
    | ClientLost
    | ClientReturned
    | StepStarted
    | StepApplying
    | StepStopRequested
    | StepForced
    | StepApplied
    | StepRetryScheduled
    | StepRetryDue
    | StepFinished
    | StepNotRun
    | StepWaiting
    | StepWarned
    | StepAsked
    | StepApproved
    | StepAnswered
    | StepQuestionWithdrawn
    | StepRecorded
    | DebtIncurred
    | DebtPaid
    | DebtWaived
    | Quarantined
    | QuarantineLifted
    | RecheckRequested
    | RecheckStarted
    | RecheckStopRequested
    | Rechecked
    | FindingSettled
    | DrainStarted
    | DrainEnded
    | DaemonStarted
    | UnknownRunFound
    | UnknownRunJudged
    | UnknownRunSetAside
)
