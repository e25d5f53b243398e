"""Reading manifests, and telling whether what runs is what should."""

import pytest
from orchestrator_helm.manifests import Identity, identities, objects, taken_for

from orchestrator.plugin import AdapterError

TWO = """
# Source: a
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: b, namespace: shop}
"""


def test_objects() -> None:
    assert identities(objects(TWO)) == (
        Identity("v1", "ConfigMap", "a"),
        Identity("apps/v1", "Deployment", "b", "shop"),
    )


def test_how_kubectl_takes_it() -> None:
    assert Identity("batch/v1", "Job", "web-hook").typed == "job.batch/web-hook"
    assert Identity("v1", "Pod", "web").typed == "pod/web"


def test_no_yaml() -> None:
    with pytest.raises(AdapterError, match="can't be read"):
        objects("a: [")


def test_a_manifest_makes_no_python_objects() -> None:
    with pytest.raises(AdapterError, match="can't be read"):
        objects("kind: !!python/object/apply:os.getcwd []")


@pytest.mark.parametrize(
    ("live", "overwritten"),
    [
        ({"spec": {"image": "one", "replicas": 1}}, False),
        ({"spec": {"image": "two", "replicas": 1}}, True),
        ({"spec": {"image": "somebody's own"}}, False),
    ],
)
def test_what_runs(live: dict[str, object], overwritten: bool) -> None:
    wanted = {"spec": {"image": "one", "cpu": "1000m"}}
    undone = {"spec": {"image": "two", "cpu": "1000m"}}
    assert taken_for(live, wanted, undone) == overwritten
