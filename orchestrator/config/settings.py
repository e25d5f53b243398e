"""A step's settings when it runs: references resolved, as the type that its adapter declares."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from orchestrator.config.shapes import Choice, Listing, OpenTable, Table, fields_of, shape_of
from orchestrator.core.references import Scope, format_value, is_reference, resolve

Settings = TypeVar("Settings", bound=msgspec.Struct)


class SettingsInvalid(Exception):
    """With its references resolved the table does not fit the adapter; the message says where."""


def resolve_settings(table: Mapping[str, Any], scope: Scope, cls: type[Settings]) -> Settings:
    """The settings of one attempt.

    What a reference alone in its string stands for is fitted to the setting's type where that
    loses nothing: the number 118 becomes "118" where a string is asked for, the parameter "10"
    becomes 10 where a number is. Raises SettingsInvalid, and ReferenceProblem as `resolve` does.
    """
    fitted = _resolved(dict(table), scope, cls)
    try:
        return msgspec.convert(fitted, cls)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise SettingsInvalid(str(error).replace("`$.", "`with.")) from None


def _resolved(value: Any, scope: Scope, kind: Any) -> Any:
    if is_reference(value):
        return fit(resolve(value, scope), kind)
    match shape_of(kind), value:
        case Table(cls), Mapping():
            kinds = {field.encode_name: field.type for field in fields_of(cls)}
            return {k: _resolved(v, scope, kinds.get(k, Any)) for k, v in value.items()}
        case OpenTable(_, inner), Mapping():
            return {key: _resolved(item, scope, inner) for key, item in value.items()}
        case Listing(inner), list() | tuple():
            return [_resolved(item, scope, inner) for item in value]
        case Choice(members), Mapping() | list() | tuple():
            fitting = [member for member in members if _is_container(member, value)]
            return _resolved(value, scope, fitting[0] if len(fitting) == 1 else Any)
        case _:
            return resolve(value, scope)


def _is_container(kind: Any, value: Any) -> bool:
    match shape_of(kind):
        case Table() | OpenTable():
            return isinstance(value, Mapping)
        case Listing():
            return isinstance(value, list | tuple)
        case _:
            return False


def fit(value: Any, kind: Any) -> Any:
    """The value as the type takes it; as it is, where nothing fits."""
    candidates = [value]
    if isinstance(value, bool | int | float):
        candidates.append(format_value(value))
    for candidate in candidates:
        if _converts(candidate, kind, strict=True):
            return candidate
    if isinstance(value, str) and _converts(value, kind, strict=False):
        return msgspec.to_builtins(msgspec.convert(value, kind, strict=False))
    return value


def _converts(value: Any, kind: Any, *, strict: bool) -> bool:
    try:
        msgspec.convert(value, kind, strict=strict)
    except (msgspec.ValidationError, TypeError, ValueError):
        return False
    return True
