"""Carries out what the state asks for: starts each wanted effect once."""

import structlog
import trio

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.instant import Instant
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.rejections import StaleObservation
from orchestrator.core.rules.unknown import unknown_runs
from orchestrator.core.rules.wanted import (
    AskToStop,
    Effect,
    EndByForce,
    RunAttempt,
    SetUnknownAside,
    StopAcquire,
    StopLook,
    TellAnswer,
    VerifyAgain,
    wanted,
)
from orchestrator.core.world.world import World
from orchestrator.engine import debug_log
from orchestrator.engine.attempt.attempt import Attempt
from orchestrator.engine.attempt.attempt_journal import step_of
from orchestrator.engine.attempt.look import Look
from orchestrator.engine.attempt.workbench import Workbench
from orchestrator.engine.unknown_runs import UnknownRuns
from orchestrator.engine.writer import Writer, WriterClosed
from orchestrator.store.protocol import Store

log = structlog.get_logger(__name__)


class Effects:
    """The effects at work, by environment. `look` starts those that are missing."""

    def __init__(
        self,
        world: World,
        writer: Writer,
        store: Store,
        workbench: Workbench,
        unknown: UnknownRuns,
    ) -> None:
        self._world = world
        self._writer = writer
        self._store = store
        self._workbench = workbench
        self._unknown = unknown
        self._setting_aside: set[SetUnknownAside] = set()
        self._attempts: dict[StepRef, Attempt] = {}
        self._started: dict[str, frozenset[Effect]] = {}
        self._looks: dict[StepRef, Look] = {}
        self._nursery: trio.Nursery | None = None

    def open(self, nursery: trio.Nursery) -> None:
        """Start effects in this nursery from now on, with those that recovery asks for."""
        self._nursery = nursery
        # An environment may have jobs at work and no entry in `environments`: without `running` and
        # `preparing` they would not be adopted after a restart.
        at_work = {*self._world.running, *self._world.preparing}
        self.look(at_work | set(self._world.environments))
        # The tool of a run that the journal does not know may be writing yet: what it writes after
        # its log was masked would be in a file that is gone.
        unknown = {run.job for _, run in unknown_runs(self._world)}
        for ref in self._workbench.secrets.unfinished():
            if ref.job in unknown:
                continue
            if ref not in self._attempts and ref not in self._looks:
                nursery.start_soon(self._forget_secrets, ref, name=f"mask {ref}")

    def look(self, environments: set[str]) -> None:
        """Start what these environments ask for and what has not been started."""
        if self._nursery is None:
            return
        for environment in sorted(environments):
            asked = list(wanted(self._world, environment))
            started = self._started.get(environment, frozenset())
            debug_log.effects(environment, asked, started)
            for effect in asked:
                if effect not in started:
                    self._start(effect, self._nursery)
            self._started[environment] = frozenset(asked)

    def _start(self, effect: Effect, nursery: trio.Nursery) -> None:
        match effect:
            case RunAttempt(ref=ref):
                attempt = self._attempts[ref] = Attempt(ref, self._writer, self._workbench)
                nursery.start_soon(self._lead, attempt, name=f"attempt {ref}")
            case StopAcquire(ref=ref) if ref in self._attempts:
                nursery.start_soon(self._attempts[ref].stop_acquire, name=f"stop {ref}")
            case AskToStop(ref=ref) if ref in self._attempts:
                nursery.start_soon(self._attempts[ref].ask_to_stop, name=f"stop {ref}")
            case EndByForce(ref=ref) if ref in self._attempts:
                nursery.start_soon(self._attempts[ref].force, name=f"force {ref}")
            case TellAnswer(ref=ref) if ref in self._attempts:
                self._attempts[ref].tell_answer()
            case SetUnknownAside() if effect not in self._setting_aside:
                self._setting_aside.add(effect)  # each environment where it may be asks for it
                nursery.start_soon(self._set_aside, effect, name=f"set aside {effect.job}")
            case VerifyAgain(finding=finding):
                began = self._look_began(effect.environment)
                look = Look(effect, self._store, self._workbench, began)
                self._looks[finding.ref] = look
                nursery.start_soon(self._verify, effect, look, nursery, name=f"recheck {look.ref}")
            case StopLook(ref=ref, force=force) if ref in self._looks:
                look = self._looks[ref]
                nursery.start_soon(look.force if force else look.stop, name=f"stop look {ref}")

    async def _lead(self, attempt: Attempt) -> None:
        """An error of ours in one attempt must not end the daemon, nor leave its job hanging."""
        try:
            await attempt.lead()
        except Exception as error:
            log.exception("attempt broke down", job=attempt.ref.job, step=attempt.ref.step)
            await attempt.break_off(f"an error of the daemon, see its log: {error}")
        finally:
            del self._attempts[attempt.ref]
            self._workbench.put_away(attempt.ref)
        await self._forget_secrets(attempt.ref, is_masked=attempt.is_masked)

    async def _forget_secrets(self, ref: StepRef, *, is_masked: bool = False) -> None:
        """Once an attempt is over and what it wrote holds no secret, its secrets are removed.

        Raises nothing: the secrets that stay are tried again at the next start.
        """
        try:
            await self._mask_and_forget(ref, is_masked)
        except Exception:
            log.exception("secrets could not be removed", job=ref.job, step=ref.step)

    async def _mask_and_forget(self, ref: StepRef, is_masked: bool) -> None:
        step = step_of(self._world, ref)
        if step is not None and step.active:
            return
        if not is_masked:
            job = self._world.committed_job(ref.job) or await self._store.job(ref.job)
            hidden = self._workbench.hidden(job, ref)
            is_masked = await self._workbench.mask(ref, hidden)
        if is_masked:
            self._workbench.secrets.forget(ref)

    async def _set_aside(self, effect: SetUnknownAside) -> None:
        try:
            if effect.wait:
                await self._unknown.until_dead(effect.job)
            await self._unknown.set_aside(effect.job)
            await self._writer.execute(cmd.NoteSetAside(job=effect.job))
        except StaleObservation as stale:
            log.info("observation dropped", reason=str(stale))
        except WriterClosed:
            await trio.sleep_forever()  # the engine ends, and the next one finds nothing to move
        finally:
            self._setting_aside.discard(effect)

    def _look_began(self, environment: str) -> Instant | None:
        quarantine = self._world.environments[environment].quarantine
        look = None if quarantine is None else quarantine.look
        return None if look is None else look.started

    async def _verify(self, effect: VerifyAgain, look: Look, nursery: trio.Nursery) -> None:
        """Only the report may raise here: the look is journalled as started, so what ends the
        daemon now would end the next one too, and so on."""
        finding = await look.lead(nursery)
        await self._forget_secrets(look.ref)
        del self._looks[look.ref]
        try:
            await self._writer.execute(
                cmd.RecheckDone(environment=effect.environment, ref=look.ref, finding=finding)
            )
        except StaleObservation as stale:
            log.info("observation dropped", reason=str(stale))
        except WriterClosed:
            await trio.sleep_forever()  # the engine ends, and the next one looks again
