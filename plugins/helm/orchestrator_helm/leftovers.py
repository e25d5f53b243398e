"""What a helm step may leave behind, and finding it by looking."""

from orchestrator.plugin import CLEAN, AdapterError, Cleanliness
from orchestrator_helm import healing, intent, ownership, strays
from orchestrator_helm.cluster import NotVisible
from orchestrator_helm.healing import HealingFailed
from orchestrator_helm.intent import Intent
from orchestrator_helm.release import History
from orchestrator_helm.settings import Action
from orchestrator_helm.tool import Helm


async def find(helm: Helm) -> Cleanliness:
    """End what this attempt left pending or running; say what is left that people must do."""
    meant = intent.read(helm)
    try:
        history = await _settle(helm, await helm.settled_history())
        if meant is not None and helm.settings.action is Action.UPGRADE:
            history = await _put_right(helm, meant, history)
        found = CLEAN
        if meant is not None and history.pending is None:
            found = await strays.remove(helm, meant, history)
    except HealingFailed as failed:
        return Cleanliness(str(failed), failed.commands)
    except AdapterError as error:
        look = helm.commands.to_type(helm.commands.history())
        name = helm.settings.release
        return Cleanliness(f"the release {name} could not be looked at: {error}", (look,))
    helm.step.log(f"release {helm.settings.release}: {history}")
    return found


async def _settle(helm: Helm, history: History) -> History:
    """Heal what this attempt left pending; leave alone what is not provably its own."""
    pending = history.pending
    if pending is None:
        return history
    who = await ownership.owner(helm, pending, ended=True)
    if who is None or not who.dead:
        helm.step.log(f"{healing.described(helm, pending, who)} goes on: it is not of this step")
        return history
    why = f"release {helm.settings.release}: {pending}, left by step {who.step} of job {who.job}"
    healed = await healing.heal(helm, history, why)
    await strays.remove_orphans(helm, history, healed)
    return healed


async def _put_right(helm: Helm, meant: Intent, history: History) -> History:
    try:
        return await strays.put_right(helm, meant, history)
    except NotVisible as reason:
        helm.step.warn(f"whether what runs is what is deployed could not be looked at: {reason}")
        return history
