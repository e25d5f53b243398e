"""A step's log as a stream: to its present end, or on until its attempt has ended."""

from collections.abc import Iterable

import trio

from orchestrator.api.streaming import Write
from orchestrator.api.subjects import job_of
from orchestrator.core.language.model import BackingOff, Finished, Job, JobFinished, StepRef
from orchestrator.engine.engine import Engine
from orchestrator.engine.logs.log_view import LogView, Piece
from orchestrator.engine.secrets.masking import Masks, sensitive_values, texts_of
from orchestrator.process.threads import in_thread

LOOK_SECONDS = 0.2
"""How often a log that somebody follows is looked at for more."""


class LogStream:
    """The log of one attempt. `offset` is where the stream begins; close it in any case."""

    def __init__(self, engine: Engine, job: Job, ref: StepRef) -> None:
        self.ref = ref
        self.offset = 0
        self._engine = engine
        self._view: LogView | None = None
        self._known: set[str] = set()
        self._masks = Masks()
        self._over = trio.Event()
        self._note(job)

    def begin_at(self, offset: int) -> None:
        """Begin there; or, if the log is shorter, where it ends."""
        view = self._open()
        self.offset = min(offset, view.size) if view is not None else 0

    async def begin_at_tail(self, lines: int) -> None:
        """Begin with the last `lines` lines of what is there now."""
        view = self._open()
        if view is not None:
            self.offset = await in_thread(view.start_of_tail, lines)

    async def copy(self, write: Write) -> None:
        """Write what is there now."""
        try:
            await self._copy(write, self.offset, self._over.is_set())
        finally:
            self.close()

    async def follow(self, write: Write) -> None:
        """Write what is there, and what comes, until the attempt has ended."""
        at = self.offset
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen)
                ended = False
                while not ended:
                    ended = self._over.is_set()  # before reading: nothing is written after it
                    at = await self._copy(write, at, ended)
                    with trio.move_on_after(LOOK_SECONDS):
                        await self._over.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._view is not None:
            self._view.close()
            self._view = None

    async def _copy(self, write: Write, at: int, ended: bool) -> int:
        """Write all that is there from `at` on; where it ended."""
        while (view := self._open()) is not None and view.size > at:
            piece = await self._masked(view, at, ended)
            if piece is None:
                continue
            if not piece.text:
                break
            await write(piece.text)
            at = piece.next
        return at

    async def _masked(self, view: LogView, at: int, ended: bool) -> Piece | None:
        """The next piece; None where it must be read again.

        What an attempt's secrets are is known before it writes, and until its log was replaced by
        a masked one. So they are looked up after reading: what was read then is no raw text that
        we could not mask, unless the file was replaced meanwhile.
        """
        masks = self._masks
        piece = await in_thread(view.read, at, masks, ended)
        bench = self._engine.workbench
        kept = bench.secrets.kept(self.ref)
        if kept is not None:
            self._hide((*kept.named.values(), *kept.params.values()))
        if not view.is_of(bench.paths.log(self.ref)):
            self.close()
            return None
        return piece if masks is self._masks else None

    async def _listen(self) -> None:
        while True:
            async with self._engine.feed.subscribe() as batches:
                self._note(await self._engine.job(self.ref.job))
                async for batch in batches:
                    if any(job_of(line.stamped.event) == self.ref.job for line in batch):
                        self._note(await self._engine.job(self.ref.job))

    def _note(self, job: Job) -> None:
        self._hide(sensitive_values(self._engine.workbench.paths, job))
        if is_over(job, self.ref):
            self._over.set()

    def _hide(self, values: Iterable[object]) -> None:
        """Hide these too. What was hidden once stays so for this reader."""
        found = set(texts_of(values))
        if not found <= self._known:
            self._known |= found
            self._masks = Masks.of(self._known)

    def _open(self) -> LogView | None:
        if self._view is None:
            self._view = LogView.open(self._engine.workbench.paths.log(self.ref))
        return self._view


def is_over(job: Job, ref: StepRef) -> bool:
    """Whether an attempt has ended, so that nothing more comes into its log."""
    if isinstance(job.phase, JobFinished):
        return True
    step = next((candidate for candidate in job.steps if candidate.name == ref.step), None)
    if step is None or step.attempt < ref.attempt:
        return False
    return step.attempt > ref.attempt or isinstance(step.phase, BackingOff | Finished)
