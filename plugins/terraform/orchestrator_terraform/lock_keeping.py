"""Looking at the state lock, waiting for it, and releasing what our dead processes left."""

import anyio

from orchestrator.plugin import AdapterError, Step
from orchestrator_terraform import commands, lock
from orchestrator_terraform.commands import Layout
from orchestrator_terraform.events import plain
from orchestrator_terraform.lock import Free, Held, Look, Owner, Unseen
from orchestrator_terraform.settings import TerraformSettings, seconds

LOOK_TIMEOUT = 30.0
PAUSE = 2.0
"""Seconds between two looks at a lock that is held."""
TRIES = 4


class UnlockRefused(AdapterError):
    """The backend refused to release a lock that a dead process of ours left."""


async def look(step: Step[TerraformSettings], at: Layout) -> Look:
    """See who holds the lock. Never interrupted: it holds the lock itself for a moment."""
    argv = commands.look_at_lock(at)
    with anyio.CancelScope(shield=True):
        try:
            done = await step.probe(argv, env=at.environment(), timeout=LOOK_TIMEOUT)
        except AdapterError as error:
            return Unseen(str(error))
    return lock.read_look(done)


async def settled_look(step: Step[TerraformSettings], at: Layout) -> Look:
    """A look that outlasts other looks and a backend that hiccups."""
    for _ in range(TRIES - 1):
        seen = await look(step, at)
        if isinstance(seen, Free) or (isinstance(seen, Held) and not seen.momentary):
            return seen
        await anyio.sleep(PAUSE)
    return await look(step, at)


async def held_id(step: Step[TerraformSettings], at: Layout) -> str | None:
    """The ID of the lock that is held now, if it can be seen."""
    seen = await look(step, at)
    return seen.id if isinstance(seen, Held) else None


async def claim(step: Step[TerraformSettings], lock_id: str) -> None:
    """Write down that this attempt holds the lock with this ID."""
    name = lock.resource(lock_id)
    if not await step.claims(name):
        await step.claim(name)


async def owner(
    step: Step[TerraformSettings], holder: Held, *, ended: bool = False
) -> Owner | None:
    """Who of us holds it; `ended`: this attempt's own processes have."""
    if holder.id is None:
        return None
    asking = (step.job.id, step.name, step.attempt) if ended else None
    return lock.owner(await step.claims(lock.resource(holder.id)), ended=asking)


async def release(step: Step[TerraformSettings], at: Layout, holder: Held, left_by: Owner) -> None:
    """Release a lock whose owner of ours is proven dead. Raises UnlockRefused."""
    assert holder.id is not None
    assert left_by.dead
    step.warn(
        f"state lock {holder.id} was left by step {left_by.step} of job {left_by.job}, "
        "whose terraform is dead: releasing it"
    )
    unlock = commands.force_unlock(holder.id)
    done = await step.probe(at.command(*unlock), env=at.environment(), timeout=LOOK_TIMEOUT)
    if done.code != 0:
        why = lock.one_line(plain(done.stderr + done.stdout))
        raise UnlockRefused(f"the backend refused to release state lock {holder.id}: {why}")


async def wait_until_free(step: Step[TerraformSettings], at: Layout) -> None:
    """Return when the lock is free, releasing it where our own dead left it.

    Raises AdapterError when somebody else still holds it after `lock_timeout`.
    """
    deadline = anyio.current_time() + seconds(step.config.lock_timeout)
    said = ""
    while not isinstance(seen := await settled_look(step, at), Free):
        if isinstance(seen, Unseen):
            raise AdapterError(f"the state lock of {at.dir} can't be looked at: {seen.why}")
        who = await owner(step, seen)
        if who is not None and who.dead:
            await release(step, at, seen, who)
            continue
        if anyio.current_time() >= deadline:
            raise AdapterError(_still_held(step, at, seen, who))
        if (text := _described(seen, who)) != said:
            await step.waiting_for(said := text)
        await anyio.sleep(PAUSE)
    if said:
        await step.waiting_for(None)


def _described(holder: Held, who: Owner | None) -> str:
    return f"{holder}" + (f", step {who.step} of job {who.job}" if who is not None else "")


def _still_held(step: Step[TerraformSettings], at: Layout, holder: Held, who: Owner | None) -> str:
    advice = "wait for it or ask its holder"
    if who is None and holder.id is not None:
        command = at.to_type(*commands.force_unlock(holder.id))
        advice = f"if its holder is dead, release it with: {command}"
    return f"{_described(holder, who)} is still held after {step.config.lock_timeout}: {advice}"
