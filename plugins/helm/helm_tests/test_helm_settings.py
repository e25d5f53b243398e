"""What settings are refused, and what a duration is."""

import msgspec
import pytest
from orchestrator_helm.settings import (
    Action,
    HelmSettings,
    known_seconds,
    seconds,
    stale_after,
)


def settings(**table: object) -> HelmSettings:
    """As a file gives them."""
    return msgspec.convert({"release": "web", **table}, HelmSettings)


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        ({"action": "upgrade"}, "chart"),
        ({"action": "diff"}, "chart"),
        ({"action": "rollback", "chart": "web"}, "chart"),
        ({"action": "uninstall", "values": {"a": 1}}, "values"),
        ({"action": "upgrade", "chart": "web", "revision": 2}, "revision"),
        ({"action": "rollback", "revision": 0}, "revision"),
        ({"action": "upgrade", "chart": "web", "timeout": "5 minutes"}, "timeout"),
        ({"action": "upgrade", "chart": "web", "timeout": ""}, "timeout"),
        ({"action": "upgrade", "chart": "web", "heal": "always"}, "heal"),
        ({"action": "upgrade", "chart": "web", "heal": "stale:"}, "heal"),
        ({"action": "upgrade", "chart": "web", "password": "x"}, "password"),
        ({"action": "upgrade", "chart": "web", "username": "a", "password": "x"}, "username"),
        ({"action": "upgrade", "chart": "web", "ca_file": "x"}, "ca_file"),
        ({"action": "upgrade", "chart": "web", "repo": "https://x", "plain_http": True}, "plain"),
        ({"action": "upgrade", "chart": "oci://x/web", "repo": "https://x"}, "repo"),
        ({"action": "status", "ca_file": "x"}, "ca_file"),
        ({"action": "upgrade", "chart": "web", "vars": {}}, "vars"),
        ({"action": "apply"}, "action"),
    ],
)
def test_refused(table: dict[str, object], setting: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=setting):
        settings(**table)


def test_what_touches_the_cluster() -> None:
    assert {action for action in Action if not action.touches} == {Action.STATUS, Action.DIFF}


def test_durations() -> None:
    assert seconds("1h30m5s") == 5405
    assert known_seconds("${params.timeout}") is None
    assert stale_after("stale:30m") == 1800
    assert stale_after("own") is None
