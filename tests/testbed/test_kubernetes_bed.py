"""The Kubernetes test bed does what the tests that use it rely on."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.kubernetes import bed_kubelet, bed_releases
from tests.testbed.kubernetes.bed import CHARTS, Bed, BedError, User, role
from tests.testbed.kubernetes.bed_detour import Detour

pytestmark = pytest.mark.kubernetes
HELMS = pytest.mark.parametrize("major", [3, 4])
WEB = str(CHARTS / "web")
DEPLOYED_REVISION = "deployment.kubernetes.io/revision"
"""Noted by the controller, when it comes to it."""


def helm_command(bed: Bed, major: int, namespace: str, *arguments: str) -> list[str]:
    where = [f"--kubeconfig={bed.kubeconfig}", f"--namespace={namespace}"]
    return [str(bed.programs.helm(major)), *arguments, *where]


def helm(bed: Bed, major: int, namespace: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = helm_command(bed, major, namespace, *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def statuses(bed: Bed, major: int, namespace: str, release: str) -> list[str]:
    """As helm tells them; whoever reads helm's records himself finds the same."""
    told = helm(bed, major, namespace, "history", release, "--output=json")
    found = [
        bed_releases.Revision(load["revision"], load["status"], load["chart"])
        for load in json.loads(told.stdout)
    ]
    assert bed_releases.revisions(bed, namespace, release) == found
    return [revision.status for revision in found]


def kubectl(bed: Bed, user: User | Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = bed.kubeconfig_of(user) if isinstance(user, User) else user
    command = [
        str(bed.programs.kubectl),
        f"--kubeconfig={config}",
        "--request-timeout=30s",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@HELMS
def test_a_chart_is_installed(bed: Bed, namespace: str, major: int) -> None:
    done = helm(bed, major, namespace, "install", "a", str(CHARTS / "cm"), "--set=value=7")
    assert done.returncode == 0, done.stderr
    assert statuses(bed, major, namespace, "a") == ["deployed"]
    found = bed.get(f"/api/v1/namespaces/{namespace}/configmaps/a")
    assert found and found["data"] == {"value": "7"}


@HELMS
def test_waiting_for_a_release_waits_for_its_pods(bed: Bed, namespace: str, major: int) -> None:
    command = helm_command(
        bed, major, namespace, "install", "a", WEB, "--set=image=never:1", "--wait"
    )
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True) as waiting:
        pod = bed.wait_for_pod(namespace, "never:1")
        assert waiting.poll() is None
        assert statuses(bed, major, namespace, "a") == ["pending-install"]
        events = bed.get(f"/api/v1/namespaces/{namespace}/events")
        assert events
        assert [pod["metadata"]["name"], 'Failed to pull image "never:1": not found'] in [
            [one["involvedObject"]["name"], one["message"]] for one in events["items"]
        ]
        bed.release(namespace)
        assert waiting.wait(60) == 0
    assert statuses(bed, major, namespace, "a") == ["deployed"]


def test_what_went_before_a_watch(bed: Bed, namespace: str) -> None:
    """What went between a list and its watch is told."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    bed.post(path, {"metadata": {"name": "short-lived"}})
    listed = bed.get(path)
    assert listed is not None
    bed._client.delete(f"{path}/short-lived").raise_for_status()
    since = listed["metadata"]["resourceVersion"]
    change, one = next(bed_kubelet.watch(bed._client, path, 60.0, since))
    assert (change, one["metadata"]["name"]) == ("DELETED", "short-lived")


@HELMS
def test_a_release_that_gets_ready_is_deployed(bed: Bed, namespace: str, major: int) -> None:
    done = helm(bed, major, namespace, "install", "a", WEB, "--wait", "--set=extra=true")
    assert done.returncode == 0, done.stderr
    assert {"a", "a-extra"} <= set(bed.names(namespace, "configmaps"))
    done = helm(bed, major, namespace, "uninstall", "a", "--wait")
    assert done.returncode == 0, done.stderr
    # The garbage collector is at work: nobody else deletes what the Deployment made.
    bed.wait_for_none(f"/api/v1/namespaces/{namespace}/pods")


@HELMS
@pytest.mark.parametrize(
    ("before", "arguments", "left"),
    [
        ([], ["install"], ["pending-install"]),
        (["install"], ["upgrade"], ["deployed", "pending-upgrade"]),
    ],
)
def test_a_killed_helm_leaves_its_release_pending(
    bed: Bed, namespace: str, major: int, before: list[str], arguments: list[str], left: list[str]
) -> None:
    for verb in before:
        assert helm(bed, major, namespace, verb, "a", WEB).returncode == 0
    hook = "--set=hook=pre-install\\,pre-upgrade"
    command = helm_command(bed, major, namespace, *arguments, "a", WEB, hook)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as killed:
        bed.wait_for_pod(namespace, "hook:1")
        killed.kill()
    assert statuses(bed, major, namespace, "a") == left
    again = helm(bed, major, namespace, "upgrade", "--install", "a", WEB)
    assert again.returncode == 1
    assert "another operation (install/upgrade/rollback) is in progress" in again.stderr


@HELMS
def test_a_copied_release_is_as_helm_makes_it(bed: Bed, namespace: str, major: int) -> None:
    """All that helm notes of it, and on it; and helm goes on from there."""
    secret = "--set=secret=swordfish"
    assert helm(bed, major, namespace, "install", "a", WEB, secret).returncode == 0
    copied = bed.create_namespace()
    bed_releases.put(bed, copied, bed_releases.take(bed, namespace, "a"))
    assert contents(bed, copied) == contents(bed, namespace)
    more = helm(bed, major, copied, "upgrade", "a", WEB, "--set=image=ok:2", "--wait")
    assert more.returncode == 0, more.stderr
    assert statuses(bed, major, copied, "a") == ["superseded", "deployed"]
    assert bed.names(copied, "secrets") == ["sh.helm.release.v1.a.v1", "sh.helm.release.v1.a.v2"]


def contents(bed: Bed, namespace: str) -> dict[str, Any]:
    """What stands there, but for what differs by namespace and by moment."""
    found = {}
    for kind in ("apps/deployments", "configmaps", "secrets"):
        for name in bed.names(namespace, kind):
            if name != "kube-root-ca.crt":
                group, _, plural = kind.rpartition("/")
                root = f"/apis/{group}/v1" if group else "/api/v1"
                each = bed.get(f"{root}/namespaces/{namespace}/{plural}/{name}")
                assert each is not None
                found[f"{plural}/{name}"] = settled(each, namespace)
    return found


def settled(each: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Without uids, versions and times, the status, what controllers note, and the name of the
    namespace."""
    if each.get("type") == "helm.sh/release.v1":
        each["data"] = bed_releases.read(each)
    meta = each["metadata"]
    for transient in ("uid", "resourceVersion", "creationTimestamp"):
        meta.pop(transient)
    meta.get("annotations", {}).pop(DEPLOYED_REVISION, None)
    managers = [one for one in meta.pop("managedFields") if one["manager"].lower() == "helm"]
    notes = [{key: manager[key] for key in ("operation", "fieldsV1")} for manager in managers]
    text = json.dumps({**each, "status": None, "managed": notes})
    found: dict[str, Any] = json.loads(text.replace(namespace, "NAMESPACE"))
    return found


def test_a_hook_ends_when_it_is_released(bed: Bed, namespace: str) -> None:
    command = helm_command(bed, 4, namespace, "install", "a", WEB, "--set=hook=pre-install")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as hooked:
        bed.wait_for_pod(namespace, "hook:1")
        assert hooked.poll() is None
        bed.release(namespace)
        assert hooked.wait(60) == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fail=no such thing", "no such thing"),
        ("refuse=true", "Invalid value"),
        ("hook=pre-install,hookImage=fail:1", "failed"),
    ],
)
def test_a_chart_fails_where_it_is_told_to(
    bed: Bed, namespace: str, value: str, message: str
) -> None:
    done = helm(bed, 4, namespace, "install", "a", WEB, f"--set={value}")
    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize(("image", "code"), [("ok:1", 0), ("fail:1", 1)])
def test_a_release_is_tested(bed: Bed, namespace: str, image: str, code: int) -> None:
    assert helm(bed, 4, namespace, "install", "a", WEB, f"--set=test={image}").returncode == 0
    assert helm(bed, 4, namespace, "test", "a").returncode == code


@pytest.mark.parametrize(
    ("user", "gets", "creates"),
    [
        (User.ADMIN, "", ""),
        (User.CERTIFICATE, "", ""),
        (User.EXEC, "", ""),
        (User.READER, "", "cannot create"),
        (User.STRANGER, "cannot list", "cannot create"),
        (User.WRONG_TOKEN, "Unauthorized", "Unauthorized"),
        (User.UNREACHABLE, "refused", "refused"),
        (User.CONTEXTS, "refused", "refused"),
    ],
)
def test_a_user_may_do_what_their_name_says(
    bed: Bed, namespace: str, user: User, gets: str, creates: str
) -> None:
    in_it = f"--namespace={namespace}"
    for refusal, arguments in (
        (gets, ["get", "secrets"]),
        (creates, ["create", "configmap", "a", "--validate=false"]),
    ):
        done = kubectl(bed, user, *arguments, in_it)
        assert (done.returncode == 0) is (refusal == ""), done.stderr
        assert refusal in done.stderr


def test_the_other_context_of_a_kubeconfig_is_reachable(bed: Bed, namespace: str) -> None:
    done = kubectl(bed, User.CONTEXTS, "--context=bed", "get", "pods", f"--namespace={namespace}")
    assert done.returncode == 0, done.stderr


def test_a_new_user_has_their_rights(bed: Bed, namespace: str) -> None:
    """A new user has the rights they were given."""
    who = bed.certify(namespace, role(("list",), ("",), ("pods",)))
    assert kubectl(bed, who, "get", "pods", f"--namespace={namespace}").returncode == 0
    refused = kubectl(bed, who, "get", "events", f"--namespace={namespace}")
    assert 'cannot list resource "events"' in refused.stderr
    assert kubectl(bed, who, "get", "pods", "--namespace=default").returncode == 1


def test_no_wait_is_for_ever(bed: Bed, namespace: str) -> None:
    """What never happens is not waited for for ever."""
    with pytest.raises(BedError, match=f"{namespace}/pods within 0.1 s"):
        bed.wait_for(f"/api/v1/namespaces/{namespace}/pods", lambda pod: True, timeout=0.1)


def test_a_frozen_server_answers_again_when_thawed(bed: Bed, detour: Detour) -> None:
    detour.freeze()
    asked = kubectl(bed, detour.kubeconfig, "get", "namespaces", "--request-timeout=1s")
    assert asked.returncode == 1
    assert "imeout" in asked.stderr
    assert kubectl(bed, User.ADMIN, "get", "namespaces").returncode == 0
    detour.thaw()
    assert kubectl(bed, detour.kubeconfig, "get", "namespaces").returncode == 0
