"""The schemas agree with the reader about every key."""

from typing import Any

import msgspec
import pytest

from orchestrator.config.schema import FILES, SchemaUnknown, schema


def tables(node: Any) -> list[dict[str, Any]]:
    found = [node] if isinstance(node, dict) and node.get("type") == "object" else []
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found + [table for value in inner for table in tables(value)]


@pytest.mark.parametrize("name", FILES)
def test_every_declared_key_and_no_other(name: str) -> None:
    made = schema(name)
    root = made["$defs"][FILES[name].__name__]
    keys = {field.encode_name for field in msgspec.structs.fields(FILES[name])}
    assert set(root["properties"]) == keys
    for table in tables(made):
        if "properties" in table:
            open_ended = table["title"] == "SecretTable"  # a plugin's settings are its own
            assert table.get("additionalProperties", True) is open_ended


@pytest.mark.parametrize("name", FILES)
def test_toml_has_no_null(name: str) -> None:
    assert "null" not in msgspec.json.encode(schema(name)).decode()


def test_an_unbuilt_key_takes_no_value() -> None:
    """A key that is not built takes no value."""
    queue = schema("environment")["$defs"]["EnvironmentFile"]["properties"]["queue"]
    assert queue == {"not": {}, "description": "not built yet"}


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(SchemaUnknown, match=r"did you mean pipeline\?"):
        schema("pipelines")
