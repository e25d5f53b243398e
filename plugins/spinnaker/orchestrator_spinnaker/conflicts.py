"""Executions that ours must not run beside, whoever started them."""

from collections.abc import Sequence

from orchestrator.plugin import AdapterError, NotDone, Step
from orchestrator_spinnaker.access import open_gate
from orchestrator_spinnaker.clock import utc
from orchestrator_spinnaker.executions import Execution, Status
from orchestrator_spinnaker.gate import Gate
from orchestrator_spinnaker.links import execution_url
from orchestrator_spinnaker.notes import Notes
from orchestrator_spinnaker.pace import Pace
from orchestrator_spinnaker.patience import clock_time, patiently
from orchestrator_spinnaker.settings import SpinnakerSettings, seconds
from orchestrator_spinnaker.times import duration
from orchestrator_spinnaker.verification import Verified, verify

WARNINGS = "warnings"
"""The key under which they were told."""
ANONYMOUS = ("anonymous", "[anonymous]")
"""How Spinnaker calls somebody of whom it knows nothing."""


async def acquire(step: Step[SpinnakerSettings]) -> None:
    """Return when the settings fit what Gate knows, and nothing is live that ours must wait for.

    Raises AdapterError for settings that do not fit, GateError where Gate does not let us in.
    """
    async with open_gate(step) as gate:
        verified = await patiently(step, lambda: verify(gate, step.config))
        if verified.errors:
            told = (f"with.{error.setting}: {error.text}" for error in verified.errors)
            raise AdapterError("; ".join(told))
        await _warn(step, verified)
        await _until_alone(gate, step, verified.ids)


async def live_others(
    gate: Gate, step: Step[SpinnakerSettings], config_ids: Sequence[str], own_id: str | None = None
) -> tuple[Execution, ...]:
    """Live executions of these pipelines but our own, the oldest first; patiently."""
    found = await patiently(step, lambda: gate.live(config_ids))
    others = {execution.id: execution for execution in found if execution.id != own_id}
    return tuple(sorted(others.values(), key=lambda one: (began(one) or 0, one.id)))


def described(execution: Execution) -> str:
    """Which it is, whose, since when, and how far."""
    text = f"execution {execution.id} of {execution.application}/{execution.name}"
    if by := _started_by(execution):
        text += f", started by {by}"
    if execution.trigger.is_a_jobs:
        text += " for another job"
    if (at := began(execution)) is not None:
        text += f" at {clock_time(at / 1000, utc())}"
    return f"{text} ({_state(execution)})"


def began(execution: Execution) -> int | None:
    """When it was started, or queued, in UTC milliseconds."""
    return execution.start_time or execution.build_time


async def _until_alone(
    gate: Gate, step: Step[SpinnakerSettings], config_ids: Sequence[str]
) -> None:
    pace = Pace(seconds(step.config.poll))
    began_waiting = utc()
    before = ""
    while others := await live_others(gate, step, config_ids):
        for other in others:
            _tell_once(step, other)
        more = f", and {len(others) - 1} more" if len(others) > 1 else ""
        text = described(others[0]) + more
        await step.waiting_for(text)
        await pace.pause(changed=text != before)
        before = text
    if before:
        step.log(f"nothing is in the way any more, after {duration(utc() - began_waiting)}")
        await step.waiting_for(None)


def _tell_once(step: Step[SpinnakerSettings], other: Execution) -> None:
    """In the log of the attempt, whatever becomes of the daemon."""
    notes = Notes(step.scratch)
    key = f"in the way: {other.id}"
    if key not in notes.told():
        notes.tell(key)
        url = execution_url(step.config, other.application, other.id)
        step.log(f"waiting for {described(other)}: {url}")


async def _warn(step: Step[SpinnakerSettings], verified: Verified) -> None:
    """Once for each attempt, whatever becomes of the daemon."""

    async def tell() -> int:
        for warning in verified.warnings:
            step.warn(f"with.{warning.setting}: {warning.text}")
        return len(verified.warnings)

    async def not_done() -> NotDone:
        return NotDone()

    if verified.warnings:
        await step.once(WARNINGS, tell, recover=not_done)


def _started_by(execution: Execution) -> str:
    """A person, or what kind of trigger it was."""
    kind = execution.trigger.type
    user: str = execution.trigger.user or ""
    if user in ANONYMOUS:
        user = ""
    if kind in ("", "manual"):
        return user
    return f"its {kind} trigger ({user})" if user else f"its {kind} trigger"


def _state(execution: Execution) -> str:
    if execution.canceled:
        return f"{execution.status.value}, cancelled"
    if execution.status is not Status.RUNNING:
        return str(execution.status.value)
    running = [stage for stage in execution.stages if stage.status is Status.RUNNING]
    outer = [stage for stage in running if stage.parent_stage_id is None]
    return f'RUNNING at "{(outer or running)[0].name}"' if running else "RUNNING"
