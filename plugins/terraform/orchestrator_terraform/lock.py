"""The state lock as terraform tells of it: what a look says, and whose lock it is."""

import re
from collections.abc import Sequence

import msgspec

from orchestrator.plugin import Claim, Completed
from orchestrator_terraform.events import plain

_REFUSED = "Error acquiring the state lock"
_INFO = "Lock Info:"
_HELD_ID = re.compile(r"already locked:\s+ID=(\S+)")
_FIELD = re.compile(r"^[\s│]*(ID|Operation|Who|Created):[ \t]*(.*?)\s*$", re.MULTILINE)
LOOK_OPERATION = "untaint"
"""What the lock of a look of ours is called."""


class Free(msgspec.Struct, frozen=True, tag="free"):
    """Nobody holds it."""


class Held(msgspec.Struct, frozen=True, tag="held"):
    """Somebody holds it. What the backend does not tell is None.

    The `http` backend tells nothing but the ID: measured with terraform 1.11.4, the lock info that
    it prints is that of the process which *asks*, with its own new ID, `Who` and `Created`.
    """

    id: str | None
    who: str | None = None
    operation: str | None = None
    created: str | None = None

    @property
    def momentary(self) -> bool:
        """Whether it may be a mere look, over at once."""
        return self.operation == LOOK_OPERATION

    def __str__(self) -> str:
        words = ["state lock"]
        if self.id:
            words.append(self.id)
        words.append(f"of {self.who}" if self.who else "of a holder that the backend does not name")
        if self.operation:
            words.append(f"({self.operation.removeprefix('OperationType').lower()})")
        if self.created:
            words.append(f"since {self.created.partition('.')[0]}")
        return " ".join(words)


class Unseen(msgspec.Struct, frozen=True, tag="unseen"):
    """The look itself failed: `why` is what terraform said."""

    why: str


Look = Free | Held | Unseen


def read_look(completed: Completed) -> Look:
    """What `commands.look_at_lock` found."""
    if completed.code == 0:
        return Free()
    text = plain(completed.stderr + completed.stdout)
    if _REFUSED in text and _INFO in text:
        return _holder(text)
    return Unseen(one_line(text) or f"exit {completed.code}")


def _holder(text: str) -> Held:
    """The holder, from the error of a command that was refused the lock.

    A backend that can't be reached, or that wants other credentials, is the same error without
    the info: that tells nothing about the lock.
    """
    info = {name: value for name, value in _FIELD.findall(text) if value}
    named = _HELD_ID.search(text)
    if named is not None and named[1] != info.get("ID"):
        return Held(named[1])
    if info.get("Operation") == LOOK_OPERATION and named is None:
        # Another look, or a backend that shows the asker's own info: no ID to trust.
        return Held(None, operation=LOOK_OPERATION)
    return Held(info.get("ID"), info.get("Who"), info.get("Operation"), info.get("Created"))


def one_line(text: str) -> str:
    """terraform's message without its wrapping."""
    return " ".join(line.strip(" │╷╵") for line in text.splitlines() if line.strip(" │╷╵"))


def resource(lock_id: str) -> str:
    """What a step claims when it has seen that its own terraform holds this lock."""
    return f"terraform state lock {lock_id}"


class Owner(msgspec.Struct, frozen=True):
    """Which attempt of ours held a lock, and whether it is proven dead."""

    job: int
    step: str
    dead: bool


def owner(claims: Sequence[Claim], *, ended: tuple[int, str, int] | None = None) -> Owner | None:
    """Who of us holds a lock whose ID has these claims; None: none of us.

    `ended` is the attempt (job, step, number) that asks in its own cleanup, after its processes
    have ended. Dead only if every attempt that claimed the lock is.
    """
    if not claims:
        return None
    alive = [c for c in claims if not c.dead and (c.job, c.step, c.attempt) != ended]
    newest = alive[0] if alive else claims[0]
    return Owner(newest.job, newest.step, dead=not alive)
