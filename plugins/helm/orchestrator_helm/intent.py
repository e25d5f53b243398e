"""What an attempt set out to do, written down before helm runs."""

import msgspec

from orchestrator.plugin import AdapterError
from orchestrator_helm import ownership
from orchestrator_helm.clock import now
from orchestrator_helm.release import History
from orchestrator_helm.settings import Action
from orchestrator_helm.tool import Helm, write_private

KEY = "helm"
"""Of the one process that does a step's work."""


class Intent(msgspec.Struct, frozen=True):
    """`before` is the latest revision then, `deployed` the deployed one's number, 0 for none.

    `makes` is the revision that helm will make, or for `uninstall` take away; `target` what
    `rollback` goes to; `mark` what an upgrade puts on its revision.
    """

    before: int
    deployed: int
    makes: int
    mark: str
    target: int = 0
    began: int = 0


async def begin(helm: Helm) -> Intent:
    """The intent of this attempt, the same at each entry. Raises AdapterError."""
    if (known := read(helm)) is not None:
        return known
    history = await helm.settled_history()
    made = await _intend(helm, history)
    helm.at.touched.touch(mode=0o600)
    write_private(helm.at.began, msgspec.json.encode(made))
    return made


def read(helm: Helm) -> Intent | None:
    """None where helm was never to be started."""
    try:
        return msgspec.json.decode(helm.at.began.read_bytes(), type=Intent)
    except FileNotFoundError:
        return None


async def _intend(helm: Helm, history: History) -> Intent:
    deployed = history.deployed.revision if history.deployed is not None else 0
    if not helm.settings.action.makes_revisions:
        began = int(now().timestamp() * 1000)
        return Intent(history.number, deployed, makes=history.number, mark="", began=began)
    makes, target = history.number + 1, 0
    match helm.settings.action:
        case Action.UNINSTALL:
            makes = max(history.number, 1)
        case Action.ROLLBACK:
            target = rollback_target(helm, history)
        case _:
            pass
    claim = await ownership.claim(helm.step, makes)
    if helm.settings.rollback_on_failure:
        await ownership.claim(helm.step, makes + 1)  # what its own roll back makes
    return Intent(
        before=history.number,
        deployed=deployed,
        makes=makes,
        mark=ownership.mark(claim),
        target=target,
        began=claim.began,
    )


def rollback_target(helm: Helm, history: History) -> int:
    """Which revision a `rollback` goes to. Raises AdapterError where there is none."""
    name = helm.settings.release
    wanted = helm.settings.revision
    if history.latest is None:
        raise AdapterError(f"release: there is no release {name}")
    if wanted is not None:
        if history.get(wanted) is None:
            raise AdapterError(f"revision: release {name} has no revision {wanted}: {history}")
        return wanted
    found = history.before_latest
    if found is None:
        raise AdapterError(
            f"release: nothing of {name} was deployed before what is now: {history}; "
            "`revision` names what to go back to"
        )
    return found.revision
