"""Values of a file read as declared types, with every mistake reported and not only the first."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

from orchestrator.config.document import Document
from orchestrator.config.durations import Duration, parse_duration
from orchestrator.config.misplaced import Above, misplaced_text, owner_of
from orchestrator.config.secrets import REFUSED, named_secret
from orchestrator.config.shapes import (
    Anything,
    Choice,
    Leaf,
    Listing,
    OpenTable,
    Table,
    bare,
    describe,
    fields_of,
    in_words,
    is_later,
    options,
    shape_of,
    takes_text,
)
from orchestrator.config.standin import stand_in
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.values.references import Path, is_reference, leaves

Declared = TypeVar("Declared", bound=msgspec.Struct)


class Reader:
    """Reads values of one document.

    What is wrong is reported to the document, and something of the right type takes its place, so
    that reading goes on. With `wildcards` a string that is one reference fits every leaf, and is
    left as it is.
    """

    def __init__(self, document: Document, *, wildcards: bool = False, above: Above = ()) -> None:
        self._document = document
        self._wildcards = wildcards
        self._above = list(above)

    def table(self, cls: type[Declared], value: Mapping[str, Any], path: Path = ()) -> Declared:
        """A table with declared keys."""
        return cast(Declared, self._table(cls, value, path))

    def _read(self, value: Any, kind: Any, path: Path) -> Any:
        if self._wildcards and is_reference(value):
            return value
        match shape_of(kind), value:
            case Table(cls), dict():
                return self._table(cls, value, path)
            case OpenTable(key, inner), dict():
                return self._open_table(key, inner, value, path)
            case Listing(item), list():
                return self._listing(kind, item, value, path)
            case Choice(members), dict() | list():
                return self._choice(kind, members, value, path)
            case Anything(), _:
                return value
            case ((Choice() | Leaf()), _):
                return self._leaf(kind, value, path)
            case _:
                return self._refuse(_wrong_type(kind, value), kind, path)

    def _table(self, cls: type[msgspec.Struct], value: Mapping[str, Any], path: Path) -> Any:
        self._above.append((path, cls))
        before = self._document.findings
        fields = fields_of(cls)
        known = {field.encode_name for field in fields}
        for key in value:
            if key not in known and key != cls.__struct_config__.tag_field:
                self._unknown(key, known, path)
        read = {field.name: self._field(field, value, path) for field in fields}
        self._above.pop()
        given = {name: inner for name, inner in read.items() if inner is not msgspec.NODEFAULT}
        if self._document.findings > before:
            return stand_in(cls, given)
        return self._build(cls, given, value, path)

    def _field(self, field: msgspec.structs.FieldInfo, value: Mapping[str, Any], path: Path) -> Any:
        key = field.encode_name
        if key not in value:
            if field.required:
                self._missing(key, field.type, path)
            return msgspec.NODEFAULT
        if is_later(field.type):
            self._document.report((*path, key), f"`{key}` is not built yet")
            return msgspec.NODEFAULT
        before = self._document.findings
        read = self._read(value[key], field.type, (*path, key))
        if self._document.findings == before or field.required:
            return read
        partly = not isinstance(shape_of(field.type), Leaf) and read is not None
        return read if partly else msgspec.NODEFAULT

    def _build(
        self, cls: type[msgspec.Struct], given: dict[str, Any], value: Any, path: Path
    ) -> Any:
        """Construct it, with references unresolved.

        A ValueError is the type's own verdict on its settings. Anything else is what a check runs
        into when it meets a reference where it expects a number.
        """
        try:
            return cls(**given)
        except ValueError as error:
            return self._refuse(_first_line(error), cls, path)
        except Exception as error:
            if self._wildcards and holds_reference(value):
                return stand_in(cls, given)
            return self._refuse(_first_line(error), cls, path)

    def _missing(self, key: str, kind: Any, path: Path) -> None:
        if is_later(kind):
            self._document.report(path, f"expected `{key}`, which is not built yet")
            return
        self._document.report(path, f"`{key}` is missing: expected {describe(kind)}")

    def _unknown(self, key: str, known: set[str], path: Path) -> None:
        owner = owner_of(key, tuple(self._above[:-1]))
        if owner is not None:
            text = misplaced_text(self._document, key, path, owner)
            self._document.report((*path, key), text)
            return
        guess = did_you_mean(near(key, known))
        keys = ", ".join(sorted(known))
        self._document.report(
            (*path, key), f"unknown key{guess}" if guess else f"unknown key (known: {keys})"
        )

    def _open_table(self, key: Any, inner: Any, value: Mapping[str, Any], path: Path) -> Any:
        read = {}
        for name, item in value.items():
            self._key(key, name, (*path, name))
            read[name] = self._read(item, inner, (*path, name))
        return read

    def _key(self, kind: Any, name: str, path: Path) -> None:
        if bare(kind) is Any:
            return
        try:
            msgspec.convert(name, kind, strict=False)
        except msgspec.ValidationError:
            self._document.report(path, f"the key should be {describe(kind)}")

    def _listing(self, kind: Any, item: Any, value: list[Any], path: Path) -> Any:
        before = self._document.findings
        read = [self._read(inner, item, (*path, place)) for place, inner in enumerate(value)]
        whole = not (self._wildcards and holds_reference(value))
        if whole and self._document.findings == before:
            return self._leaf(kind, value, path)
        return tuple(read)

    def _choice(self, kind: Any, members: tuple[Any, ...], value: Any, path: Path) -> Any:
        fitting = [member for member in members if _fits(shape_of(member), value)]
        if len(fitting) > 1:
            fitting = _by_tag(fitting, value) or fitting
        if not fitting:
            return self._refuse(_wrong_type(kind, value), kind, path)
        if len(fitting) > 1:
            fitting.sort(key=lambda member: self._trial(value, member, path))
        return self._read(value, fitting[0], path)

    def _trial(self, value: Any, member: Any, path: Path) -> int:
        """How many mistakes reading the value as this type would report."""
        scratch = Document(self._document.file)
        scratch.parsed = True
        Reader(scratch, wildcards=self._wildcards)._read(value, member, path)
        return scratch.findings

    def _leaf(self, kind: Any, value: Any, path: Path) -> Any:
        try:
            return msgspec.convert(value, kind, dec_hook=_convert_own)
        except msgspec.ValidationError as error:
            if self._wildcards and _may_become(kind, value):
                return value
            return self._refuse(_leaf_text(kind, value, str(error)), kind, path)

    def _refuse(self, text: str, kind: Any, path: Path) -> Any:
        self._document.report(path, text)
        return stand_in(kind)


def holds_reference(value: Any) -> bool:
    """Whether a reference stands anywhere inside."""
    return any(isinstance(leaf, str) and "${" in leaf for _, leaf in leaves(value))


def _may_become(kind: Any, value: Any) -> bool:
    """Whether a string with references inside may fit the type once they are resolved."""
    if not isinstance(value, str) or "${" not in value:
        return False
    return bool(options(kind)) or takes_text(kind)


def _fits(shape: Any, value: Any) -> bool:
    match shape:
        case Table() | OpenTable():
            return isinstance(value, dict)
        case Listing():
            return isinstance(value, list)
        case Anything():
            return True
        case _:
            return False


def _by_tag(members: list[Any], value: Mapping[str, Any]) -> list[Any]:
    def tagged(member: Any) -> bool:
        match shape_of(member):
            case Table(cls):
                config = cls.__struct_config__
                return config.tag is not None and value.get(config.tag_field or "") == config.tag
            case _:
                return False

    return [member for member in members if tagged(member)]


def _convert_own(kind: type, value: Any) -> Any:
    if kind is Duration:
        return parse_duration(value)
    raise NotImplementedError(f"no setting can have the type {kind.__name__}")


_GOT = re.compile(r"^Expected `.*`, got `.*`$")
_TYPES = {
    "`str`": "a string",
    "`int`": "a whole number",
    "`float`": "a number",
    "`array`": "a list",
}


def _leaf_text(kind: Any, value: Any, message: str) -> str:
    message = message.split(" - at `")[0]
    words = options(kind)
    if words and isinstance(value, str):
        return f"expected {describe(kind)}, got {in_words(value)}{did_you_mean(near(value, words))}"
    if _GOT.match(message) or _says_itself(kind):
        return _wrong_type(kind, value)
    for word, said in _TYPES.items():
        message = message.replace(word, said)
    return message[:1].lower() + message[1:]


def _wrong_type(kind: Any, value: Any) -> str:
    if named_secret(value) is not None:
        return REFUSED
    return f"expected {describe(kind)}, got {in_words(value)}{_hint(kind, value)}"


def _says_itself(kind: Any) -> bool:
    """Whether the declaration brings words of its own for what is expected."""
    match shape_of(kind):
        case Choice(members):
            return any(_says_itself(member) for member in members)
        case _:
            return describe(kind) != describe(bare(kind))


def _hint(kind: Any, value: Any) -> str:
    match shape_of(kind), value:
        case Listing(), str():
            return f": write [{in_words(value)}]"
        case Choice(members), str() if any(isinstance(shape_of(m), Listing) for m in members):
            return f": write [{in_words(value)}]"
        case ((Leaf() | Choice()), (bool() | int() | float())) if takes_text(kind):
            shown = str(value).lower() if isinstance(value, bool) else value
            return f': write it in quotes: "{shown}"'
        case _:
            return ""


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
