"""The types of settings, as the reader walks them and as messages name them."""

import enum
import functools
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from orchestrator.config.durations import Duration
from orchestrator.config.files import NotBuilt, SecretReference
from orchestrator.plugin import Secret


class Table(msgspec.Struct, frozen=True):
    """A table with declared keys."""

    cls: type[msgspec.Struct]


class OpenTable(msgspec.Struct, frozen=True):
    """A table whose keys are free."""

    key: Any
    value: Any


class Listing(msgspec.Struct, frozen=True):
    """A list of any length."""

    item: Any


class Choice(msgspec.Struct, frozen=True):
    """One of several types."""

    members: tuple[Any, ...]


class Anything(msgspec.Struct, frozen=True):
    """Whatever TOML can say."""


class Leaf(msgspec.Struct, frozen=True):
    """All that msgspec can judge by itself."""


Shape: TypeAlias = Table | OpenTable | Listing | Choice | Anything | Leaf

_LISTS = (list, set, frozenset)


@functools.lru_cache(maxsize=4096)
def shape_of(kind: Any) -> Shape:
    """How a value of this type is walked."""
    kind = bare(kind)
    origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
    if kind is Any or kind is object:
        return Anything()
    if origin is typing.Union or origin is types.UnionType:
        return Choice(tuple(member for member in arguments if member is not type(None)))
    if isinstance(origin, type):
        if issubclass(origin, msgspec.Struct) and not origin.__struct_config__.array_like:
            return Table(kind)
        if issubclass(origin, Mapping):
            return OpenTable(*(arguments or (Any, Any)))
        if origin in _LISTS or (origin is tuple and arguments[1:] == (Ellipsis,)):
            return Listing(arguments[0] if arguments else Any)
        if origin in typing.cast(Any, (tuple,)) and not arguments:
            return Listing(Any)
        if not isinstance(origin, type(None)) and origin.__module__ == "collections.abc":
            return Listing(arguments[0] if arguments else Any)
    return Leaf()


@functools.lru_cache(maxsize=512)
def fields_of(cls: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The declared keys of a table."""
    return msgspec.structs.fields(cls)


def bare(kind: Any) -> Any:
    """The type without its annotations."""
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    return kind


def is_later(kind: Any) -> bool:
    """Whether a key of this type is one that is not built yet."""
    match shape_of(kind):
        case Choice(members):
            return members == (NotBuilt,)
        case _:
            return kind is NotBuilt


def takes_text(kind: Any) -> bool:
    """Whether any string, or any of a pattern, is a value of the type."""
    match shape_of(kind):
        case Choice(members):
            return any(takes_text(member) for member in members)
        case _:
            return bare(kind) is str


_SECRET = ('{ secret = "NAME" }', "secrets")
_PLAIN: dict[Any, tuple[str, str]] = {
    str: ("a string", "strings"),
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    Duration: ('a duration such as "5m" or a number of seconds', "durations"),
    SecretReference: _SECRET,
    Secret: _SECRET,
}


@functools.lru_cache(maxsize=4096)
def describe(kind: Any) -> str:
    """The type in the words of TOML: `a list of strings`."""
    said = _expected(kind)
    if said is not None:
        return said
    if bare(kind) in _PLAIN:
        return _PLAIN[bare(kind)][0]
    match shape_of(kind):
        case Table() | OpenTable():
            return "a table"
        case Listing(item):
            return _describe_list(item)
        case Choice(members):
            built = {describe(member) for member in members if not _is_all_later(member)}
            return " or ".join(sorted(built, key=_simple_first))
        case Anything():
            return "a value"
        case Leaf():
            return _describe_leaf(bare(kind))


def options(kind: Any) -> tuple[str, ...]:
    """The words that a choice of words allows; empty for any other type."""
    kind = bare(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(member.value) for member in kind)
    if typing.get_origin(kind) is typing.Literal:
        return tuple(str(value) for value in typing.get_args(kind))
    match shape_of(kind):
        case Choice(members):
            return tuple(word for member in members for word in options(member))
        case _:
            return ()


def in_words(value: Any) -> str:
    """A value as a message shows it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            shown = value if len(value) <= 60 else value[:57] + "..."
            return json.dumps(shown, ensure_ascii=not shown.isprintable())
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _expected(kind: Any) -> str | None:
    if typing.get_origin(kind) is not typing.Annotated:
        return None
    for note in typing.get_args(kind)[1:]:
        if isinstance(note, msgspec.Meta) and note.extra and "expected" in note.extra:
            return str(note.extra["expected"])
    return _expected(typing.get_args(kind)[0])


def _simple_first(described: str) -> tuple[int, str]:
    """An order of its own: to Python `int | str` and `str | int` are one type."""
    simple = [one for one, _ in _PLAIN.values()]
    if described in simple:
        return simple.index(described), described
    return len(simple) + described.startswith(("a list", "a table")), described


def _is_all_later(kind: Any) -> bool:
    match shape_of(kind):
        case Table(cls):
            return all(is_later(field.type) for field in fields_of(cls))
        case _:
            return False


def _describe_list(item: Any) -> str:
    match shape_of(item):
        case Table() | OpenTable():
            return "a list of tables"
        case _ if bare(item) in _PLAIN:
            return f"a list of {_PLAIN[bare(item)][1]}"
        case _:
            return "a list"


def _describe_leaf(kind: Any) -> str:
    words = options(kind)
    if words:
        return "one of " + ", ".join(f'"{word}"' for word in words)
    return f"a value of type {getattr(kind, '__name__', kind)}"
