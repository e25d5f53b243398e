"""What a row of a table is called in its test's id: plain words, the same in every process."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum

import msgspec

LONGEST = 38
"""Of the words for one value, of which a row has several."""
PLACE = re.compile(r"^[\w/.-]+\.toml:(\d+:)? ")


def words(value: object) -> str | None:
    """A few words for a value; None where pytest has a name for it, or nobody."""
    match value:
        case Enum() | str() | bytes() | BaseException() | msgspec.Struct():
            return _short(_inside(value))
        case Mapping() | Sequence() | Set():
            return _short(_inside(value))
        case _:
            return None


def told_by(table: Iterable[Sequence[object]], *columns: int) -> list[str]:
    """Ids of rows that these columns tell apart."""
    room = LONGEST * 2 // len(columns) - 1
    return ["-".join(_short(_inside(row[column]), room) for column in columns) for row in table]


def _inside(value: object) -> str:
    match value:
        case Enum():
            return value.name
        case str():
            return _plain(value)
        case bytes():
            return _plain(value.decode("latin-1"))
        case Mapping():
            pairs = (f"{_inside(key)}={_inside(one)}" for key, one in value.items())
            return " ".join(pairs) or "nothing"
        case Sequence():
            return " ".join(map(_member, value)) or "nothing"
        case Set():
            return " ".join(sorted(map(_member, value))) or "nothing"
        case BaseException():
            return " ".join([type(value).__name__, *map(_inside, value.args)])
        case msgspec.Struct():
            return " ".join([type(value).__name__, *_fields(value)])
        case None | bool() | int() | float():
            return str(value)
        case _:
            return str(getattr(value, "__name__", type(value).__name__))


def _fields(struct: msgspec.Struct) -> Iterable[str]:
    """Those that are not as by default; what is inside them is told without its type."""
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if value == field.default or value in (None, (), {}):
            continue
        if isinstance(value, msgspec.Struct):
            yield from _fields(value)
        else:
            yield _inside(value)


def _member(value: object) -> str:
    """One of several: of a struct its type and its enums."""
    if not isinstance(value, msgspec.Struct):
        return _inside(value)
    fields = (getattr(value, name) for name in value.__struct_fields__)
    enums = (field.name for field in fields if isinstance(field, Enum))
    return " ".join([type(value).__name__, *enums])


def _plain(text: str) -> str:
    """In one line, without the place in a file that it begins with."""
    line = " ".join(PLACE.sub("", text).split())
    if not line:
        return repr(text) if text else "empty"
    return line.encode("unicode_escape").decode()


def _short(text: str, room: int = LONGEST) -> str:
    """The beginning, in whole words where it has any."""
    if len(text) <= room:
        return text
    cut = text[:room].rpartition(" ")[0]
    return cut if len(cut) > room // 2 else text[:room]
