import msgspec
import pytest
from orchestrator_terraform.state import State, unrecorded

PULLED = b"""{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "l",
"outputs": {},
"resources": [
  {"mode": "managed", "type": "t", "name": "one", "provider": "p",
   "instances": [{"schema_version": 0, "attributes": {"id": "1"}}]},
  {"module": "module.m[\\"x\\"]", "mode": "managed", "type": "t", "name": "many", "provider": "p",
   "instances": [{"index_key": 0, "attributes": {"id": "2"}},
                 {"index_key": "a b", "attributes": {}}]},
  {"mode": "data", "type": "t", "name": "read", "provider": "p",
   "instances": [{"attributes": {"id": "4"}}]}],
"check_results": null}"""
STATE = msgspec.json.decode(PULLED, type=State)


def test_instances_are_named_as_events_name_them() -> None:
    assert STATE.ids() == {
        "t.one": "1",
        'module.m["x"].t.many[0]': "2",
        'module.m["x"].t.many["a b"]': None,
    }


@pytest.mark.parametrize(
    ("created", "missing"),
    [
        ({"t.one": "1"}, {}),
        ({"t.one": None}, {}),
        ({"t.one": "9"}, {"t.one": "9"}),
        ({"t.two": None}, {"t.two": None}),
        ({}, {}),
    ],
)
def test_what_was_created_is_in_the_state(
    created: dict[str, str | None], missing: dict[str, str | None]
) -> None:
    """What was created must be in the state with its id."""
    assert unrecorded(STATE, created) == missing


def test_without_a_state_nothing_is_recorded() -> None:
    assert unrecorded(None, {"t.one": "1"}) == {"t.one": "1"}


@pytest.mark.parametrize(
    ("serial", "lineage", "included"), [(3, "l", True), (2, "l", True), (4, "l", False)]
)
def test_a_later_state_includes_an_earlier(serial: int, lineage: str, included: bool) -> None:
    """A later state of the same line includes an earlier one."""
    assert STATE.includes(State(serial, lineage)) is included


def test_the_same_content_is_the_same_state() -> None:
    assert STATE.includes(State(9, "other", STATE.resources))
    assert not STATE.includes(State(1, "other", STATE.resources[:1]))
