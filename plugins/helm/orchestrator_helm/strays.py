"""What a stopped helm may leave in the cluster that no revision knows: hooks, and late work."""

from datetime import UTC, datetime

from orchestrator.plugin import CLEAN, Cleanliness, Exit
from orchestrator_helm import rendering
from orchestrator_helm.cluster import Cluster, Live, NotVisible
from orchestrator_helm.healing import Cure, run_cure
from orchestrator_helm.intent import KEY, Intent
from orchestrator_helm.manifests import Identity, identity, objects, taken_for
from orchestrator_helm.readiness import is_finished
from orchestrator_helm.release import DEPLOYED, FAILED, History, read_status
from orchestrator_helm.rendering import Rendering
from orchestrator_helm.tool import Helm

RUNNING_KINDS = ("Job", "Pod")
CLOCK_DIFFERENCE = 60_000
"""Milliseconds by which the clocks of this host and the API server may differ."""
_SECOND = 1000


async def remove(helm: Helm, meant: Intent, history: History) -> Cleanliness:
    """Remove what is provably of this attempt and in no revision; say what stays.

    Only while nobody else works on the release: their hooks have the same names.
    """
    known = rendering.read(helm)
    cluster = Cluster(helm)
    try:
        hooks = await _unended_hooks(cluster, known, meant)
        late = []
        if not _has_succeeded(helm):
            late = await _late_objects(helm, cluster, known, meant, history)
        for hook in (*hooks, *late):
            await _delete(helm, hook)
        left = [
            resource
            for resource in await cluster.get(_names((*hooks, *late)), "strays")
            if _stays(resource)
        ]
    except NotVisible as reason:
        return await _unseen(helm, known, meant, str(reason))
    uids = {resource.uid for resource in (*hooks, *late)}
    left = [resource for resource in left if resource.uid in uids]
    if not left:
        return CLEAN
    names = ", ".join(str(resource.identity) for resource in left)
    return Cleanliness(
        f"release {helm.settings.release}: {names} of this step could not be removed",
        tuple(_to_type(helm, resource.identity) for resource in left),
    )


async def _unended_hooks(cluster: Cluster, known: Rendering, meant: Intent) -> list[Live]:
    """Jobs and pods of hooks that were made since this attempt began and still run."""
    wanted = [hook for hook in known.hooks if hook.kind in RUNNING_KINDS]
    live = await cluster.get(wanted, "hooks")
    return [
        resource
        for resource in live
        if _made_since(resource, meant) and not is_finished(resource) and _stays(resource)
    ]


async def _late_objects(
    helm: Helm, cluster: Cluster, known: Rendering, meant: Intent, history: History
) -> list[Live]:
    """What a helm that was stopped went on to make after it had undone its work.

    Measured: a signal during a hook does not end the work that waits for the hook.
    """
    if history.deployed is not None and history.deployed.revision >= meant.makes:
        kept = await rendering.objects_of(helm, history.deployed.revision)
    elif history.latest is None:
        kept = ()
    else:
        return []  # what the failed revision made is known to it
    keys = {resource.key for resource in kept}
    extra = [resource for resource in known.objects if resource.key not in keys]
    live = await cluster.get(extra, "late")
    return [
        resource for resource in live if _is_orphan(helm, resource) and _made_since(resource, meant)
    ]


async def remove_orphans(helm: Helm, before: History, after: History) -> None:
    """Remove what revisions had that never came to be deployed, where helm has forgotten it.

    helm's roll back compares with the latest revision alone: where one was killed or failed half
    way, the next knows nothing of what came before it.
    """
    base, now = before.to_return_to, after.deployed
    if before == after or base is None or now is None:
        return
    undone = {
        revision.revision
        for revision in (*before.revisions, *after.revisions)
        if base.revision < revision.revision < now.revision - 1
        and (revision.pending or revision.status == FAILED)
    }
    try:
        for resource in await _forgotten(helm, sorted(undone), now.revision):
            await _delete(helm, resource)
    except NotVisible as reason:
        helm.step.warn(f"whether anything is left of what failed could not be looked at: {reason}")


async def _forgotten(helm: Helm, undone: list[int], deployed: int) -> list[Live]:
    if not undone:
        return []
    kept = {resource.key for resource in await rendering.objects_of(helm, deployed)}
    had = {resource for number in undone for resource in await rendering.objects_of(helm, number)}
    live = await Cluster(helm).get(
        [resource for resource in sorted(had) if resource.key not in kept], "orphans"
    )
    return [resource for resource in live if _is_orphan(helm, resource)]


def _is_orphan(helm: Helm, one: Live) -> bool:
    """Of what no revision knows: whether helm would have deleted it."""
    it = helm.settings
    return one.belongs_to(it.release, it.namespace) and not one.is_to_stay and _stays(one)


async def put_right(helm: Helm, meant: Intent, history: History) -> History:
    """Roll back once more where a helm that rolled back then did its first work after all."""
    latest = history.latest
    undone = latest is not None and latest.status == DEPLOYED and latest.revision > meant.makes
    if latest is None or not undone or history.get(meant.makes) is None:
        return history
    if not await _is_overwritten(helm, meant.makes, latest.revision):
        return history
    argv = helm.commands.heal_by_rollback(latest.revision)
    why = (
        f"release {helm.settings.release}: revision {latest.revision} is deployed, but what runs "
        f"is revision {meant.makes}, which helm applied after it had rolled back"
    )
    cure = Cure(tuple(argv), "rolling back again", latest.revision + 1)
    return await run_cure(helm, cure, f"again-{latest.revision}", why)


async def _is_overwritten(helm: Helm, undone: int, deployed: int) -> bool:
    wanted = {
        identity(resource).key: resource
        for resource in objects(await rendering.text_of(helm, helm.commands.manifest(deployed)))
    }
    others = objects(await rendering.text_of(helm, helm.commands.manifest(undone)))
    other = {identity(resource).key: resource for resource in others}
    shared = [identity(one) for key, one in wanted.items() if other.get(key, one) != one]
    live = await Cluster(helm).get(shared, "overwritten")
    return any(
        taken_for(resource.data, wanted[resource.identity.key], other[resource.identity.key])
        for resource in live
    )


async def _delete(helm: Helm, one: Live) -> None:
    what = one.identity
    helm.step.warn(f"{what} was left by helm: removing it")
    argv = _deleting(helm, what)
    await helm.step.run(f"remove-{one.uid}", argv, env=helm.env, stop_signal=None)


def _deleting(helm: Helm, what: Identity) -> list[str]:
    words = ["delete", what.typed, "--ignore-not-found", "--wait=false"]
    if what.namespace:
        # kubectl takes the last one
        words.append(f"--namespace={what.namespace}")
    return helm.commands.kubectl(*words)


def _to_type(helm: Helm, what: Identity) -> str:
    words = _deleting(helm, what)
    if not Cluster(helm).there:
        words[0] = "kubectl"  # the one that is missing is of no use to a person
    return helm.commands.to_type(words)


async def _unseen(helm: Helm, known: Rendering, meant: Intent, reason: str) -> Cleanliness:
    """Only hooks that may run on are worth closing an environment for."""
    hooks = [hook for hook in known.hooks if hook.kind in RUNNING_KINDS]
    hooks = await _not_seen_to_end(helm, meant, hooks) if hooks else []
    if not hooks:
        helm.step.warn(f"the cluster could not be looked at: {reason}")
        return CLEAN
    names = ", ".join(map(str, hooks))
    return Cleanliness(
        f"hooks of this step may run on ({names}); whether they do could not be looked at: "
        f"{reason}. Where this is put right a recheck looks, and removes them; else delete them by "
        "hand, and waive",
        tuple(_to_type(helm, resource) for resource in hooks),
    )


def _has_succeeded(helm: Helm) -> bool:
    """Whether helm came to its end by itself: then it works on nothing any more."""
    ended: Exit | None = helm.step.recall("apply", KEY)
    return ended is not None and ended.ok


async def _not_seen_to_end(helm: Helm, meant: Intent, hooks: list[Identity]) -> list[Identity]:
    """Without those that helm itself knows to have ended, or never begun."""
    if _has_succeeded(helm):
        return []  # helm waits for each hook
    running = set[tuple[str, str]]()
    history = await helm.settled_history()
    if history.get(meant.makes) is None:
        return hooks  # it is gone, and what helm knew of them with it
    for revision in history.revisions:
        if revision.revision >= meant.makes:
            status = read_status(await helm.ask(helm.commands.status(revision.revision)))
            running |= {(hook.kind, hook.name) for hook in status.hooks if hook.may_run}
    return [resource for resource in hooks if (resource.kind, resource.name) in running]


def _names(found: tuple[Live, ...]) -> list[Identity]:
    return [resource.identity for resource in found]


def _stays(one: Live) -> bool:
    return not one.going


def _made_since(one: Live, meant: Intent) -> bool:
    """The API server's clock is another than ours: where both differ, ours may be the later one."""
    try:
        made = datetime.fromisoformat(one.created).astimezone(UTC).timestamp() * _SECOND
    except ValueError:
        return False
    return made + _SECOND + CLOCK_DIFFERENCE >= meant.began
