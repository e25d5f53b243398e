"""What a terraform step may leave behind, and finding it by looking."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from orchestrator.plugin import CLEAN, AdapterError, Cleanliness, Exit, Step
from orchestrator_terraform import commands, lock_keeping, workspace
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.events import Tally, tally
from orchestrator_terraform.lock import Free, Held, Unseen
from orchestrator_terraform.settings import TerraformSettings

PLAN_KEY = "plan"
APPLY_KEY = "apply"
NOT_RELEASED = "Error releasing the state lock"
NOT_SAVED = "Failed to persist state to backend"
UNSAVED_STATE = "errored.tfstate"


class StateVersion(msgspec.Struct, frozen=True):
    """Which state it is (`lineage`), how new (`serial`), and what is in it."""

    serial: int
    lineage: str
    resources: list[Any] = []

    def includes(self, other: "StateVersion") -> bool:
        """Whether this state is the other one, or came after it.

        Measured with terraform 1.11.4: a push over an empty state gets a new lineage.
        """
        newer = self.lineage == other.lineage and self.serial >= other.serial
        return newer or self.resources == other.resources


async def lock_left(step: Step[TerraformSettings], at: Layout) -> Cleanliness:
    """Release the lock if this attempt left it; dirty where that fails or can't be told."""
    seen = await lock_keeping.settled_look(step, at)
    match seen:
        case Free():
            return CLEAN
        case Unseen(why=why):
            look = at.to_type(*commands.look_at_lock(at)[2:])
            return Cleanliness(f"the state lock of {at.dir} could not be looked at: {why}", (look,))
        case Held():
            return await _judge(step, at, seen)


async def _judge(step: Step[TerraformSettings], at: Layout, holder: Held) -> Cleanliness:
    unlock = (at.to_type(*commands.force_unlock(holder.id)),) if holder.id else ()
    ends = await anyio.to_thread.run_sync(lambda: tuple(_ends(step, at)))
    all_ended = all(ended is not None for ended, _ in ends)
    who = await lock_keeping.owner(step, holder, ended=all_ended)
    if who is not None and who.dead:
        try:
            await lock_keeping.release(step, at, holder, who)
        except lock_keeping.UnlockRefused as refusal:
            return Cleanliness(str(refusal), unlock)
        return await lock_left(step, at)
    if who is not None or all(_let_go(ended, counted) for ended, counted in ends):
        step.log(f"{holder} is held, by another run than this one")
        return CLEAN
    return Cleanliness(
        f"{holder} is held, and terraform of this step did not end in order: it can't be told "
        "whether the lock is its own. If nobody else works on this state, release it",
        unlock,
    )


def _let_go(ended: Exit | None, counted: Tally) -> bool:
    """Whether a process of ours ended by itself and, as it says, released its lock."""
    return ended is not None and ended.signal is None and counted.error(NOT_RELEASED) is None


def _ends(step: Step[TerraformSettings], at: Layout) -> Iterator[tuple[Exit | None, Tally]]:
    for key in (PLAN_KEY, APPLY_KEY):
        if not at.started(key).exists():
            continue
        ended: Exit | None = step.recall("apply", key)
        output = Path(ended.stdout) if ended is not None and ended.stdout else None
        lines = output.read_bytes().splitlines() if output and output.exists() else []
        yield ended, tally(lines)


async def unsaved_state(step: Step[TerraformSettings], at: Layout) -> Cleanliness:
    """Whether a state that the backend did not take still waits to be pushed.

    terraform leaves it as `errored.tfstate` in `dir`, where the next run would overwrite it: it
    is moved to the attempt's own directory.
    """
    rescued = step.scratch / UNSAVED_STATE
    if not await anyio.to_thread.run_sync(_rescue, step, at, rescued):
        return CLEAN
    unsaved = msgspec.json.decode(rescued.read_bytes(), type=StateVersion)
    current = await _current_state(step, at)
    if current is not None and current.includes(unsaved):
        return CLEAN
    return Cleanliness(
        f"terraform could not save its state; it is in {rescued} and must be pushed before "
        "anything else runs here",
        (at.to_type("state", "push", str(rescued)),),
    )


async def _current_state(step: Step[TerraformSettings], at: Layout) -> StateVersion | None:
    """What the backend has; None where it has nothing or does not answer."""
    try:
        pulled = await workspace.short(step, at, commands.pull_state(at))
        return msgspec.json.decode(pulled.stdout, type=StateVersion)
    except (AdapterError, msgspec.MsgspecError):
        return None


def _rescue(step: Step[TerraformSettings], at: Layout, rescued: Path) -> bool:
    left = at.dir / UNSAVED_STATE
    ours = left.exists() and any(counted.error(NOT_SAVED) for _, counted in _ends(step, at))
    if ours and not rescued.exists():
        shutil.move(left, rescued)
    return rescued.exists()
