"""Leads one attempt through its adapter's life, from whatever phase it is in.

Each phase is a call of the adapter; its end is an observation, and what comes next is read from
the state. So a start and a recovery take the same path, and a killed daemon loses nothing.
"""

import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import trio

from orchestrator.core import commands as cmd
from orchestrator.core.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Finding,
    Finished,
    Pending,
    Step,
    StepRef,
)
from orchestrator.core.rejections import StaleObservation
from orchestrator.core.words import StepConclusion
from orchestrator.engine.attempt_journal import step_of
from orchestrator.engine.online_check import in_words
from orchestrator.engine.workbench import Bench, StepUnusable, Workbench
from orchestrator.engine.writer import Writer
from orchestrator.plugin import (
    AdapterError,
    CallLost,
    Cleanliness,
    ProcessLost,
    Result,
    Severity,
    StopRequested,
)
from orchestrator.process.errors import TreeNotDead

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE_AFTER_FORCE = 10.0
"""Seconds that an adapter may take to end after force, before it is abandoned."""


class Failed(Exception):
    """A phase of the adapter did not return: how that is to be read, and why."""

    def __init__(self, conclusion: StepConclusion, reason: str) -> None:
        self.conclusion = conclusion
        self.reason = reason
        super().__init__(reason)


class Attempt:
    """One attempt at work. `lead` runs it; the other methods are told what people asked for."""

    def __init__(self, ref: StepRef, writer: Writer, workbench: Workbench) -> None:
        self.ref = ref
        self._writer = writer
        self._workbench = workbench
        self._bench: Bench | None = None
        self._prepared = trio.Event()
        self._scope = trio.CancelScope()
        self._phase_over = trio.Event()
        self._forced = False

    # --- the life --------------------------------------------------------------------------

    async def lead(self) -> None:
        """Until the attempt is over."""
        structlog.contextvars.bind_contextvars(job=self.ref.job, step=self.ref.step)
        async with trio.open_nursery() as nursery:
            try:
                self._bench = self._workbench.prepare(self.ref, nursery)
            except StepUnusable as problem:
                await self._report_unusable(str(problem))
                return
            finally:
                self._prepared.set()
            while (step := self._step()) is not None and await self._enter(step, self._bench):
                pass
            nursery.cancel_scope.cancel()

    def _step(self) -> Step | None:
        return step_of(self._writer.world, self.ref)

    async def _enter(self, step: Step, bench: Bench) -> bool:
        """Go through the phase that the step is in; False when the attempt is over."""
        self._scope, self._phase_over, self._forced = trio.CancelScope(), trio.Event(), False
        if step.forced:
            self._forced = True
            self._scope.cancel()
        try:
            match step.phase:
                case Acquiring(stop=stop):
                    observation = await self._acquire(bench, stop is not None)
                case Applying() | Cancelling():
                    observation = await self._apply(bench)
                case CleaningUp():
                    observation = await self._clean_up(bench)
                case Pending() | Finished():
                    return False
        finally:
            self._phase_over.set()
        return await self._report(observation)

    async def _report(self, observation: cmd.Command) -> bool:
        """Whether the observation was still wanted."""
        try:
            await self._writer.execute(observation)
        except StaleObservation as stale:
            log.info("observation dropped", reason=str(stale))
            return False
        return True

    async def _report_unusable(self, reason: str) -> None:
        """A step that can't be entered fails; there is nothing to clean up, for nothing began."""
        if await self._report(cmd.AttemptFailed(self.ref, StepConclusion.FAILURE, reason)):
            step = self._step()
            if step is not None and isinstance(step.phase, CleaningUp):
                await self._report(cmd.CleanupDone(self.ref))

    async def _acquire(self, bench: Bench, stopped: bool) -> cmd.Command:
        if self._forced:
            return await self._after_force(bench, StepConclusion.CANCELLED)
        if stopped:
            await bench.step.end_acquire()
            return cmd.AttemptFailed(self.ref, StepConclusion.CANCELLED, "")
        try:
            with self._scope:
                await self._guard(bench, "check", lambda: _check(bench))
                await self._guard(bench, "acquire", lambda: bench.adapter.acquire(bench.step))
        except Failed as failed:
            return cmd.AttemptFailed(self.ref, failed.conclusion, failed.reason)
        if not self._scope.cancelled_caught:
            return cmd.AcquireDone(self.ref)
        if self._forced:
            return await self._after_force(bench, StepConclusion.CANCELLED)
        return cmd.AttemptFailed(self.ref, StepConclusion.CANCELLED, "")

    async def _apply(self, bench: Bench) -> cmd.Command:
        bench.enter("apply")
        result = None
        try:
            with self._scope:
                result = await self._guard(bench, "apply", lambda: bench.adapter.apply(bench.step))
        except Failed as failed:
            return cmd.AttemptFailed(self.ref, failed.conclusion, failed.reason)
        if self._scope.cancelled_caught:
            return await self._after_force(bench, StepConclusion.FAILURE)
        if not isinstance(result, Result):
            found = type(result).__name__
            reason = f"plugin error: apply of {bench.adapter.name} returned {found}, not a Result"
            return cmd.AttemptFailed(self.ref, StepConclusion.FAILURE, reason)
        return bench.applied(self.ref, result, self._workbench.paths.sensitive_outputs(self.ref))

    async def _clean_up(self, bench: Bench) -> cmd.Command:
        bench.enter("cleanup")
        reason = "its cleanup was ended by force, so nobody verified what is left"
        try:
            with self._scope:
                verdict = await self._guard(
                    bench, "cleanup", lambda: bench.adapter.cleanup(bench.step)
                )
                return cmd.CleanupDone(self.ref, finding_of(self.ref, verdict))
        except Failed as failed:
            reason = f"its cleanup failed, so nobody verified what is left: {failed.reason}"
        await self._after_force(bench, StepConclusion.FAILURE)
        return cmd.CleanupDone(self.ref, Finding(self.ref, reason))

    async def _after_force(self, bench: Bench, conclusion: StepConclusion) -> cmd.Command:
        """Nothing of the attempt may go on working unseen: kill it, or say that it lives."""
        try:
            await bench.step.kill()
        except TreeNotDead as error:
            bench.log(str(error))
            return cmd.AttemptAbandoned(self.ref, Finding(self.ref, str(error)))
        return cmd.AttemptFailed(self.ref, conclusion, "ended by force")

    async def _guard(self, bench: Bench, phase: str, call: Callable[[], Awaitable[T]]) -> T:
        """Whatever an adapter raises fails its own step, with the traceback in the step's log."""
        try:
            return await call()
        except StopRequested:
            raise Failed(StepConclusion.CANCELLED, "stopped before it began") from None
        except (ProcessLost, CallLost) as lost:
            raise Failed(StepConclusion.LOST, str(lost)) from lost
        except AdapterError as error:
            raise Failed(StepConclusion.FAILURE, str(error)) from error
        except trio.Cancelled:
            raise
        except (Exception, SystemExit, GeneratorExit) as error:
            bench.log(traceback.format_exc())
            name = bench.adapter.name
            text = f"plugin error: {phase} of {name} raised {type(error).__name__}: {error}"
            raise Failed(StepConclusion.FAILURE, text) from error

    # --- what people ask for ---------------------------------------------------------------

    async def stop_acquire(self) -> None:
        """Cancel the adapter's acquire, if the attempt is still in it."""
        step = self._step()
        if step is not None and isinstance(step.phase, Acquiring):
            self._scope.cancel()

    async def ask_to_stop(self) -> None:
        """Call the adapter's cancel."""
        await self._prepared.wait()
        bench = self._bench
        if bench is None:
            return
        try:
            await self._guard(bench, "cancel", lambda: bench.adapter.cancel(bench.cancel_step))
        except Failed as failed:
            bench.log(f"the tool could not be asked to stop: {failed.reason}")
            log.warning("cancel failed", reason=failed.reason)

    async def force(self) -> None:
        """Cancel the scope of the phase that was forced, and abandon an adapter that stays."""
        step, over = self._step(), self._phase_over
        if step is None or not step.forced:
            return
        self._forced = True
        self._scope.cancel()
        await self._kill()
        with trio.move_on_after(PATIENCE_AFTER_FORCE):
            await over.wait()
            return
        await self.abandon(f"the adapter did not end within {PATIENCE_AFTER_FORCE:g} s after force")

    async def _kill(self) -> None:
        """Kill what runs; an adapter that waits for it, shielded, then ends too."""
        if self._bench is None:
            return
        try:
            await self._bench.step.kill()
        except TreeNotDead as error:
            self._bench.log(str(error))  # said again, as a finding, when the adapter has ended

    async def abandon(self, why: str) -> None:
        """Give the attempt up: nobody knows what is left of it, so its environment is closed."""
        await self._report(cmd.AttemptAbandoned(self.ref, Finding(self.ref, why)))


async def _check(bench: Bench) -> None:
    """Let the adapter look before anything is touched. Raises AdapterError."""
    problems = await bench.adapter.check(bench.step)
    for problem in problems:
        if problem.severity is Severity.WARNING:
            bench.step.warn(in_words(problem))
    errors = [in_words(one) for one in problems if one.severity is Severity.ERROR]
    if errors:
        raise AdapterError("; ".join(errors))


def finding_of(ref: StepRef, verdict: Cleanliness) -> Finding | None:
    """What a cleanup found, None where it is clean."""
    return None if verdict.clean else Finding(ref, verdict.found, verdict.commands)
