"""What the rest of the program asks of a store. Nothing here knows which database it is."""

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orchestrator.core.language.definition import Configuration, JobDefinition
from orchestrator.core.language.events import Stamped
from orchestrator.core.language.model import (
    Drain,
    Environment,
    Job,
    JobCancelling,
    JobFinished,
    JobPhase,
    JobPreparing,
    JobQueued,
    JobRunning,
)
from orchestrator.core.language.words import JobConclusion
from orchestrator.core.world.transaction import InForce
from orchestrator.core.world.world import Changes


class PhaseName(enum.Enum):
    """A job's phase by name, to search for."""

    PREPARING = "preparing"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"

    @property
    def open(self) -> bool:
        """Whether a job in this phase has not ended."""
        return self is not PhaseName.FINISHED

    @staticmethod
    def of(phase: JobPhase) -> "PhaseName":
        """The name of a phase."""
        match phase:
            case JobPreparing():
                return PhaseName.PREPARING
            case JobQueued():
                return PhaseName.QUEUED
            case JobRunning():
                return PhaseName.RUNNING
            case JobCancelling():
                return PhaseName.CANCELLING
            case JobFinished():
                return PhaseName.FINISHED


class JobFilter(msgspec.Struct, frozen=True):
    """Which jobs to list: all that is set must hold. `uid` is the submitter's (`mine`).

    Only jobs with an id below `before` are listed, at most `limit` of them.
    """

    environment: str | None = None
    pipeline: str | None = None
    phase: PhaseName | None = None
    kind: str | None = None
    conclusion: JobConclusion | None = None
    uid: int | None = None
    labels: dict[str, str] = {}
    before: int | None = None
    limit: int = 50


class JobPage(msgspec.Struct, frozen=True):
    """Jobs, the newest first. `next` is the `before` of the next page, None on the last one."""

    jobs: tuple[Job, ...]
    next: int | None = None


class Loaded(msgspec.Struct, frozen=True):
    """All that is open: what a daemon needs to go on where the last one stopped.

    `definitions` are those that the open jobs and the debts refer to. `last_event` is the id of
    the journal's last line, 0 before the first.
    """

    jobs: tuple[Job, ...] = ()
    environments: tuple[Environment, ...] = ()
    definitions: dict[str, JobDefinition] = {}
    configuration: InForce | None = None
    drain: Drain | None = None
    next_job: int = 1
    last_event: int = 0


class MeanDuration(msgspec.Struct, frozen=True):
    """How long the last successful runs took: their mean in milliseconds, and their number."""

    mean: int
    runs: int


class Store(Protocol):
    """The journal and the current rows. One writer; readers never see what is not committed.

    Reads raise ReadFailed or DatabaseDamaged.
    """

    async def append(
        self, events: Sequence[Stamped], changes: Changes, drain: Drain | None
    ) -> range:
        """Write events and rows in one durable transaction; the journal ids of the events.

        `drain` is the world's drain now; it is written if `changes.drain` says that it changed.
        All of it is read before the first wait, and a cancellation either prevents the whole
        append or comes after it.
        Raises CommitFailed or CommitRefused (the disk is unchanged), CommitUnknown and
        DatabaseDamaged; after either of these two every further append raises it again, until
        the store is opened anew.
        """
        ...

    async def load(self) -> Loaded:
        """All that is open, as of the last commit. Its cost does not grow with history."""
        ...

    async def job(self, id: int) -> Job | None:
        """One job, finished or not; None if it never was or retention removed it."""
        ...

    async def jobs(self, wanted: JobFilter) -> JobPage:
        """A page of jobs, the newest first."""
        ...

    async def jobs_by_keys(self, keys: Sequence[tuple[int, str]]) -> Mapping[tuple[int, str], Job]:
        """The jobs that were submitted under these (uid, idempotency key), where there is one."""
        ...

    async def last_finished(self, environment: str, limit: int) -> tuple[Job, ...]:
        """The jobs that ended last in an environment, the latest first."""
        ...

    async def mean_duration(self, pipeline: str, environment: str) -> MeanDuration | None:
        """How long the last 20 successful runs took, None if there was none."""
        ...

    async def definition(self, digest: str) -> JobDefinition | None:
        """The definition under a digest."""
        ...

    async def configuration(self, digest: str) -> Configuration | None:
        """An accepted configuration by its digest."""
        ...

    async def events(self, after: int, limit: int) -> list[tuple[int, Stamped]]:
        """Lines of the journal with ids above `after`, in their order."""
        ...

    async def first_event_id(self) -> int:
        """The lowest id that retention has not pruned: events after `first - 1` are complete."""
        ...

    async def last_event_id(self) -> int:
        """The id of the last line that was written, 0 before the first."""
        ...
