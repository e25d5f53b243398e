"""Stands in for the kubelet: says of every pod what its first image's name asks for.

`never…`: its image cannot be pulled, with the events that a kubelet would record;
`hook…`: it runs and never ends, nor gets ready; `fail…`: it runs and fails;
any other: it is ready, or has succeeded where its restart policy lets it end.
"""

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import httpx

RETRY_SECONDS = 0.1
_log = logging.getLogger("kubelet")


class Fate(Enum):
    """What becomes of a pod."""

    WORKS = "works"
    FAILS = "fails"
    UNPULLED = "unpulled"
    ENDLESS = "endless"


_FATES = {"never": Fate.UNPULLED, "hook": Fate.ENDLESS, "fail": Fate.FAILS}


def image_of(pod: dict[str, Any]) -> str:
    """The image of its first container."""
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def fate_of(pod: dict[str, Any]) -> Fate:
    """What its image's name asks for."""
    image = image_of(pod)
    return next((fate for name, fate in _FATES.items() if image.startswith(name)), Fate.WORKS)


def settle(client: httpx.Client, pod: dict[str, Any], fate: Fate) -> None:
    """Report the pod's status as a kubelet would. A pod that is gone meanwhile is let go.

    Raises:
        httpx.HTTPError: the API server does not answer, or refuses.
    """
    meta = pod["metadata"]
    if fate is Fate.UNPULLED:
        _record_event(client, pod, "Failed", f'Failed to pull image "{image_of(pod)}": not found')
    answer = client.patch(
        f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status",
        content=json.dumps({"status": _status(pod, fate)}),
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    )
    if answer.status_code not in (404, 409):
        answer.raise_for_status()


def _status(pod: dict[str, Any], fate: Fate) -> dict[str, Any]:
    ends = pod["spec"].get("restartPolicy", "Always") != "Always"
    match fate:
        case Fate.UNPULLED:
            waiting = {"reason": "ErrImagePull", "message": f"{image_of(pod)}: not found"}
            return _phase(pod, "Pending", False, {"waiting": waiting})
        case Fate.ENDLESS:
            return _phase(pod, "Running", False, {"running": {"startedAt": _now()}})
        case Fate.FAILS:
            ended = {"exitCode": 1, "reason": "Error", "startedAt": _now(), "finishedAt": _now()}
            return _phase(pod, "Failed", False, {"terminated": ended})
        case Fate.WORKS if ends:
            ended = {"exitCode": 0, "reason": "Completed", "finishedAt": _now()}
            return _phase(pod, "Succeeded", False, {"terminated": ended})
        case Fate.WORKS:
            return _phase(pod, "Running", True, {"running": {"startedAt": _now()}})


def _phase(pod: dict[str, Any], phase: str, ready: bool, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "phase": phase,
        "startTime": _now(),
        "conditions": [
            {"type": kind, "status": str(ready), "lastTransitionTime": _now()}
            for kind in ("Ready", "ContainersReady")
        ],
        "containerStatuses": [
            {
                "name": pod["spec"]["containers"][0]["name"],
                "image": image_of(pod),
                "imageID": "",
                "ready": ready,
                "restartCount": 0,
                "state": state,
            }
        ],
    }


def _record_event(client: httpx.Client, pod: dict[str, Any], reason: str, message: str) -> None:
    meta = pod["metadata"]
    about = {"apiVersion": "v1", "kind": "Pod"}
    client.post(
        f"/api/v1/namespaces/{meta['namespace']}/events",
        json={
            "metadata": {"generateName": f"{meta['name']}."},
            "involvedObject": about | {key: meta[key] for key in ("name", "namespace", "uid")},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "source": {"component": "kubelet"},
            "firstTimestamp": _now(),
            "lastTimestamp": _now(),
            "count": 1,
        },
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def watch(
    client: httpx.Client, path: str, timeout: float | None = None, since: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a collection as it is now, then each change: its type and the object.

    With `since`, the resourceVersion of a list, only what has changed after that list.

    Raises:
        httpx.HTTPError: the API server refuses, went away, or said nothing for `timeout` seconds.
    """
    limits = httpx.Timeout(30, read=timeout)
    params = {"watch": "true"} | ({} if since is None else {"resourceVersion": since})
    address = httpx.URL(path).copy_merge_params(params)
    with client.stream("GET", address, timeout=limits) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            change = json.loads(line)
            yield change["type"], change["object"]


def serve(client: httpx.Client) -> None:
    """Settle every new pod, for ever."""
    while True:
        try:
            for change, pod in watch(client, "/api/v1/pods"):
                new = "startTime" not in pod.get("status", {})
                if change in ("ADDED", "MODIFIED") and new:
                    settle(client, pod, fate_of(pod))
        except (httpx.HTTPError, KeyError) as error:
            _log.warning("watching again: %r", error)
        time.sleep(RETRY_SECONDS)
