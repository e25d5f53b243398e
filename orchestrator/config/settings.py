"""A step's settings when it runs: references resolved, as the type that its adapter declares."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from orchestrator.config.secrets import named_secret, parts_of, takes_secret
from orchestrator.core.values.references import (
    Reference,
    ReferenceProblem,
    Scope,
    format_value,
    is_reference,
    references,
    resolve,
    text_so_far,
)
from orchestrator.plugin import Secret

Settings = TypeVar("Settings", bound=msgspec.Struct)


class SettingsInvalid(Exception):
    """With its references resolved the table does not fit the adapter; the message says where."""


class SecretValues(msgspec.Struct, frozen=True):
    """What an attempt was given: secrets by their names; `params` are the secret parameters."""

    named: Mapping[str, str] = {}
    params: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return "SecretValues(…)"


def resolve_settings(
    table: Mapping[str, Any],
    scope: Scope,
    cls: type[Settings],
    secrets: SecretValues = SecretValues(),  # noqa: B008  frozen
) -> Settings:
    """The settings of one attempt.

    What a reference alone in its string stands for is fitted to the setting's type where that
    loses nothing: the number 118 becomes "118" where a string is asked for, the parameter "10"
    becomes 10 where a number is. Where the type takes a Secret, `{ secret = "NAME" }` and a secret
    parameter become one. Raises SettingsInvalid, and ReferenceProblem as `resolve` does.
    """
    fitted = _resolved(dict(table), scope, cls, secrets)
    try:
        return msgspec.convert(fitted, cls)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise SettingsInvalid(str(error).replace("`$.", "`with.")) from None


def settings_so_far(value: Any, scope: Scope, kind: Any) -> Any:
    """As `resolve_settings` resolves, but what cannot be read yet stays as it is written, and
    nothing is judged. `kind` is the adapter's type; secrets stay references."""
    if named_secret(value) is not None:
        return value
    if is_reference(value):
        try:
            return _alone(value, scope, kind)
        except ReferenceProblem:
            return value
    parts = parts_of(value, kind)
    match value:
        case str():
            return text_so_far(value, scope)
        case Mapping():
            return {key: settings_so_far(inner, scope, its) for key, inner, its in parts}
        case list() | tuple():
            found = ((inner, settings_so_far(inner, scope, its), its) for _, inner, its in parts)
            return [inner for item, read, its in found for inner in _spread(item, read, its)]
        case _:
            return value


def _resolved(value: Any, scope: Scope, kind: Any, secrets: SecretValues) -> Any:
    if takes_secret(kind) and (secret := _secret(value, secrets)) is not None:
        return secret
    if is_reference(value):
        return _alone(value, scope, kind)
    parts = parts_of(value, kind)
    match value:
        case Mapping():
            return {key: _resolved(inner, scope, its, secrets) for key, inner, its in parts}
        case list() | tuple():
            items = (_items(inner, scope, its, secrets) for _, inner, its in parts)
            return [item for several in items for item in several]
        case _:
            return resolve(value, scope)


def _items(item: Any, scope: Scope, kind: Any, secrets: SecretValues) -> list[Any]:
    return _spread(item, _resolved(item, scope, kind, secrets), kind)


def _spread(item: Any, found: Any, kind: Any) -> list[Any]:
    """The item of a list; one that stands for a list itself is spread, where none is asked for."""
    spread = is_reference(item) and isinstance(found, list | tuple)
    if not spread or _converts(found, kind, strict=True):
        return [found]
    return [fit(part, kind) for part in found]


def _alone(reference: str, scope: Scope, kind: Any) -> Any:
    """What a reference alone in its string stands for; what is absent (a parameter left out,
    the failed step of a success, a debt where none was owed) is empty text."""
    found = resolve(reference, scope)
    if found is None and not _converts(None, kind, strict=True):
        return ""
    return fit(found, kind)


def _secret(value: Any, secrets: SecretValues) -> Secret | None:
    name = named_secret(value)
    if name is not None:
        return Secret.of(name, secrets.named[name])
    if not is_reference(value):
        return None
    match references(value):
        case (Reference(path=("params", name)),) if name in secrets.params:
            return Secret.of(name, secrets.params[name])
        case _:
            return None


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
