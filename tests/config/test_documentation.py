"""docs/configuration.md names every key that files may hold."""

import re
from pathlib import Path

import msgspec
import pytest

from orchestrator.config import files
from orchestrator.config.child_variables import REFUSED

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
TABLES = [
    table
    for table in vars(files).values()
    if isinstance(table, type)
    and issubclass(table, files.FileTable)
    and table is not files.FileTable
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_key_is_documented(table: type[msgspec.Struct]) -> None:
    keys = {field.encode_name for field in msgspec.structs.fields(table)}
    assert keys - WORDS == set()


def test_every_refused_variable_is_documented() -> None:
    assert [name for name in REFUSED if f"`{name}`" not in PAGE] == []
