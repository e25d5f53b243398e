"""Why an object is not ready: what its pods wait for, and the last events about all of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator_helm.cluster import Cluster, Live, NotVisible
from orchestrator_helm.manifests import Identity
from orchestrator_helm.readiness import REPLICATED, replicas

MOST_EVENTS = 5
"""The newest ones of each object are shown."""
_REVISION = "deployment.kubernetes.io/revision"
_MEMBERS = "pods,replicasets.apps,jobs.batch"


class Family(msgspec.Struct, frozen=True):
    """An object that is not ready, and what was made for it."""

    head: Live
    members: tuple[Live, ...]

    @property
    def uids(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset((self.head.uid, *(member.uid for member in self.members)))


async def families(cluster: Cluster, heads: Sequence[Live]) -> dict[Identity, Family]:
    """The objects with all that they own, directly or not. Raises NotVisible."""
    everything = await cluster.all(_MEMBERS)
    return {head.identity: Family(head, tuple(_owned_by(head, everything))) for head in heads}


def alone(heads: Sequence[Live]) -> dict[Identity, Family]:
    """The objects, where what they own can't be seen."""
    return {head.identity: Family(head, ()) for head in heads}


def _owned_by(head: Live, everything: Sequence[Live]) -> Iterator[Live]:
    owners = {head.uid}
    grows = True
    while grows:
        found = [
            resource
            for resource in everything
            if resource.uid not in owners and resource.owners & owners
        ]
        owners.update(resource.uid for resource in found)
        yield from found
        grows = bool(found)


async def explain(cluster: Cluster, waiting: Mapping[Identity, Family]) -> list[str]:
    """Lines for people, as far as may be seen."""
    if not waiting:
        return []
    unseen = list[str]()
    try:
        events = await cluster.all("events")
    except NotVisible as reason:
        events, unseen = [], [f"their events can't be seen: {reason}"]
    return [*(line for family in waiting.values() for line in _lines(family, events)), *unseen]


def _lines(family: Family, events: Sequence[Live]) -> Iterator[str]:
    yield f"{family.head.identity} is not ready{_counts(family)}"
    for member in (family.head, *family.members):
        for cause in _waiting_containers(member):
            yield f"  {member.identity}: {cause}"
    about = [event for event in events if _about(event) in family.uids]
    for event in sorted(about, key=_moment)[-MOST_EVENTS:]:
        yield f"  {_said(event)}"


def _counts(family: Family) -> str:
    if family.head.identity.kind not in REPLICATED:
        return ""
    found = replicas(family.head)
    ready = found.ready if (newest := _newest(family)) is None else newest
    text = f": {min(ready, found.wanted)} of {found.wanted} replicas are"
    if ready >= found.wanted and found.old > 0:
        text += f", {found.old} of an older revision still there"
    return text


def _newest(family: Family) -> int | None:
    """How many replicas of a Deployment's newest revision are ready.

    Its own status does not say: it counts those of older revisions too.
    """
    revision = family.head.annotations.get(_REVISION)
    newest = [
        member
        for member in family.members
        if member.identity.kind == "ReplicaSet" and member.annotations.get(_REVISION) == revision
    ]
    return newest[0].status.get("availableReplicas", 0) if newest else None


def _waiting_containers(pod: Live) -> Iterator[str]:
    status = pod.status
    statuses = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    for container in statuses:
        state: dict[str, Any] = container.get("state") or {}
        why = state.get("waiting") or state.get("terminated") or {}
        reason, message = why.get("reason"), why.get("message")
        if reason and reason != "Completed":
            exit_code = f" (exit {why['exitCode']})" if "exitCode" in why else ""
            yield f"container {container.get('name')}: {reason}{exit_code}" + (
                f": {message}" if message else ""
            )
    if not statuses and pod.identity.kind == "Pod":
        for condition in status.get("conditions") or ():
            if condition.get("status") == "False" and condition.get("message"):
                yield f"{condition.get('reason')}: {condition['message']}"


def _about(event: Live) -> str:
    return str((event.data.get("involvedObject") or {}).get("uid", ""))


def _moment(event: Live) -> str:
    last = event.data.get("lastTimestamp") or event.data.get("eventTime") or event.created
    return str(last or "")


def _said(event: Live) -> str:
    about = event.data.get("involvedObject") or {}
    words = [_moment(event), str(event.data.get("type", "")), str(event.data.get("reason", ""))]
    words.append(f"{about.get('kind')} {about.get('name')}:")
    words.append(str(event.data.get("message", "")).strip())
    count = event.data.get("count") or 1
    return " ".join(words) + (f" ({count} times)" if count > 1 else "")
