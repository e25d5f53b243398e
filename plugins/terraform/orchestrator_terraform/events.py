"""terraform's `-json` events: reading, showing and counting them.

Formats measured with terraform 1.11.4. Fields of `-json` events may be added but not removed
within ui version 1, so only those that are used here are declared.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Diagnostic(msgspec.Struct, frozen=True):
    """An error or warning: `summary` is one line, `detail` may be many."""

    severity: str
    summary: str
    detail: str = ""
    address: str | None = None
    range: dict[str, Any] | None = None


class Changes(msgspec.Struct, frozen=True):
    """How many resources an operation changes, or changed."""

    add: int = 0
    change: int = 0
    remove: int = 0
    imported: int = msgspec.field(name="import", default=0)
    operation: str = ""

    @property
    def summary(self) -> str:
        """`+3 ~1 -0`, and imports where there are some."""
        counts = f"+{self.add} ~{self.change} -{self.remove}"
        return f"{counts} import {self.imported}" if self.imported else counts


class Change(msgspec.Struct, frozen=True):
    """What is planned for one resource."""

    action: str


class Address(msgspec.Struct, frozen=True):
    """Which resource: `module.a.aws_instance.web[0]`."""

    addr: str


class Hook(msgspec.Struct, frozen=True):
    """What happens to one resource; `id_value` once it is known."""

    resource: Address | None = None
    action: str = ""
    id_value: str | None = None


class Event(msgspec.Struct, frozen=True):
    """One line of `-json` output."""

    type: str
    message: str = msgspec.field(name="@message", default="")
    level: str = msgspec.field(name="@level", default="info")
    change: Change | None = None
    changes: Changes | None = None
    diagnostic: Diagnostic | None = None
    hook: Hook | None = None


_DECODER = msgspec.json.Decoder(Event)

_BEFORE_LOCK = frozenset({"version", "log", "state_lock_acquire", "diagnostic"})
_NOT_SHOWN = frozenset({"version", "outputs", "planned_change", "resource_drift"})
_STEPS_OF_ACTION = {"create": 1, "update": 1, "delete": 1, "replace": 2}
INTERRUPTED = "Interrupt received."


def parse(line: bytes) -> Event | str:
    """An event, or the line as it is where a wrapper or a provider wrote something else."""
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError:
        return plain(line.decode("utf-8", "replace"))


def plain(text: str) -> str:
    """Text without what a terminal would act on."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def shown(event: Event | str) -> str:
    """What people read in the step's log; empty where there is nothing to say.

    Planned changes are not shown: the readable plan has them, with their attributes.
    """
    match event:
        case str():
            return event
        case Event(diagnostic=Diagnostic() as found):
            return plain(_shown_diagnostic(found))
        case Event(type=type) if type in _NOT_SHOWN:
            return ""
        case Event():
            return plain(event.message).strip()


def _shown_diagnostic(found: Diagnostic) -> str:
    lines = [f"{found.severity.capitalize()}: {found.summary}"]
    if found.range is not None:
        start = found.range.get("start", {})
        lines.append(f"  on {found.range.get('filename')} line {start.get('line')}")
    if found.address:
        lines.append(f"  with {found.address}")
    if found.detail.strip():
        lines += ["", *(f"  {line}".rstrip() for line in found.detail.strip().splitlines()), ""]
    return "\n".join(lines)


class Tally:
    """What the events of one operation say so far, fed one by one from the first."""

    def __init__(self) -> None:
        self.planned = 0
        """How many creations, changes and removals are to be made (a replacement is two)."""
        self.done = 0
        self.created: dict[str, str | None] = {}
        """What it began to create, by address; the ID where its creation was completed."""
        self.summary: Changes | None = None
        self.errors: list[Diagnostic] = []
        self.interrupted = False
        """Whether terraform said that it received an interrupt."""
        self.holds_lock = False
        """Whether an event was seen that comes only after the state lock was taken."""

    def add(self, event: Event | str) -> None:
        """Count one event."""
        if isinstance(event, str):
            return
        self.holds_lock = self.holds_lock or event.type not in _BEFORE_LOCK
        if event.hook is not None:
            self._add_hook(event.type, event.hook)
        match event:
            case Event(type="planned_change", change=Change(action=action)):
                self.planned += _STEPS_OF_ACTION.get(action, 0)
            case Event(type="change_summary", changes=Changes() as changes):
                self.summary = changes
            case Event(diagnostic=Diagnostic(severity="error") as error):
                self.errors.append(error)
            case Event(type="log", message=message) if INTERRUPTED in message:
                self.interrupted = True
            case _:
                pass

    def _add_hook(self, type: str, hook: Hook) -> None:
        if type == "apply_complete":
            self.done += 1
        if hook.action == "create" and hook.resource is not None:
            if type == "apply_start":
                self.created[hook.resource.addr] = None
            elif type == "apply_complete":
                self.created[hook.resource.addr] = hook.id_value

    @property
    def ended(self) -> bool:
        """Whether the operation is over: from here on the lock may be somebody else's.

        A plan prints its summary before it releases the lock, an apply after; errors come after.
        """
        return self.summary is not None or bool(self.errors)

    def error(self, summary: str) -> Diagnostic | None:
        """The first error with this summary."""
        return next((error for error in self.errors if error.summary == summary), None)

    @property
    def reason(self) -> str:
        """The first error in one line."""
        if not self.errors:
            return ""
        first = self.errors[0]
        detail = first.detail.strip().splitlines()
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        return plain(f"{first.summary}: {detail[0]}" if detail else first.summary) + more


def tally(lines: Iterable[bytes]) -> Tally:
    """Count a whole output."""
    counted = Tally()
    for line in lines:
        counted.add(parse(line))
    return counted
