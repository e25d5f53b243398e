"""Whose a pending revision is: what we write down before helm runs, and what that proves later."""

import msgspec

from orchestrator.plugin import AdapterError, Claim, Secret, Step
from orchestrator_helm.release import UNINSTALLING, Revision, one_line, read_status
from orchestrator_helm.settings import HelmSettings
from orchestrator_helm.tool import Helm

CLOCK_TOLERANCE = 2000
"""Milliseconds. helm runs on this host, so its clock is ours; file times are coarser."""


class Owner(msgspec.Struct, frozen=True):
    """Which attempt of ours made a revision, and whether all its processes are proven dead."""

    job: int
    step: str
    attempt: int
    dead: bool
    began: int


def resource(step: Step[HelmSettings], revision: int) -> str:
    """What is claimed before helm may make, or uninstall, this revision."""
    it = step.config
    kubeconfig = (
        f"secret {it.kubeconfig.secret}"
        if isinstance(it.kubeconfig, Secret)
        else (it.kubeconfig or "")
    )
    where = "/".join((it.kube_context or "", it.namespace or "", it.release))
    return f"helm release {where} [{kubeconfig}] in {step.environment}: revision {revision}"


def mark(claim: Claim) -> str:
    """What `--labels` puts on the revision that a claim is about: no other attempt has it."""
    return f"{claim.job}.{claim.attempt}.{claim.began}"


async def claim(step: Step[HelmSettings], revision: int) -> Claim:
    """Write down that this attempt may make the revision; what was written."""
    name = resource(step, revision)
    found = _own(step, await step.claims(name))
    if found is None:
        await step.claim(name)
        found = _own(step, await step.claims(name))
    assert found is not None, "it was written a moment ago"
    return found


def is_own(step: Step[HelmSettings], one: Claim | Owner) -> bool:
    """Whether it is of this very attempt."""
    return (one.job, one.step, one.attempt) == (step.job.id, step.name, step.attempt)


def _own(step: Step[HelmSettings], claims: object) -> Claim | None:
    assert isinstance(claims, tuple | list)
    return next((claim for claim in claims if is_own(step, claim)), None)


async def owner(helm: Helm, pending: Revision, *, ended: bool = False) -> Owner | None:
    """Who of us left a pending revision; None: none of us, as far as can be proven.

    `ended` says that this attempt's own processes have. Ours is a revision that an attempt claimed
    before it began, that was begun while a process of that attempt lived, and, where helm can mark
    what it makes, that bears the attempt's mark.
    """
    step = helm.step
    claims = await step.claims(resource(step, pending.revision))
    if not claims:
        return None
    moment = await _moment(helm, pending)
    fitting = [claim for claim in claims if _lived(claim, moment)]
    if pending.status in ("pending-install", "pending-upgrade") and helm.commands.marks:
        fitting = await _marked(helm, fitting)
    owners = [
        Owner(
            claim.job,
            claim.step,
            claim.attempt,
            claim.dead or (ended and is_own(step, claim)),
            claim.began,
        )
        for claim in fitting
    ]
    alive = [claim for claim in owners if not claim.dead]
    return next(iter(alive or owners), None)


async def _moment(helm: Helm, pending: Revision) -> int:
    """When the pending operation began, in UTC milliseconds."""
    if pending.status != UNINSTALLING:
        return pending.updated_ms
    deleted = read_status(await helm.ask(helm.commands.status())).deleted_ms
    return pending.updated_ms if deleted is None else deleted


def _lived(claim: Claim, moment: int) -> bool:
    after = claim.began - CLOCK_TOLERANCE <= moment
    return after and (claim.ended is None or moment <= claim.ended + CLOCK_TOLERANCE)


async def _marked(helm: Helm, claims: list[Claim]) -> list[Claim]:
    """Those whose mark the latest revision bears, which is pending."""
    return [claim for claim in claims if await is_marked(helm, mark(claim), pending=True)]


async def is_marked(helm: Helm, text: str, *, pending: bool = False) -> bool:
    """Whether the latest revision, pending or not, bears the mark. Raises AdapterError."""
    answer = await helm.ask(helm.commands.marked(text, pending=pending))
    if answer.code != 0:
        raise AdapterError(f"helm list: {one_line(answer.stderr)}")
    return bool(msgspec.json.decode(answer.stdout))
