"""Leads one attempt through its adapter's life, from whatever phase it is in.

Each phase is a call of the adapter; its end is an observation, and what comes next is read from
the state. So a start and a recovery take the same path, and a killed daemon loses nothing.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    BackingOff,
    Cancelling,
    CleaningUp,
    Finding,
    Finished,
    Pending,
    Step,
    StepPhase,
    StepRef,
)
from orchestrator.core.language.rejections import StaleObservation
from orchestrator.core.language.words import StepConclusion
from orchestrator.core.rules.observations import FORCED_CLEANUP
from orchestrator.engine.attempt.adapter_call import (
    PATIENCE_AFTER_FORCE,
    AdapterCall,
    Unverified,
    clean_up,
    did_not_end,
    kill,
    with_survivors,
)
from orchestrator.engine.attempt.adapter_guard import Failed, checked, guarded, writable
from orchestrator.engine.attempt.attempt_journal import step_of
from orchestrator.engine.attempt.journal import CANCEL
from orchestrator.engine.attempt.online_check import in_words
from orchestrator.engine.attempt.unattended import Unattended
from orchestrator.engine.attempt.workbench import Bench, StepUnusable, Workbench
from orchestrator.engine.secrets.log_masking import shown
from orchestrator.engine.secrets.masking import Masks
from orchestrator.engine.writer import Writer, WriterClosed
from orchestrator.plugin import AdapterError, Result, Severity

log = structlog.get_logger(__name__)

CANT_ENTER = "can't be entered: "
"""How what a step waits for begins, while its tools are at work without their adapter."""


class Visit(AdapterCall):
    """The call of the adapter that belongs to a phase."""

    def __init__(self, phase: StepPhase) -> None:
        super().__init__()
        self.phase = phase

    def is_of(self, phase: StepPhase) -> bool:
        """Whether this is the call that belongs to a phase; a stop does not change the call."""
        works = (Applying, Cancelling)
        both_work = isinstance(phase, works) and isinstance(self.phase, works)
        return both_work or type(phase) is type(self.phase)


class Attempt:
    """One attempt at work. `lead` runs it; the other methods are told what people asked for."""

    def __init__(self, ref: StepRef, writer: Writer, workbench: Workbench) -> None:
        self.ref = ref
        self._writer = writer
        self._workbench = workbench
        self._bench: Bench | None = None
        self._prepared = trio.Event()
        self._visit: Visit | None = None
        self._asking: Visit | None = None
        self._unattended: Unattended | None = None
        self.is_masked = False
        """Whether no secret is left in what it wrote."""

    # --- the life --------------------------------------------------------------------------

    async def lead(self) -> None:
        """Until the attempt is over."""
        structlog.contextvars.bind_contextvars(job=self.ref.job, step=self.ref.step)
        async with trio.open_nursery() as nursery:
            try:
                bench = await self._prepare(nursery)
            except StepUnusable as problem:
                await self._end_unusable(str(problem))
                return
            while (step := self._step()) is not None and step.active:
                visit = self._visit = Visit(step.phase)
                # The effect of a force from before a restart may have run before there was a visit
                # to end, and it is not started again: the step would go on as if nobody had forced
                # it.
                if step.forced:
                    nursery.start_soon(self._end_by_force, visit, bench)
                seen = await self._enter(step.phase, visit, bench)
                if self._is_last(seen):
                    self.is_masked = await self._workbench.mask(self.ref, bench.hidden)
                if not await self._report(seen):
                    break
            nursery.cancel_scope.cancel()

    async def _prepare(self, nursery: trio.Nursery) -> Bench:
        """Its bench. Raises StepUnusable."""
        try:
            bench = self._bench = await self._workbench.prepare(self.ref, nursery)
        finally:
            self._prepared.set()
        step = self._step()
        if step is not None and (step.waiting_for or "").startswith(CANT_ENTER):
            await self._note_waiting(None)  # an earlier daemon could not
        return bench

    def _is_last(self, seen: cmd.Command) -> bool:
        """Whether the attempt may be over once this was reported; what it wrote is masked before,
        so that nobody finds a secret after the end of a job."""
        match seen:
            case cmd.CleanupDone():
                return True
            case cmd.ApplyDone() | cmd.AttemptFailed():
                job = self._writer.world.committed_job(self.ref.job)
                world = self._writer.world
                return job is None or not world.step_definition(job, self.ref.step).has_cleanup
            case _:
                return False

    def _step(self) -> Step | None:
        return step_of(self._writer.world, self.ref)

    async def _enter(self, phase: StepPhase, visit: Visit, bench: Bench) -> cmd.Command:
        """Go through the phase that the step is in; what is to be reported of it."""
        match phase:
            case Acquiring(stop=stop):
                return await self._acquire(visit, bench, stop is not None)
            case Applying() | Cancelling():
                return await self._apply(visit, bench)
            case CleaningUp():
                return await self._clean_up(visit, bench)
            case Pending() | BackingOff() | Finished():
                raise AssertionError(f"{self.ref} is not at work")

    async def _report(self, observation: cmd.Command) -> bool:
        """Whether the observation was still wanted."""
        try:
            await self._writer.execute(shown(observation, self._masks()))
        except WriterClosed:
            await trio.sleep_forever()  # the engine ends, and this attempt with it
        except StaleObservation as stale:
            log.info("observation dropped", reason=str(stale))
            return False
        return True

    def _masks(self) -> Masks:
        if self._bench is not None:
            return self._bench.hidden.masks
        job = self._writer.world.committed_job(self.ref.job)
        return self._workbench.hidden(job, self.ref).masks

    async def _end_unusable(self, reason: str) -> None:
        """A step that can't be entered fails. One that had begun may hold anything."""
        step = self._step()
        if step is None:
            return
        job = self._writer.world.committed_job(self.ref.job)
        has_begun = self._workbench.processes_of(job, self.ref).has_begun()
        survivors = await self._outlive(reason)
        step = self._step() or step
        if step.records or has_begun or not isinstance(step.phase, Acquiring | Applying):
            why = f"it had begun, and can't be entered again: {reason}"
            await self.abandon(with_survivors(why, survivors))
        elif await self._report(
            cmd.AttemptFailed(self.ref, StepConclusion.FAILURE, writable(reason))
        ):
            step = self._step()
            if step is not None and isinstance(step.phase, CleaningUp):
                await self._report(cmd.CleanupDone(self.ref))

    async def break_off(self, why: str) -> None:
        """Give up an attempt that we can't lead on, once nothing of it is at work."""
        try:
            survivors = await self._outlive(why)
        except Exception:
            log.exception("nobody watches an attempt", job=self.ref.job, step=self.ref.step)
            survivors = "whether its processes have ended is not known"
        await self.abandon(with_survivors(why, survivors))

    async def _outlive(self, reason: str) -> str:
        """Until no process of the attempt can be alive, for until then it is not over: its job
        keeps out whatever must not run beside it. What survived a force that came meanwhile."""
        step, job = self._step(), self._writer.world.committed_job(self.ref.job)
        if step is None or not step.active:
            return ""

        async def tell(at_work: str) -> None:
            log.warning("attempt can't be entered", reason=reason, at_work=at_work)
            await self._note_waiting(f"{CANT_ENTER}{reason}; {at_work}")

        processes = self._workbench.processes_of(job, self.ref)
        self._unattended = Unattended(processes, self._step, tell)
        return await self._unattended.until_over()

    async def _note_waiting(self, text: str | None) -> None:
        shown_text = None if text is None else self._masks().text(writable(text))
        await self._report(cmd.NoteWaiting(self.ref, shown_text))

    async def _acquire(self, visit: Visit, bench: Bench, stopped: bool) -> cmd.Command:
        call: Callable[[], Awaitable[None]] = partial(self._look_and_acquire, bench)
        if stopped:
            call = bench.step.end_phase
        failed = Failed(StepConclusion.CANCELLED, "") if stopped else None
        try:
            await visit.made(bench, "acquire", call)
        except Failed as error:
            failed = error
            await self._end_unasked(visit, bench)
        if visit.forced:
            return await self._after_force(bench, failed)
        if failed is not None:
            return cmd.AttemptFailed(self.ref, failed.conclusion, failed.reason)
        return cmd.AcquireDone(self.ref)

    async def _end_unasked(self, visit: Visit, bench: Bench) -> None:
        """Stop what this phase had started before a restart and the adapter did not ask for again.

        A phase that is entered again begins anew, and may fail or be cancelled before it comes to
        the process that runs. Its end was told then, clean, while that one worked on.
        """
        if not visit.forced:
            await bench.step.end_phase()

    async def _look_and_acquire(self, bench: Bench) -> None:
        """Let the adapter look before anything is touched, then make sure that its tool can run."""
        world = self._writer.world
        job = world.committed_job(self.ref.job)
        if job is None or world.step_definition(job, self.ref.step).checked_first:
            await _look(bench)
        await bench.adapter.acquire(bench.step)

    async def _apply(self, visit: Visit, bench: Bench) -> cmd.Command:
        bench.enter("apply")
        observation: cmd.Command
        failed = None
        try:
            result = await visit.made(bench, "apply", partial(self._work, bench))
            result = checked(bench, "apply", result, Result)
            outputs_file = self._workbench.paths.sensitive_outputs(self.ref)
            observation = bench.applied(self.ref, result, outputs_file)
        except Failed as error:
            failed = error
            observation = cmd.AttemptFailed(self.ref, failed.conclusion, failed.reason)
            await self._end_unasked(visit, bench)
        if not visit.forced:
            return observation
        after = await self._after_force(bench, failed)
        return after if failed or isinstance(after, cmd.AttemptAbandoned) else observation

    async def _work(self, bench: Bench) -> Result:
        """The adapter's apply, and its cancel to the end if that has begun, by us or before us."""
        try:
            return await bench.adapter.apply(bench.step)
        finally:
            step = self._step()
            if step is not None and any(record.phase == CANCEL for record in step.records):
                await self.ask_to_stop()
            if self._asking is not None:
                await self._asking.over.wait()

    async def _clean_up(self, visit: Visit, bench: Bench) -> cmd.Command:
        bench.enter("cleanup")
        try:
            return cmd.CleanupDone(self.ref, await clean_up(visit, bench, self.ref))
        except Unverified as unverified:
            reason = FORCED_CLEANUP
            if not visit.forced:
                failed = unverified.reason
                reason = f"its cleanup failed, so nobody verified what is left: {failed}"
            found = with_survivors(reason, unverified.survivors)
            return cmd.CleanupDone(self.ref, Finding(self.ref, writable(found)))

    # --- force -----------------------------------------------------------------------------

    async def _after_force(self, bench: Bench, failed: Failed | None) -> cmd.Command:
        """Nothing of the attempt may go on working unseen: kill it, or say that it lives."""
        if self._asking is not None:
            with trio.move_on_after(PATIENCE_AFTER_FORCE):
                await self._asking.over.wait()
        survivors = await kill(bench)
        if survivors:
            return cmd.AttemptAbandoned(self.ref, Finding(self.ref, survivors))
        if failed is not None and failed.conclusion is StepConclusion.LOST:
            return cmd.AttemptFailed(self.ref, StepConclusion.LOST, f"{failed.reason}; then forced")
        return cmd.AttemptFailed(self.ref, StepConclusion.CANCELLED, "ended by force")

    async def _end_by_force(self, visit: Visit, bench: Bench) -> None:
        """Cancel the adapter's call and kill its processes; abandon an adapter that stays."""
        if visit.forced:
            return
        visit.forced = True  # at once: this may come twice
        phase = (self._step() or visit).phase.__struct_config__.tag
        log.debug("ending by force", job=self.ref.job, step=self.ref.step, phase=phase)
        if self._asking is not None:
            self._asking.scope.cancel()
        survivors = await visit.end_by_force(bench)
        if not visit.over.is_set():
            await self.abandon(with_survivors(f"the {did_not_end()}", survivors))

    # --- what people ask for ---------------------------------------------------------------

    def tell_answer(self) -> None:
        """What the step asked has an answer now."""
        if self._bench is not None:
            self._bench.wake()

    async def stop_acquire(self) -> None:
        """Cancel the adapter's acquire, if the attempt is still in it."""
        if self._unattended is not None:
            self._unattended.look_again()
            return
        step, visit = self._step(), self._visit
        if step is None or visit is None or not isinstance(step.phase, Acquiring):
            return
        if isinstance(visit.phase, Acquiring) and visit.phase.stop is None:
            log.debug("cancelling acquire", job=self.ref.job, step=self.ref.step)
            visit.scope.cancel()

    async def ask_to_stop(self) -> None:
        """Call the adapter's cancel, unless its apply is over; that waits for this then."""
        # After a restart this may run before the attempt is prepared, and it is started only once:
        # returning then would lose the stop, and the tool would never be asked.
        await self._prepared.wait()
        if self._unattended is not None:
            self._unattended.look_again()
            return
        bench, visit, step = self._bench, self._visit, self._step()
        if bench is None or step is None or not isinstance(step.phase, Cancelling):
            return
        if self._asking is not None or step.forced:
            return
        if visit is not None and visit.is_of(step.phase) and visit.over.is_set():
            return
        bench.wake()
        asking = self._asking = Visit(step.phase)
        log.debug("asking to stop", job=self.ref.job, step=self.ref.step)
        call = partial(bench.adapter.cancel, bench.cancel_step)
        try:
            await asking.made(bench, "cancel", call)
        except Failed as failed:
            bench.log(f"the tool could not be asked to stop: {failed.reason}")
            log.warning("cancel failed", reason=failed.reason)

    async def force(self) -> None:
        """End the call of the phase that was forced. One that has not begun is ended as it does."""
        if self._unattended is not None:
            self._unattended.look_again()
            return
        step, visit, bench = self._step(), self._visit, self._bench
        if step is None or visit is None or bench is None or not step.forced:
            return
        if visit.is_of(step.phase):
            await self._end_by_force(visit, bench)

    async def abandon(self, why: str) -> None:
        """Give the attempt up: nobody knows what is left of it, so its environment is closed."""
        await self._report(cmd.AttemptAbandoned(self.ref, Finding(self.ref, writable(why))))


async def _look(bench: Bench) -> None:
    """Tell what its check warns of. Raises AdapterError for what prevents a run."""
    problems = await guarded(bench, "check", partial(bench.adapter.check, bench.step))
    for problem in problems:
        if problem.severity is Severity.WARNING:
            bench.step.warn(in_words(problem))
    errors = [in_words(problem) for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        raise AdapterError("; ".join(errors))
