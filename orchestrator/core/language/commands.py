"""What the core can be told: requests of people, and observations of the shell."""

from typing import Any

import msgspec

from orchestrator.core.language.definition import ApprovalRule, Configuration, JobDefinition
from orchestrator.core.language.model import (
    Actor,
    CallRecord,
    Finding,
    ProcessRecord,
    StepRef,
    UnknownRun,
)
from orchestrator.core.language.suggested_commands import recheck_id
from orchestrator.core.language.words import StepConclusion


class Caller(msgspec.Struct, frozen=True):
    """Who asks, as the kernel says: the user and the names of the groups of the process."""

    uid: int
    user: str
    groups: frozenset[str] = frozenset()
    is_owner: bool = False
    """Whether this is root or the user that the daemon runs as."""

    @property
    def actor(self) -> Actor:
        """The part of it that the journal keeps."""
        return Actor(uid=self.uid, user=self.user)


class Submit(msgspec.Struct, frozen=True):
    """Queue a job. `request` is a digest of all this, to tell a repeat of `key` from a reuse.

    `secrets` says where the values lie that came from a file and are secret, `secret_digests` has
    their keyed digests; a command is never kept, so `params` has the values themselves. `pays`: an
    admin says that this run pays what that job owes.
    """

    caller: Caller
    pipeline: str
    environment: str
    params: dict[str, Any] = {}
    reason: str = ""
    priority: int = 0
    labels: dict[str, str] = {}
    url: str | None = None
    key: str | None = None
    request: str = ""
    cancel_on_disconnect: bool = False
    secrets: dict[str, str] = {}
    secret_digests: dict[str, str] = {}
    pays: int | None = None

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "submit", f"{self.pipeline} in {self.environment}"


class Retry(msgspec.Struct, frozen=True):
    """Queue the like of a finished job again, with the definition it had or (`latest`) today's."""

    caller: Caller
    job: int
    pipeline: str
    environment: str
    params: dict[str, str]
    definition: JobDefinition
    latest: bool = False
    reason: str = ""
    priority: int = 0
    labels: dict[str, str] = {}
    url: str | None = None
    key: str | None = None
    request: str = ""
    secrets: dict[str, str] = {}
    secret_digests: dict[str, str] = {}
    pays: int | None = None

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "retry", f"{self.pipeline} in {self.environment}"


class Cancel(msgspec.Struct, frozen=True):
    """Ask a job to stop; with `force`, and when the cool-off is over, end it."""

    caller: Caller
    job: int
    reason: str = ""
    force: bool = False

    @property
    def action_and_target(self) -> tuple[str, str]:
        return ("force-cancel" if self.force else "cancel"), f"job {self.job}"


def _answered(job: int, step: str | None) -> str:
    return f"job {job}" if step is None else f"step {step} of job {job}"


class Approve(msgspec.Struct, frozen=True):
    """Say yes to a job, or (`step`) to what a step of it asks."""

    caller: Caller
    job: int
    step: str | None = None
    comment: str = ""

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "approve", _answered(self.job, self.step)


class Reject(msgspec.Struct, frozen=True):
    """Say no to a job, or (`step`) to what a step of it asks."""

    caller: Caller
    job: int
    step: str | None = None
    comment: str = ""

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "reject", _answered(self.job, self.step)


class Waive(msgspec.Struct, frozen=True):
    """Let what an environment owes, and its quarantine, go."""

    caller: Caller
    environment: str
    reason: str

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "waive", self.environment


class Recheck(msgspec.Struct, frozen=True):
    """Look again at what put an environment under quarantine."""

    caller: Caller
    environment: str
    reason: str = ""

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "recheck", self.environment


class StopRecheck(msgspec.Struct, frozen=True):
    """Ask the recheck of an environment to stop; by `force`, end it at once."""

    caller: Caller
    environment: str
    round: int
    force: bool = False
    reason: str = ""

    @property
    def action_and_target(self) -> tuple[str, str]:
        action = "force-cancel-recheck" if self.force else "cancel-recheck"
        return action, recheck_id(self.environment, self.round)


class StartDrain(msgspec.Struct, frozen=True):
    """Admit nothing; with `cancel`, also ask what runs to stop."""

    caller: Caller
    reason: str = ""
    cancel: bool = False

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "drain", "daemon"


class EndDrain(msgspec.Struct, frozen=True):
    """Admit again."""

    caller: Caller

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "resume", "daemon"


class JudgeUnknown(msgspec.Struct, frozen=True):
    """Say of a run that the journal does not know that nothing of it lives, or (`wait`) that the
    daemon shall wait for that."""

    caller: Caller
    job: int
    wait: bool
    reason: str

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "unknown", f"job {self.job}"


class AcceptConfiguration(msgspec.Struct, frozen=True):
    """Put a configuration that was read without a mistake into force. `caller` None: at start."""

    configuration: Configuration
    digest: str
    caller: Caller | None = None

    @property
    def action_and_target(self) -> tuple[str, str]:
        return "reload", "daemon"


class OpenDaemon(msgspec.Struct, frozen=True):
    """A daemon has opened the state and is ready: the clients of before may be gone.

    `seed` is random: the tokens of the jobs that are submitted while it runs are made of it.
    `numbers_from` is the first number beyond all that directories on disk bear. `unknown` are those
    of this boot whose jobs the journal does not know; `set_aside` were such, and are no more. `ran`
    are attempts that left records, of jobs that wait by the journal.
    """

    version: str
    pid: int
    seed: str
    numbers_from: int = 1
    unknown: tuple[UnknownRun, ...] = ()
    set_aside: tuple[int, ...] = ()
    ran: tuple[StepRef, ...] = ()


class SeeClient(msgspec.Struct, frozen=True):
    """The client that a job depends on came (`present`) or went."""

    job: int
    present: bool


class AcquireDone(msgspec.Struct, frozen=True):
    """The adapter's acquire returned."""

    ref: StepRef


class AttemptFailed(msgspec.Struct, frozen=True):
    """Acquire or apply raised, or acquire was cancelled by a stop. Says how that is to be read."""

    ref: StepRef
    conclusion: StepConclusion
    reason: str


class ApplyDone(msgspec.Struct, frozen=True):
    """The adapter's apply returned. `stopped` is whether a stop took effect, None: not known."""

    ref: StepRef
    succeeded: bool
    exit: int | None = None
    signal: str | None = None
    statuses: tuple[str, ...] = ()
    reason: str = ""
    summary: str = ""
    outputs: dict[str, Any] = {}
    sensitive: tuple[str, ...] = ()
    stopped: bool | None = None


class CleanupDone(msgspec.Struct, frozen=True):
    """The adapter's cleanup returned, failed or was forced: what is left, if anything."""

    ref: StepRef
    finding: Finding | None = None


class AttemptAbandoned(msgspec.Struct, frozen=True):
    """The adapter did not end ten seconds after force."""

    ref: StepRef
    finding: Finding


class RecheckDone(msgspec.Struct, frozen=True):
    """The verification that a recheck asked for returned."""

    environment: str
    ref: StepRef
    finding: Finding | None = None


class NoteSetAside(msgspec.Struct, frozen=True):
    """What an unknown run left is out of the way."""

    job: int


class NoteWaiting(msgspec.Struct, frozen=True):
    """The adapter says what it waits for."""

    ref: StepRef
    text: str | None


class NoteWarning(msgspec.Struct, frozen=True):
    """The adapter warns."""

    ref: StepRef
    text: str


class Ask(msgspec.Struct, frozen=True):
    """The adapter asks people; asked again under the same key it changes nothing."""

    ref: StepRef
    key: str
    text: str
    rule: ApprovalRule


class WithdrawQuestion(msgspec.Struct, frozen=True):
    """The adapter wants no answer any more; one that has come stays."""

    ref: StepRef
    key: str


class IntendProcess(msgspec.Struct, frozen=True):
    """A process is about to be started."""

    ref: StepRef
    record: ProcessRecord


class NoteCall(msgspec.Struct, frozen=True):
    """A call is about to be made, or was made and its value is known."""

    ref: StepRef
    record: CallRecord


class LookAtClock(msgspec.Struct, frozen=True):
    """A deadline may have passed."""


JobRequest = Submit | Retry | Cancel | Approve | Reject
FromPeople = (
    JobRequest
    | Waive
    | Recheck
    | StopRecheck
    | StartDrain
    | EndDrain
    | JudgeUnknown
    | AcceptConfiguration
)
"""What a plugin may deny: it is told `action_and_target`, the verb and what that acts on."""
Request = FromPeople | OpenDaemon | SeeClient
Observation = (
    AcquireDone
    | AttemptFailed
    | ApplyDone
    | CleanupDone
    | AttemptAbandoned
    | RecheckDone
    | NoteSetAside
    | NoteWaiting
    | NoteWarning
    | Ask
    | WithdrawQuestion
    | IntendProcess
    | NoteCall
    | LookAtClock
)
Command = Request | Observation
