"""A release as helm tells of it: its history, and what that says about what may be done."""

from datetime import UTC, datetime

import msgspec

from orchestrator.plugin import AdapterError, Completed

DEPLOYED = "deployed"
FAILED = "failed"
UNINSTALLED = "uninstalled"
UNINSTALLING = "uninstalling"
PENDING_INSTALL = "pending-install"
PENDING = (PENDING_INSTALL, "pending-upgrade", "pending-rollback", UNINSTALLING)
SUCCEEDED = "Succeeded"
PRE_DELETE = "pre-delete"
NOT_FOUND = "release: not found"
"""helm says it in words only: its exit code is that of any error."""


class Revision(msgspec.Struct, frozen=True):
    """One line of `history -o json`."""

    revision: int
    updated: datetime
    status: str
    chart: str = ""
    description: str = ""

    @property
    def pending(self) -> bool:
        """Whether an operation began here whose end helm has not recorded."""
        return self.status in PENDING

    @property
    def updated_ms(self) -> int:
        """When, in UTC milliseconds."""
        return int(self.updated.timestamp() * 1000)

    def __str__(self) -> str:
        chart = f" of {self.chart}" if self.chart else ""
        return f"revision {self.revision}{chart} is {self.status}"


class History(msgspec.Struct, frozen=True):
    """All revisions that helm has kept, the oldest first; none where there is no release."""

    revisions: tuple[Revision, ...] = ()

    @property
    def latest(self) -> Revision | None:
        """The one that counts."""
        return self.revisions[-1] if self.revisions else None

    @property
    def number(self) -> int:
        """The latest one's number, 0 where there is none."""
        return self.latest.revision if self.latest is not None else 0

    @property
    def deployed(self) -> Revision | None:
        """The newest one that is deployed."""
        return self._newest(DEPLOYED)

    @property
    def pending(self) -> Revision | None:
        """The latest one, if it is pending."""
        return self.latest if self.latest is not None and self.latest.pending else None

    def get(self, number: int) -> Revision | None:
        """The revision of this number."""
        return next((revision for revision in self.revisions if revision.revision == number), None)

    def _newest(self, *statuses: str) -> Revision | None:
        found = (revision for revision in reversed(self.revisions) if revision.status in statuses)
        return next(found, None)

    @property
    def to_return_to(self) -> Revision | None:
        """What a pending revision is rolled back to: what is deployed, else the newest that ended.

        None for a first install, and for what is being uninstalled.
        """
        if self.deployed is not None:
            return self.deployed
        return self._newest("superseded", FAILED)

    @property
    def before_latest(self) -> Revision | None:
        """What `rollback` without a revision goes to: the newest before it that was deployed."""
        older = (revision for revision in reversed(self.revisions) if revision is not self.latest)
        return next(
            (revision for revision in older if revision.status in ("superseded", DEPLOYED)), None
        )

    def __str__(self) -> str:
        if self.latest is None:
            return "there is no such release"
        words = str(self.latest)
        deployed = self.deployed
        if deployed is not None and deployed is not self.latest:
            words += f"; deployed is revision {deployed.revision}"
        return words


def read_history(answer: Completed) -> History:
    """What `history -o json` found. Raises AdapterError with helm's message."""
    if answer.code != 0:
        if NOT_FOUND in answer.stderr:
            return History()
        raise AdapterError(one_line(answer.stderr) or f"helm history: exit {answer.code}")
    try:
        found = msgspec.json.decode(answer.stdout, type=tuple[Revision, ...])
    except msgspec.MsgspecError as error:
        raise AdapterError(f"helm history: {error}") from error
    return History(tuple(sorted(found, key=lambda one: one.revision)))


class Info(msgspec.Struct, frozen=True):
    """The part `info` of `status -o json`."""

    status: str = "unknown"
    description: str = ""
    notes: str = ""
    deleted: str = ""


class LastRun(msgspec.Struct, frozen=True):
    """How a hook ended the last time."""

    started_at: str = ""
    phase: str = ""


class Hook(msgspec.Struct, frozen=True):
    """One hook of a revision. `events` are when it runs: `pre-upgrade`, `test`, …"""

    name: str = ""
    kind: str = ""
    manifest: str = ""
    events: tuple[str, ...] = ()
    last_run: LastRun = LastRun()

    @property
    def tests(self) -> bool:
        """Whether it is one that `helm test` runs."""
        return any(event in ("test", "test-success") for event in self.events)

    @property
    def has_succeeded(self) -> bool:
        """Whether its last run did."""
        return self.last_run.phase == SUCCEEDED

    @property
    def may_run(self) -> bool:
        """Whether it was begun and has not succeeded: what helm gave up is failed to it."""
        return self.last_run.phase not in ("", SUCCEEDED)


class Status(msgspec.Struct, frozen=True):
    """What `status -o json` tells, as far as it is read here."""

    name: str
    version: int
    namespace: str = ""
    info: Info = Info()
    manifest: str = ""
    hooks: tuple[Hook, ...] = ()

    @property
    def tests(self) -> tuple[Hook, ...]:
        """Its hooks that `helm test` runs."""
        return tuple(hook for hook in self.hooks if hook.tests)

    @property
    def may_have_deleted(self) -> bool:
        """Whether an uninstalling came as far as to delete anything: hooks come before that."""
        return all(hook.has_succeeded for hook in self.hooks if PRE_DELETE in hook.events)

    @property
    def deleted_ms(self) -> int | None:
        """When its uninstalling began, in UTC milliseconds."""
        try:
            began = datetime.fromisoformat(self.info.deleted)
        except ValueError:
            return None
        return int(began.astimezone(UTC).timestamp() * 1000)


def read_status(answer: Completed) -> Status:
    """What `status -o json` found. Raises AdapterError with helm's message."""
    if answer.code != 0:
        raise AdapterError(one_line(answer.stderr) or f"helm status: exit {answer.code}")
    try:
        return msgspec.json.decode(answer.stdout, type=Status)
    except msgspec.MsgspecError as error:
        raise AdapterError(f"helm status: {error}") from error


def one_line(text: str) -> str:
    """helm's message without warnings, log lines of its libraries, and line breaks."""
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not _is_noise(line)]
    return " ".join(wanted).removeprefix("Error: ")


def _is_noise(line: str) -> bool:
    return line.startswith(("WARNING:", "level=", "time=", "W1", "I1", "E1")) or line.startswith(
        "walk.go"
    )
