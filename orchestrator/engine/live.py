"""What is true of a step only now: not journalled, found again after a restart."""

import msgspec

from orchestrator.core.language.model import StepRef


class Progress(msgspec.Struct, frozen=True):
    """How far a step is: `done` of `total` (None where unknown), and in which words."""

    done: int
    total: int | None
    text: str = ""


class LiveStep(msgspec.Struct, frozen=True):
    """The process that works now, how far it is, and when it last wrote (UTC milliseconds)."""

    pid: int | None = None
    progress: Progress | None = None
    last_output_at: int | None = None


class Live:
    """The live state of every attempt that is at work."""

    def __init__(self) -> None:
        self._progress: dict[StepRef, Progress] = {}

    def note(self, ref: StepRef, progress: Progress) -> None:
        """Replace how far a step is."""
        self._progress[ref] = progress

    def progress(self, ref: StepRef) -> Progress | None:
        """How far a step is, if it said."""
        return self._progress.get(ref)

    def forget(self, ref: StepRef) -> None:
        """The attempt has ended."""
        self._progress.pop(ref, None)
