"""A key that stands after a table's header and was meant to stand above it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.shapes import fields_of
from orchestrator.core.values.references import Path

Above: TypeAlias = tuple[tuple[Path, type[msgspec.Struct]], ...]
"""The declared tables around a place, the outermost first, each with its path."""


def owner_of(key: str, above: Above) -> Path | None:
    """The path of the innermost table around that declares the key."""
    for path, cls in reversed(above):
        if any(field.encode_name == key for field in fields_of(cls)):
            return path
    return None


def misplaced_text(document: Document, key: str, path: Path, owner: Path) -> str:
    """How to say that `key`, found in the table at `path`, belongs to the table at `owner`."""
    place = f"`[[{owner[0]}]]`" if len(owner) == 2 else "the file's top level"
    text = f"no key of this table; `{key}` belongs to {place}"
    if path not in document.places.headers:
        return text
    return f"{text}: write it above {_header(path)}, for what follows a header belongs to its table"


def report_misplaced(
    document: Document, path: Path, value: Mapping[str, Any], above: Above
) -> None:
    """Report keys of a table of free keys that were surely meant for a table around it.

    That is so when a header opens the table and the value would be right there. Written inline
    (`vars = { locks = … }`) any key is taken as it is.
    """
    for key in value:
        owner = owner_of(key, above)
        if owner is not None and path in document.places.headers:
            document.report(
                (*path, key),
                misplaced_text(document, key, path, owner)
                + f"; if it is meant, write the table inline: {path[-1]} = {{ {key} = … }}",
            )


def _header(path: Path) -> str:
    key = ".".join(part for part in path if isinstance(part, str))
    return f"`[[{key}]]`" if isinstance(path[-1], int) else f"`[{key}]`"
