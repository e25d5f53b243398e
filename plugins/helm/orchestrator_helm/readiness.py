"""Whether an object is as far as `--wait` wants it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator_helm.cluster import Live

REPLICATED = ("Deployment", "StatefulSet", "DaemonSet")


def is_ready(live: Live) -> bool:
    """As its status has it; what has no notion of ready is ready when it exists."""
    status = live.status
    match live.identity.kind:
        case kind if kind in REPLICATED:
            found = replicas(live)
            return _seen(live) and found.ready >= found.wanted and found.old <= 0
        case "Pod":
            return condition(status, "Ready") == "True" or status.get("phase") == "Succeeded"
        case "Job":
            return condition(status, "Complete") == "True"
        case "PersistentVolumeClaim":
            return status.get("phase") == "Bound"
        case _:
            return True


class Replicas(msgspec.Struct, frozen=True):
    """`ready` of the `wanted` ones are, as the newest revision has them; `old` are of older ones.

    Old ones are told of a Deployment only: the others replace theirs one by one.
    """

    ready: int
    wanted: int
    old: int = 0


def replicas(live: Live) -> Replicas:
    """Of one of those that are `REPLICATED`."""
    spec, status = live.spec, live.status
    match live.identity.kind:
        case "Deployment":
            ready = _both(status, "updatedReplicas", "availableReplicas")
            old = status.get("replicas", 0) - status.get("updatedReplicas", 0)
            return Replicas(ready, spec.get("replicas", 1), old)
        case "DaemonSet":
            ready = _both(status, "updatedNumberScheduled", "numberReady")
            return Replicas(ready, status.get("desiredNumberScheduled", 0))
        case _:
            ready = _both(status, "updatedReplicas", "readyReplicas")
            return Replicas(ready, spec.get("replicas", 1))


def is_finished(live: Live) -> bool:
    """Whether a job or a pod runs no more, however it ended."""
    match live.identity.kind:
        case "Job":
            return any(condition(live.status, name) == "True" for name in ("Complete", "Failed"))
        case "Pod":
            return live.status.get("phase") in ("Succeeded", "Failed")
        case _:
            return True


def condition(status: dict[str, Any], name: str) -> str:
    """The value of a condition, empty where it has none."""
    conditions: Sequence[dict[str, Any]] = status.get("conditions") or ()
    found = (
        str(condition.get("status", ""))
        for condition in conditions
        if condition.get("type") == name
    )
    return next(found, "")


def _seen(live: Live) -> bool:
    """Whether its controller has looked at it since it was changed."""
    generation = (live.data.get("metadata") or {}).get("generation", 0)
    seen: int = live.status.get("observedGeneration", generation)
    return bool(seen >= generation)


def _both(status: dict[str, Any], updated: str, ready: str) -> int:
    return int(min(status.get(updated, 0), status.get(ready, 0)))
