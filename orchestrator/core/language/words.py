"""The words of the domain: every state, outcome and role, each documented where it is declared."""

import enum


class Role(enum.Enum):
    """What a person may do; each role includes the ones before it."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    APPROVER = "approver"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether holding this role is enough where `other` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class StopPolicy(enum.Enum):
    """Who may cancel a job (`stop` in a pipeline)."""

    SUBMITTERS = "submitters"  # whoever has that role
    OWNER = "owner"  # who submitted it, and admins
    ADMINS = "admins"
    NOBODY = "nobody"  # an admin's force is the only way


class Outcome(enum.Enum):
    """What the end of a step means for its job."""

    CONTINUE = "continue"  # success, go on
    WARN = "warn"  # failure, go on; the job is marked
    FAIL = "fail"  # failure, stop
    HALT = "halt"  # success, stop: what is left is not run


class StepConclusion(enum.Enum):
    """How a step ended."""

    SUCCESS = "success"
    WARNING = "warning"  # failed, and its outcome says to go on
    FAILURE = "failure"
    HALTED = "halted"  # succeeded, and its outcome says to stop here
    CANCELLED = "cancelled"  # stopped on request, and verified
    TIMED_OUT = "timed_out"
    LOST = "lost"  # nobody can know how it ended
    SKIPPED = "skipped"  # a rule said that it need not run
    NOT_RUN = "not_run"  # never reached

    @property
    def ran(self) -> bool:
        """Whether the step's adapter was ever entered."""
        return self not in (StepConclusion.SKIPPED, StepConclusion.NOT_RUN)

    @property
    def meets_needs(self) -> bool:
        """Whether steps that need this one may run."""
        return self in (StepConclusion.SUCCESS, StepConclusion.WARNING, StepConclusion.SKIPPED)


class JobConclusion(enum.Enum):
    """How a job ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SUPERSEDED = "superseded"  # a newer job took its place before it ran
    REJECTED = "rejected"  # an approver said no
    EXPIRED = "expired"  # it waited longer than it was allowed to
    LOST = "lost"


class StopCause(enum.Enum):
    """Why a graceful stop was asked for."""

    CANCEL = "cancel"  # a person
    TIMEOUT = "timeout"  # the step's or the job's limit
    DISCONNECT = "disconnect"  # the submitting client died (`--on-disconnect cancel`)
    FAILURE = "failure"  # another step of the job failed (`fail_running = "stop"`)
    HALT = "halt"  # another step of the job halted it (`halt_running = "stop"`)
    REJECTION = "rejection"  # an approver said no
    EXPIRY = "expiry"  # nobody approved in time, or `max_wait` is over
    NEEDLESS = "needless"  # the cleanup that it was to be is paid or waived


class RunningPolicy(enum.Enum):
    """What becomes of the steps that run when another one stops the job."""

    FINISH = "finish"
    STOP = "stop"


class LongWaitPolicy(enum.Enum):
    """What becomes of a job that has been queued for longer than its `max_wait`."""

    FAIL = "fail"
    WARN = "warn"


class Decision(enum.Enum):
    """How a question to people ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class BlockerType(enum.Enum):
    """What may keep a waiting job from starting."""

    JOB = "job"
    CLEANUP_DEBT = "cleanup_debt"
    QUARANTINE = "quarantine"
    LOCK = "lock"
    CAPACITY = "capacity"
    ORDER = "order"
    RESERVED = "reserved"  # for a waiter that is senior
    DRAIN = "drain"
    APPROVAL = "approval"
    RECHECK = "recheck"
    UNKNOWN = "unknown"  # what the journal does not know may be at work there


class ParameterType(enum.Enum):
    """What the values of a parameter are."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"  # one of the texts in `choices`
    LIST = "list"  # of texts


class Section(enum.Enum):
    """Which list of its pipeline a step stands in. They run one after the other, in this order."""

    BEFORE = "before"  # before admission: no lock, no debt
    STEPS = "steps"
    ON_SUCCESS = "on_success"
    ON_WARNING = "on_warning"  # after success with warnings
    ON_FAILURE = "on_failure"
    ON_CANCEL = "on_cancel"
    FINALLY = "finally"

    @property
    def is_handler(self) -> bool:
        """Whether its steps follow the verdict on the others, and no graceful stop skips them."""
        return self not in (Section.BEFORE, Section.STEPS)
