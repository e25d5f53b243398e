"""The plan that people approve."""

from typing import Any

from orchestrator_helm.diff import difference


def config(name: str = "web", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(**data: str) -> dict[str, Any]:
    """A Secret."""
    return {**config(**data), "kind": "Secret"}


def test_nothing() -> None:
    found = difference([config(a="1")], [config(a="1")])
    assert found.summary == "no changes"
    assert found.text == ""


def test_added_changed_removed() -> None:
    before = [config("kept", a="1"), config("gone")]
    found = difference(before, [config("new", b="1"), config("kept", a="2")])
    assert found.summary == "+1 ~1 -1"
    assert "+ ConfigMap new\n" in found.text
    assert "    -  a: '1'\n    +  a: '2'\n" in found.text
    assert "- ConfigMap gone\n" in found.text


def test_what_a_secret_holds_is_not_shown() -> None:
    found = difference([secret(a="old", b="same")], [secret(a="hunter2", b="same", c="new")])
    assert found.summary == "+0 ~1 -0"
    for text in ("old", "same", "hunter2", "new"):
        assert text not in found.text
    assert "+  a: '*** (changed)'" in found.text
    assert "+  c: '***'" in found.text


def test_a_secret_that_is_new_or_odd() -> None:
    odd = {**secret(), "data": "hunter2", "stringData": {"a": "hunter3"}}
    found = difference([], [odd])
    assert "hunter" not in found.text
    assert found.summary == "+1 ~0 -0"


def test_a_hook_is_called_one() -> None:
    hook = config()
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-upgrade"}
    assert "+ ConfigMap web (hook pre-upgrade)" in difference([], [hook]).text
