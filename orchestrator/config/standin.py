"""Something of the right type in the place of a value that could not be read."""

import functools
import typing
from typing import Any

import msgspec

from orchestrator.config.shapes import (
    Anything,
    Choice,
    Leaf,
    Listing,
    OpenTable,
    Table,
    bare,
    fields_of,
    shape_of,
)


def stand_in(kind: Any, given: dict[str, Any] | None = None) -> Any:
    """An empty value of the type; for a table, with the fields in `given`.

    A table's own checks (`__post_init__`) do not see it.
    """
    match shape_of(kind):
        case Table(cls):
            return _empty_table(cls, given or {})
        case OpenTable() | Anything():
            return {}
        case Listing():
            return ()
        case Choice(members):
            optional = type(None) in typing.get_args(bare(kind))
            return None if optional else stand_in(members[0])
        case Leaf():
            return _empty_leaf(bare(kind))


def _empty_table(cls: type[msgspec.Struct], given: dict[str, Any]) -> Any:
    missing = {
        field.name: stand_in(field.type)
        for field in fields_of(cls)
        if field.required and field.name not in given
    }
    return _unchecked(cls)(**given, **missing)


@functools.lru_cache(maxsize=512)
def _unchecked(cls: type[msgspec.Struct]) -> type[msgspec.Struct]:
    if not hasattr(cls, "__post_init__"):
        return cls
    frozen = cls.__struct_config__.frozen
    skip = {"__post_init__": lambda self: None}
    return msgspec.defstruct(cls.__name__, [], bases=(cls,), namespace=skip, frozen=frozen)


def _empty_leaf(kind: Any) -> Any:
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)[0]
    if isinstance(kind, type):
        members = getattr(kind, "__members__", None)
        if members:
            return next(iter(members.values()))
        if kind in (str, int, float, bool) or issubclass(kind, float):
            return kind()
    return None
