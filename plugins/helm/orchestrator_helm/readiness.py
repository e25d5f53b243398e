"""Whether an object is as far as `--wait` wants it."""

from collections.abc import Sequence
from typing import Any

from orchestrator_helm.cluster import Live


def is_ready(live: Live) -> bool:
    """As its status has it; what has no notion of ready is ready when it exists."""
    spec, status = live.spec, live.status
    match live.identity.kind:
        case "Deployment":
            replicas = spec.get("replicas", 1)
            old = status.get("replicas", 0) - status.get("updatedReplicas", 0)
            ready = _counts(status, "updatedReplicas", "availableReplicas", replicas)
            return _seen(live) and ready and old <= 0
        case "StatefulSet":
            replicas = spec.get("replicas", 1)
            ready = _counts(status, "updatedReplicas", "readyReplicas", replicas)
            return _seen(live) and (ready or (not replicas and not status.get("replicas")))
        case "DaemonSet":
            wanted = status.get("desiredNumberScheduled", 0)
            return _seen(live) and _counts(status, "updatedNumberScheduled", "numberReady", wanted)
        case "Pod":
            return condition(status, "Ready") == "True" or status.get("phase") == "Succeeded"
        case "Job":
            return condition(status, "Complete") == "True"
        case "PersistentVolumeClaim":
            return status.get("phase") == "Bound"
        case _:
            return True


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
    found = (str(one.get("status", "")) for one in conditions if one.get("type") == name)
    return next(found, "")


def _seen(live: Live) -> bool:
    """Whether its controller has looked at it since it was changed."""
    generation = (live.data.get("metadata") or {}).get("generation", 0)
    seen: int = live.status.get("observedGeneration", generation)
    return bool(seen >= generation)


def _counts(status: dict[str, Any], updated: str, ready: str, wanted: int) -> bool:
    return bool(min(status.get(updated, 0), status.get(ready, 0)) >= wanted)
