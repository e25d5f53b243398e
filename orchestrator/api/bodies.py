"""What may be sent in a request's body. A field that is not known is refused, never ignored."""

from typing import Literal

import msgspec


class Submission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Queue a job, or (`dry_run`) say what that would be.

    A parameter is given as text, or as JSON has its type; null is as if it were not given.
    `from_file` names the parameters whose values were not given openly (on a command line): secret
    ones must be among them. `pays`: an admin says that this run pays what that job owes.
    """

    pipeline: str
    environment: str
    params: dict[str, str | int | float | bool | list[str] | None] = {}
    from_file: tuple[str, ...] = ()
    reason: str | None = None
    priority: int = 0
    labels: dict[str, str] = {}
    url: str | None = None
    dry_run: bool = False
    on_disconnect: Literal["keep", "cancel"] = "keep"
    pays: int | None = None


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; it goes to the journal."""

    reason: str | None = None


class RecheckStop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which recheck of an environment is to stop; the reason goes to the journal."""

    number: int
    reason: str | None = None


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run is that the journal does not know: dead, or (`wait`) to be waited for."""

    verdict: Literal["dead", "wait"]
    reason: str | None = None


class AnswerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes or a no to a job, or to what a step of it asks; the comment goes to the journal."""

    step: str | None = None
    comment: str | None = None


class RetryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Queue the like of a finished job, with the definition it had or (`latest`) today's."""

    latest: bool = False
    reason: str | None = None


class Drained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Admit nothing; with `cancel`, also ask what runs to stop."""

    cancel: bool = False
    reason: str | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""
