"""What adapters hand back: exits, results, cleanliness, problems."""

import enum
from typing import Any

import msgspec

from orchestrator.core.language.definition import OutcomeRule


class Exit(msgspec.Struct, frozen=True):
    """How a process ended: an exit code, or the name of the signal (`SIGKILL`) that ended it.

    `stdout` and `stderr` are paths of what it wrote (whole, unmasked, mode 0600, until the
    attempt ends). `error` tells why it could not be started at all (exit 127 or 126).
    """

    code: int | None
    signal: str | None = None
    stdout: str = ""
    stderr: str = ""
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it exited with status 0."""
        return self.code == 0


class Completed(msgspec.Struct, frozen=True):
    """A finished probe: exit code (or minus the signal number) and all it wrote, decoded."""

    code: int
    stdout: str
    stderr: str


class Result(msgspec.Struct, frozen=True):
    """How `apply` ended.

    Give `exit` or `signal` where a process decided; `ok` overrides what they say (a status of 2
    that means success). `statuses` are the tool's own words for outcome rules, most specific
    first (`TERMINAL`). `outputs` become `${steps.NAME.outputs.X}`; those in `sensitive` are
    masked. `summary` is one line (`+3 ~1 -0`), `reason` why it ended so.
    `stopped` tells whether a stop that was asked for took effect; None leaves it to the daemon,
    which then says yes if it was asked before `apply` returned.
    """

    exit: int | None = None
    signal: str | None = None
    ok: bool | None = None
    statuses: tuple[str, ...] = ()
    outputs: dict[str, Any] = {}
    sensitive: tuple[str, ...] = ()
    summary: str = ""
    reason: str = ""
    stopped: bool | None = None

    @classmethod
    def of(
        cls, exit: Exit, *, summary: str = "", outputs: dict[str, Any] | None = None
    ) -> "Result":
        """The result of a step that is one process."""
        return cls(
            exit=exit.code,
            signal=exit.signal,
            summary=summary,
            outputs=outputs or {},
            reason=exit.error or "",
        )

    @property
    def succeeded(self) -> bool:
        """Success or failure, before outcome rules."""
        return self.ok if self.ok is not None else (self.exit == 0 and self.signal is None)


class Cleanliness(msgspec.Struct, frozen=True):
    """What `cleanup` found by looking.

    Dirty means that something of this attempt is still held or half done: `found` says what,
    `commands` what a person can type. A dirty step quarantines its environment.
    """

    found: str = ""
    commands: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing of this attempt is left."""
        return not self.found


CLEAN = Cleanliness()


class Severity(enum.Enum):
    """Whether a problem prevents a run."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True):
    """One finding of `check`: which setting of the step (`dir`), and what is wrong with it."""

    setting: str
    text: str
    severity: Severity = Severity.ERROR


class Traits(msgspec.Struct, frozen=True):
    """What an adapter knows of a step from its settings alone.

    `touches`: whether its apply changes the environment; None where that can't be known, which
    counts as yes in `steps` and as no in `before` and in handlers. `grace`: seconds that a
    timeout's graceful part may last before force (None: as long as it takes). `takes_slot`: a tool
    works on this host (false where it only waits or polls). `outcomes`: its defaults (`exit 2`
    continues). `checked_first`: its check is called before each run (false where it can only say
    what its acquire or apply says too; `check --online` calls it all the same). `verifies`: its
    cleanup can tell what an apply left whose end nobody saw (false where it has nothing to look at:
    then a step that is lost and may have touched the environment has left something).
    """

    touches: bool | None = None
    takes_slot: bool = True
    grace: float | None = 60.0
    outcomes: tuple[OutcomeRule, ...] = ()
    checked_first: bool = True
    verifies: bool = True
