"""Looks again at one finding: the adapter's cleanup of an attempt that has ended, once more."""

import time

import structlog
import trio

from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import Finding, Job, StepRef
from orchestrator.core.rules.wanted import VerifyAgain
from orchestrator.engine.attempt.adapter_call import (
    AdapterCall,
    Unverified,
    clean_up,
    did_not_end,
    with_survivors,
)
from orchestrator.engine.attempt.adapter_guard import writable
from orchestrator.engine.attempt.journal import RECHECK
from orchestrator.engine.attempt.workbench import Bench, StepUnusable, Workbench
from orchestrator.engine.secrets.log_masking import shown_finding
from orchestrator.process.errors import TreeNotDead
from orchestrator.store.protocol import Store

log = structlog.get_logger(__name__)

FAILED = " (recheck failed: "
_FORCED = "it was ended by force"
_JUST_ENDING = 1.0
"""Seconds that what a cleanup left may take to end by itself, before it counts as at work."""


class Look:
    """One look at work. `lead` makes it; `stop` and `force` are told what people asked for."""

    def __init__(
        self, effect: VerifyAgain, store: Store, workbench: Workbench, began: Instant | None
    ) -> None:
        self.ref: StepRef = effect.finding.ref
        self._before = effect.finding
        self._phase = f"{RECHECK}{effect.round}"
        self._round = effect.round
        self._began = began
        self._store = store
        self._workbench = workbench
        self._job: Job | None = None
        self._bench: Bench | None = None
        self._prepared = trio.Event()
        self._call = AdapterCall()
        self._answered = trio.Event()
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
        self._call.scope.cancel()
        await self._call.over.wait()
        if self._bench is not None:
            step = self._bench.step
            if pids := step.processes.uninterruptible(self._phase):
                waits = ", ".join(map(str, pids))
                step.log(
                    f"{self._phase}: stopping when {waits} ends, which must not be interrupted"
                )
            await step.end_phase()
        self._tell(self._unfinished(self._why("it was stopped")))

    async def force(self) -> None:
        """Cancel it and kill what it runs; do without an adapter that does not end."""
        self._call.forced = True  # before anything is waited for: what it says now counts no more
        await self._prepared.wait()
        if self._bench is None:
            return  # it tells by itself
        survivors = await self._call.end_by_force(self._bench)
        why = _FORCED if self._call.over.is_set() else f"its {did_not_end()}"
        self._tell(self._unfinished(with_survivors(why, survivors)))

    async def _look(self) -> None:
        """An error of ours in one look must not end the daemon, nor leave its recheck hanging."""
        try:
            await self._find()
        except Exception as error:
            log.exception("look broke down", job=self.ref.job, step=self.ref.step)
            why = f"an error of the daemon, see its log: {error}"
            self._tell(self._unfinished(with_survivors(why, await self._kill())))
        finally:
            self._prepared.set()
            self._call.over.set()

    async def _find(self) -> None:
        try:
            bench = self._bench = await self._prepare()
        except StepUnusable as problem:
            why = with_survivors(f"can't be looked at: {problem}", await self._kill())
            self._tell(Finding(self.ref, writable(why), self._before.commands))
            return
        self._head(bench)
        self._prepared.set()
        try:
            found = await clean_up(self._call, bench, self.ref)
        except Unverified as unverified:
            if self._call.forced or not self._call.scope.cancel_called:
                why = self._why(unverified.reason)
                self._tell(self._unfinished(with_survivors(why, unverified.survivors)))
            return
        if found is not None:
            self._tell(shown_finding(found, bench.hidden.masks))
        elif at_work := await _at_work(bench):
            self._tell(self._unfinished(at_work))
        else:
            self._tell(None)

    def _head(self, bench: Bench) -> None:
        """Say in the step's log that what follows is of this look, once however often it begins."""
        if self._began is not None and not bench.step.processes.has_begun(self._phase):
            moment = time.gmtime(self._began.utc // 1000)
            bench.log(f"{self._phase} {time.strftime('%Y-%m-%dT%H:%M:%SZ', moment)}")

    async def _prepare(self) -> Bench:
        job = self._job = await self._store.job(self.ref.job)
        definition = None if job is None else await self._store.definition(job.definition)
        if job is None or definition is None:
            raise StepUnusable(f"nothing is known of job {self.ref.job} any more")
        return await self._workbench.prepare_recheck(job, definition, self.ref, self._round)

    async def _kill(self) -> str:
        """Kill what this look runs, also where an earlier daemon started it and the adapter can't
        be called: what survived. Raises nothing."""
        try:
            processes = self._workbench.processes_of(self._job, self.ref)
            await processes.kill(self._phase, only=True)
        except TreeNotDead as error:
            return str(error)
        except Exception:
            log.exception("a look's tools could not be killed", job=self.ref.job)
            return "what it ran could not be killed, see the daemon's log"
        return ""

    def _why(self, reason: str) -> str:
        return _FORCED if self._call.forced else reason

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


async def _at_work(bench: Bench) -> str:
    """What of the attempt is alive although its adapter says that nothing is left; what has done
    its work may be just ending."""
    processes = bench.step.processes
    with trio.move_on_after(_JUST_ENDING):
        while processes.at_work():
            await processes.until_next_end()
    return processes.at_work()
