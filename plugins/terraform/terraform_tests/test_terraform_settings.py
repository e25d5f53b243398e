import msgspec
import pytest
from orchestrator_terraform.settings import Action, TerraformSettings, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0s", 0.0), ("10m", 600.0), ("1h30m", 5400.0), ("1h1m1s", 3661.0), ("90s", 90.0)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "1m1h", "-1s", "1.5h", "5m "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="lock_timeout"):
        msgspec.convert({"action": "plan", "lock_timeout": text}, TerraformSettings)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({}, "action"),
        ({"action": "import"}, "action"),
        ({"action": "plan", "directory": "x"}, "directory"),
        ({"action": "plan", "parallelism": 0}, "parallelism"),
        ({"action": "plan", "lockfile": "maybe"}, "lockfile"),
        ({"action": "destroy", "plan": "p"}, "destroy"),
        ({"action": "apply", "plan": "p", "vars": {"a": 1}}, "vars"),
    ],
)
def test_a_mistake_names_its_setting(table: dict[str, object], named: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.convert(table, TerraformSettings)


def test_only_apply_and_destroy_touch() -> None:
    assert [action for action in Action if action.touches] == [Action.APPLY, Action.DESTROY]
