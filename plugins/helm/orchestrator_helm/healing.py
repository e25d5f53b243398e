"""Ending what a dead helm left pending: by helm alone, and looking whether it is ended."""

from datetime import UTC

import anyio
import msgspec

from orchestrator.plugin import AdapterError
from orchestrator_helm import ownership
from orchestrator_helm.clock import now
from orchestrator_helm.ownership import Owner
from orchestrator_helm.release import FAILED, UNINSTALLING, History, Revision, read_status
from orchestrator_helm.settings import Action, seconds, stale_after
from orchestrator_helm.tool import Helm

PAUSE = 2.0
"""Seconds between two looks at an operation of somebody else."""
MOST_ROUNDS = 4
"""A rollback may fail once and yet clear the pending state: 3.17.3 and 4.1.4 do, where the killed
upgrade had dropped a resource that it had not deleted yet."""


class HealingFailed(AdapterError):
    """The release is still pending; `commands` are what a person can type."""

    def __init__(self, text: str, commands: tuple[str, ...]) -> None:
        super().__init__(text)
        self.commands = commands


class Cure(msgspec.Struct, frozen=True):
    """One command that ends a pending state. `says` what it comes to."""

    argv: tuple[str, ...]
    says: str
    makes: int
    """The number of the revision that it is recorded in."""


async def cure(helm: Helm, history: History) -> Cure:
    """What ends the pending state of the latest revision. Raises AdapterError."""
    latest = history.latest
    assert latest is not None
    if latest.status == UNINSTALLING:
        return await _cure_uninstalling(helm, latest)
    target = history.to_return_to
    if target is None:
        argv = helm.commands.heal_by_uninstall()
        says = "uninstalling it, for nothing was installed before"
        return Cure(tuple(argv), says, latest.revision)
    argv = helm.commands.heal_by_rollback(target.revision)
    says = f"rolling back to revision {target.revision}"
    if target.status == FAILED:
        says += ", which had failed: none was ever deployed, and helm will call this one so"
    return Cure(tuple(argv), says, latest.revision + 1)


async def _cure_uninstalling(helm: Helm, latest: Revision) -> Cure:
    """To the end, unless a hook that had to succeed first did not: then nothing was deleted yet."""
    status = read_status(await helm.ask(helm.commands.status()))
    if status.may_have_deleted:
        argv = helm.commands.heal_by_uninstall()
        return Cure(tuple(argv), "uninstalling to the end", latest.revision)
    argv = helm.commands.heal_by_rollback(latest.revision)
    says = "rolling back to it, for a hook before its deletion has not succeeded"
    return Cure(tuple(argv), says, latest.revision + 1)


async def run_cure(helm: Helm, what: Cure, key: str, why: str) -> History:
    """Run it, not to be interrupted; what the release is then."""
    helm.step.warn(f"{why}: {what.says}")
    helm.at.touched.touch(mode=0o600)
    await ownership.claim(helm.step, what.makes)
    ended = await helm.step.run(key, what.argv, env=helm.env, stop_signal=None)
    after = await helm.settled_history()
    if not ended.ok:
        helm.step.log(f"helm ended with {ended.code or ended.signal}, and {after}")
    return after


async def heal(helm: Helm, history: History, why: str) -> History:
    """End the pending state. Raises HealingFailed."""
    for _ in range(MOST_ROUNDS):
        if history.pending is None:
            return history
        what, before = await cure(helm, history), history
        history = await run_cure(helm, what, f"heal-{history.number}-{what.makes}", why)
        if history == before:
            break
    if history.pending is None:
        return history
    raise HealingFailed(
        f"release {helm.settings.release}: {history}, and could not be healed",
        (helm.commands.to_type(list((await cure(helm, history)).argv)),),
    )


async def wait_until_settled(helm: Helm) -> History:
    """Return when no operation is pending, healing what may be healed.

    Raises AdapterError when somebody else's is still pending after `lock_timeout`.
    """
    step = helm.step
    deadline = anyio.current_time() + seconds(helm.settings.lock_timeout)
    said = ""
    while (pending := (history := await helm.settled_history()).pending) is not None:
        who = await ownership.owner(helm, pending)
        if (why := may_heal(helm, pending, who)) is not None:
            history = await heal(helm, history, why)
            break
        if anyio.current_time() >= deadline:
            raise AdapterError(await _still_pending(helm, history, pending, who))
        if (text := described(helm, pending, who)) != said:
            await step.waiting_for(said := text)
        await anyio.sleep(PAUSE)
    if said:
        await step.waiting_for(None)
    return history


def may_heal(helm: Helm, pending: Revision, who: Owner | None) -> str | None:
    """Why a pending revision may be healed, None where it may not."""
    heal = helm.settings.heal
    text = f"release {helm.settings.release}: {pending}"
    if heal == "never":
        return None
    if who is not None:
        left_by = f"left by step {who.step} of job {who.job}, whose helm is dead"
        return f"{text}, {left_by}" if who.dead else None
    oldest = stale_after(heal)
    age = (now() - pending.updated).total_seconds()
    if oldest is not None and age >= oldest:
        return f"{text} since {_time(pending)}, which `heal` calls stale"
    return None


def described(helm: Helm, pending: Revision, who: Owner | None) -> str:
    """What is waited for, and whose it is."""
    text = f"{pending.status} of release {helm.settings.release} (revision {pending.revision})"
    owner = f"step {who.step} of job {who.job}" if who is not None else "somebody else"
    return f"{text} by {owner} since {_time(pending)}"


def _time(pending: Revision) -> str:
    return f"{pending.updated.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


async def _still_pending(helm: Helm, history: History, pending: Revision, who: Owner | None) -> str:
    command = helm.commands.to_type(list((await cure(helm, history)).argv))
    text = f"{described(helm, pending, who)} is still pending after {helm.settings.lock_timeout}"
    return f"{text}: wait for it; if its helm is dead, heal it with: {command}"


async def return_to_deployed(helm: Helm, history: History) -> History:
    """A revision that failed over a deployed one is rolled back.

    Else what only one of the two has would stay in the cluster, known to no revision. Raises
    AdapterError where a roll back that was killed half way can't be healed.
    """
    for _ in range(MOST_ROUNDS):
        latest, deployed = history.latest, history.deployed
        if latest is None or deployed is None or latest.status != FAILED:
            return history
        argv = helm.commands.heal_by_rollback(deployed.revision)
        why = f"release {helm.settings.release}: {latest}"
        says = f"rolling back to revision {deployed.revision} first, so that nothing of it stays"
        what = Cure(tuple(argv), says, latest.revision + 1)
        history = await run_cure(helm, what, f"return-{latest.revision}", why)
        if history.pending is not None:
            history = await wait_until_settled(helm)
    return history


def wants_return(helm: Helm, history: History) -> bool:
    """Whether this step begins by rolling back what failed over a deployed revision."""
    it = helm.settings
    match it.action:
        case _ if it.heal == "never":
            return False
        case Action.ROLLBACK:  # to what is deployed: this is what it does itself
            return history.deployed is not None and it.revision not in (
                None,
                history.deployed.revision,
            )
        case _:
            return it.action in (Action.UPGRADE, Action.UNINSTALL)
