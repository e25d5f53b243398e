"""All that is planned stands in one place, and is refused by name."""

from typing import Any

import msgspec

from orchestrator.cli.arguments import parser_of
from orchestrator.cli.catalogue import ALIASES, SYNOPSIS
from orchestrator.config import files
from orchestrator.config.shapes import is_later
from orchestrator.core.language import planned
from orchestrator.core.values.references import ROOTS


def later(table: Any) -> set[str]:
    """The keys of a file that are refused by name."""
    fields = msgspec.structs.fields(table)
    return {field.encode_name for field in fields if is_later(field.type)}


def test_keys() -> None:
    tables = {
        "orchestrator.toml": files.OrchestratorFile,
        "environments": files.EnvironmentFile,
        "pipelines": files.PipelineFile,
    }
    assert {place: later(table) for place, table in tables.items()} == {
        place: set(keys) for place, keys in planned.KEYS.items()
    }


def test_nothing_that_is_built_is_planned() -> None:
    assert planned.VERBS.isdisjoint({*SYNOPSIS, *ALIASES})
    assert planned.REFERENCES.isdisjoint(ROOTS)


def test_options() -> None:
    """They are known to their verb, which refuses them."""
    for words in planned.OPTIONS:
        verb, option = words.split()
        [action] = [
            action for action in parser_of(verb)._actions if option in action.option_strings
        ]
        assert action.help == "not built yet"
