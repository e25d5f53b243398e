"""Releases read and copied by the API, where no helm has to be started for it.

helm keeps its record of each revision in a Secret, by whose labels it finds it again.
"""

import base64
import gzip
import json
from typing import Any, NamedTuple

import yaml

from tests.testbed.kubernetes.bed import Bed


class Revision(NamedTuple):
    """One revision, with what `helm history` tells of it."""

    number: int
    status: str
    chart: str


def revisions(bed: Bed, namespace: str, release: str) -> list[Revision]:
    """All that helm has kept, the oldest first; none where there is no release."""
    found = bed.get(f"{records(namespace)}?labelSelector=owner=helm,name={release}")
    assert found is not None
    return sorted(map(_revision, found["items"]), key=lambda revision: revision.number)


def await_status(bed: Bed, namespace: str, release: str, status: str) -> None:
    """Block until a revision of the release has this status."""
    selector = f"owner=helm,name={release},status={status}"
    bed.wait_for(f"{records(namespace)}?labelSelector={selector}", lambda record: True)


def records(namespace: str) -> str:
    """The path of the Secrets of a namespace."""
    return f"/api/v1/namespaces/{namespace}/secrets"


def _revision(record: dict[str, Any]) -> Revision:
    kept = read(record)
    chart = kept["chart"]["metadata"]
    return Revision(kept["version"], kept["info"]["status"], f"{chart['name']}-{chart['version']}")


def read(record: dict[str, Any]) -> dict[str, Any]:
    """What helm has written into a Secret."""
    packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
    found: dict[str, Any] = json.loads(gzip.decompress(packed))
    return found


class Original(NamedTuple):
    """The only revision of a release: helm's record, and the objects that it consists of."""

    record: dict[str, Any]
    objects: tuple[dict[str, Any], ...]
    applied: bool
    """Whether helm has the server compare (since helm 4), and so what it notes as its own."""


def take(bed: Bed, namespace: str, release: str) -> Original:
    """What helm has installed there, without hooks."""
    found = bed.get(f"{records(namespace)}?labelSelector=owner=helm,name={release}")
    assert found is not None
    [record] = found["items"]
    kept = read(record)
    objects = tuple(filter(None, yaml.safe_load_all(kept["manifest"])))
    return Original(record, objects, kept.get("apply_method") == "ssa")


def put(bed: Bed, namespace: str, original: Original) -> None:
    """Install the same in another namespace, as helm would."""
    kept = {**read(original.record), "namespace": namespace}
    for each in original.objects:
        _make(bed, namespace, _marked(each, kept["name"], namespace), original.applied)
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(kept).encode())))
    meta = original.record["metadata"]
    secret = {
        "metadata": {"name": meta["name"], "labels": meta["labels"]},
        "type": original.record["type"],
        "data": {"release": packed.decode()},
    }
    bed.post(f"{records(namespace)}?fieldManager=Helm", secret)


def _marked(each: dict[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """With what helm notes on all that is of a release."""
    meta = each["metadata"]
    labels = {**meta.get("labels", {}), "app.kubernetes.io/managed-by": "Helm"}
    notes = {
        **meta.get("annotations", {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    return {**each, "metadata": {**meta, "labels": labels, "annotations": notes}}


def _make(bed: Bed, namespace: str, each: dict[str, Any], applied: bool) -> None:
    group = each["apiVersion"]
    root = f"/apis/{group}" if "/" in group else f"/api/{group}"
    path = f"{root}/namespaces/{namespace}/{each['kind'].lower()}s"
    if applied:
        bed.apply(f"{path}/{each['metadata']['name']}?fieldManager=helm", each)
    else:
        bed.post(f"{path}?fieldManager=helm", each)
