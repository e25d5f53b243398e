"""What a terraform step may leave behind, and finding it by looking."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import msgspec

from orchestrator.plugin import CLEAN, AdapterError, Cleanliness, Step
from orchestrator_terraform import commands, lock_keeping, workspace
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.endings import Ending, endings
from orchestrator_terraform.lock import Free, Held, Unseen
from orchestrator_terraform.settings import TerraformSettings
from orchestrator_terraform.state import State, unrecorded

UNSAVED_STATE = "errored.tfstate"


async def find(step: Step[TerraformSettings], at: Layout) -> Cleanliness:
    """Release a lock of this attempt, rescue its state; say what is left that people must do."""
    ended = await anyio.to_thread.run_sync(endings, step, at)
    findings = [
        await _lock_left(step, at, ended),
        await _unsaved_state(step, at, ended),
        await _unrecorded_resources(step, at, ended),
    ]
    return Cleanliness(
        "; ".join(finding.found for finding in findings if not finding.clean),
        tuple(command for finding in findings for command in finding.commands),
    )


async def _lock_left(
    step: Step[TerraformSettings], at: Layout, ended: Sequence[Ending]
) -> Cleanliness:
    """Release the lock if this attempt left it; dirty where that fails or can't be told."""
    seen = await lock_keeping.settled_look(step, at)
    match seen:
        case Free():
            return CLEAN
        case Unseen(why=why):
            look = at.to_type(*commands.look_at_lock(at)[2:])
            return Cleanliness(f"the state lock of {at.dir} could not be looked at: {why}", (look,))
        case Held():
            return await _judge(step, at, seen, ended)


async def _judge(
    step: Step[TerraformSettings], at: Layout, holder: Held, ended: Sequence[Ending]
) -> Cleanliness:
    unlock = (at.to_type(*commands.force_unlock(holder.id)),) if holder.id else ()
    who = await lock_keeping.owner(step, holder, ended=all(ending.known for ending in ended))
    if who is not None and who.dead:
        try:
            await lock_keeping.release(step, at, holder, who)
        except lock_keeping.UnlockRefused as refusal:
            return Cleanliness(str(refusal), unlock)
        return await _lock_left(step, at, ended)
    if who is not None or all(ending.released for ending in ended):
        step.log(f"{holder} is held, by another run than this one")
        return CLEAN
    return Cleanliness(
        f"{holder} is held, and terraform of this step did not end in order: it can't be told "
        "whether the lock is its own. If nobody else works on this state, release it",
        unlock,
    )


async def _unsaved_state(
    step: Step[TerraformSettings], at: Layout, ended: Sequence[Ending]
) -> Cleanliness:
    """Whether a state that the backend did not take still waits to be pushed.

    terraform leaves it as `errored.tfstate` in `dir`, where the next run would overwrite it: it
    is moved to the attempt's own directory.
    """
    rescued = step.scratch / UNSAVED_STATE
    if not await anyio.to_thread.run_sync(_rescue, at, rescued, ended):
        return CLEAN
    unsaved = msgspec.json.decode(rescued.read_bytes(), type=State)
    current = await _current_state(step, at)
    if current is not None and current.includes(unsaved):
        return CLEAN
    return Cleanliness(
        f"terraform could not save its state; it is in {rescued} and must be pushed before "
        "anything else runs here",
        (at.to_type("state", "push", str(rescued)),),
    )


def _rescue(at: Layout, rescued: Path, ended: Sequence[Ending]) -> bool:
    left = at.dir / UNSAVED_STATE
    unsaved = any(not ending.saved for ending in ended)
    if unsaved and not rescued.exists() and left.exists():
        shutil.move(left, rescued)
    return rescued.exists()


async def _unrecorded_resources(
    step: Step[TerraformSettings], at: Layout, ended: Sequence[Ending]
) -> Cleanliness:
    """Whether a terraform that was killed had begun to create what the state does not know.

    What it changed or removed needs nothing: the next plan sees it by refreshing.
    """
    created: dict[str, str | None] = {}
    for ending in ended:
        if not ending.in_order:
            created |= ending.created
    if not created:
        return CLEAN
    missing = unrecorded(await _current_state(step, at), created)
    if not missing:
        return CLEAN
    names = ", ".join(
        f"{address} (id {made})" if made else f"{address} (its creation had begun)"
        for address, made in missing.items()
    )
    return Cleanliness(
        f"terraform was killed before it had saved its state, which does not know {names}: import "
        "or delete what exists of it",
        tuple(
            at.to_type(*commands.import_resource(at, step.config, address, made or "ID"))
            for address, made in missing.items()
        ),
    )


async def _current_state(step: Step[TerraformSettings], at: Layout) -> State | None:
    """What the backend has; None where it has nothing or does not answer."""
    try:
        pulled = await workspace.short(step, at, commands.pull_state(at))
        return msgspec.json.decode(pulled.stdout, type=State)
    except (AdapterError, msgspec.MsgspecError):
        return None
