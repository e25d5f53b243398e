"""Looks again at one finding: the adapter's cleanup of an attempt that has ended, once more."""

from functools import partial

import structlog
import trio

from orchestrator.core.language.model import Finding, StepRef
from orchestrator.core.rules.wanted import VerifyAgain
from orchestrator.engine.attempt.adapter_guard import Failed, checked, guarded, writable
from orchestrator.engine.attempt.attempt import PATIENCE_AFTER_FORCE, finding_of
from orchestrator.engine.attempt.workbench import Bench, StepUnusable, Workbench
from orchestrator.engine.secrets.log_masking import shown_finding
from orchestrator.plugin import Cleanliness
from orchestrator.process.errors import TreeNotDead
from orchestrator.store.protocol import Store

log = structlog.get_logger(__name__)

FAILED = " (recheck failed: "


class Look:
    """One look at work. `lead` makes it; `stop` and `force` are told what people asked for."""

    def __init__(self, effect: VerifyAgain, store: Store, workbench: Workbench) -> None:
        self.ref: StepRef = effect.finding.ref
        self._before = effect.finding
        self._round = effect.round
        self._store = store
        self._workbench = workbench
        self._bench: Bench | None = None
        self._prepared = trio.Event()
        self._scope = trio.CancelScope()
        self._over = trio.Event()
        self._answered = trio.Event()
        self._ended_by = "it was stopped"
        self._answer: Finding | None = effect.finding

    async def lead(self, nursery: trio.Nursery) -> Finding | None:
        """What is found now, None where it is clean. What could not be looked at to its end is
        found as before, with the reason.

        An adapter that does not end after a force is left behind: its task goes on in `nursery`.
        """
        nursery.start_soon(self._look, name=f"look {self.ref}")
        await self._answered.wait()
        return self._answer

    async def stop(self) -> None:
        """Cancel the adapter's cleanup, and ask what it runs to stop."""
        await self._prepared.wait()
        self._scope.cancel()
        await self._over.wait()
        if self._bench is not None:
            await self._bench.step.end_phase()
        self._tell(self._unfinished(self._ended_by))

    async def force(self) -> None:
        """Cancel it and kill what it runs; do without an adapter that does not end."""
        self._ended_by = "it was ended by force"
        await self._prepared.wait()
        self._scope.cancel()
        with trio.move_on_after(PATIENCE_AFTER_FORCE):
            self._ended_by += await self._survivors()
            await self._over.wait()
        if not self._over.is_set():
            why = f"its adapter did not end within {PATIENCE_AFTER_FORCE:g} s after force"
            self._ended_by = why
        self._tell(self._unfinished(self._ended_by))

    async def _look(self) -> None:
        """An error of ours in one look must not end the daemon, nor leave its recheck hanging."""
        try:
            with self._scope:
                self._tell(await self._found())
        except Exception as error:
            log.exception("look broke down", job=self.ref.job, step=self.ref.step)
            self._tell(self._unfinished(f"an error of the daemon, see its log: {error}"))
        finally:
            self._prepared.set()
            self._over.set()

    async def _found(self) -> Finding | None:
        try:
            bench = self._bench = await self._prepare()
            self._prepared.set()
            verdict = await guarded(bench, "cleanup", partial(bench.adapter.cleanup, bench.step))
            found = finding_of(self.ref, checked(bench, "cleanup", verdict, Cleanliness))
            return None if found is None else shown_finding(found, bench.hidden.masks)
        except StepUnusable as problem:
            text = f"can't be looked at: {problem}"
            return Finding(self.ref, writable(text), self._before.commands)
        except Failed as failed:
            return self._unfinished(failed.reason)

    async def _prepare(self) -> Bench:
        job = await self._store.job(self.ref.job)
        definition = None if job is None else await self._store.definition(job.definition)
        if job is None or definition is None:
            raise StepUnusable(f"nothing is known of job {self.ref.job} any more")
        return await self._workbench.prepare_recheck(job, definition, self.ref, self._round)

    async def _survivors(self) -> str:
        if self._bench is None:
            return ""
        try:
            await self._bench.step.kill()
        except TreeNotDead as error:
            return f"; {error}"
        return ""

    def _unfinished(self, why: str) -> Finding:
        """What was found before, and why nobody can say more; of several looks the last reason."""
        found = self._before.found.partition(FAILED)[0]
        text = f"{found}{FAILED}{why})"
        if self._bench is not None:
            text = self._bench.hidden.masks.text(text)
        return Finding(self.ref, writable(text), self._before.commands)

    def _tell(self, answer: Finding | None) -> None:
        """The first answer counts: a look that came to its end before it was stopped has looked."""
        if not self._answered.is_set():
            self._answer = answer
            self._answered.set()
