"""`[secrets.X]`, and where a value names a secret: what is a secret there, and what may not be."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from orchestrator.config.document import Document
from orchestrator.config.files import SecretTable
from orchestrator.config.paths import Host, located
from orchestrator.config.shapes import (
    Anything,
    Choice,
    Listing,
    OpenTable,
    Table,
    bare,
    fields_of,
    shape_of,
)
from orchestrator.core.language.definition import (
    CredentialSecret,
    FileSecret,
    PluginSecret,
    SecretDefinition,
    SecretUse,
    Variables,
)
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.values.parameters import variable_name
from orchestrator.core.values.reference_check import Known
from orchestrator.core.values.references import Path, ReferenceProblem, is_reference, references
from orchestrator.plugin import Secret

SOURCES = ("file", "credential", "plugin")
REFUSED = "this setting can't be a secret, for it may stand on a command line; give it by `env`"


def without_plugin_settings(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """orchestrator.toml without the keys of `[secrets.X]` that only a plugin can judge."""
    secrets = data.get("secrets")
    if not isinstance(secrets, dict):
        return data
    return {**data, "secrets": {name: _own_keys(table) for name, table in secrets.items()}}


def _own_keys(table: Any) -> Any:
    if not isinstance(table, dict) or "plugin" not in table:
        return table
    return {key: value for key, value in table.items() if key in SOURCES}


def read_secrets(
    tables: Mapping[str, SecretTable],
    document: Document,
    directory: FilePath,
    host: Host,
    plugins: Iterable[str],
) -> dict[str, SecretDefinition]:
    """Where each secret is read; mistakes are reported. No secret itself is looked at."""
    found: dict[str, SecretDefinition] = {}
    for name, table in tables.items():
        written = document.data["secrets"][name]
        given = [key for key in SOURCES if isinstance(written, dict) and key in written]
        if len(given) != 1:
            said = f"gives {' and '.join(given)}" if given else "says from nowhere"
            document.report(
                ("secrets", name),
                f"{said}: exactly one of `file`, `credential` and `plugin` says where it is read",
            )
        elif table.file is not None:
            found[name] = FileSecret(str(located(table.file, directory, host)))
        elif table.credential is not None:
            found[name] = CredentialSecret(table.credential)
        elif table.plugin is not None:
            found[name] = _of_plugin(name, table.plugin, document, sorted(plugins))
    return found


def _of_plugin(name: str, plugin: str, document: Document, known: list[str]) -> PluginSecret:
    if plugin not in known:
        installed = f"installed: {', '.join(known)}" if known else "none is installed"
        document.report(
            ("secrets", name, "plugin"),
            f'no plugin brings secrets by the name "{plugin}"'
            f"{did_you_mean(near(plugin, known))} ({installed})",
        )
    written = document.data["secrets"][name]
    return PluginSecret(plugin, {k: v for k, v in written.items() if k not in SOURCES})


@functools.lru_cache(maxsize=4096)
def takes_secret(kind: Any) -> bool:
    """Whether a setting of this type may be a secret: `str | Secret`, or `Any | Secret`."""
    match shape_of(kind):
        case Choice(members):
            return any(bare(member) is Secret for member in members)
        case _:
            return bare(kind) is Secret


def named_secret(value: Any) -> str | None:
    """The name, where the value is `{ secret = "NAME" }`."""
    match value:
        case {"secret": str(name), **rest} if not rest:
            return name
        case _:
            return None


def parts_of(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """What a value of this type holds: key or place, value, and type. Of a secret nothing."""
    match shape_of(kind), value:
        case Choice(), _ if takes_secret(kind):
            if named_secret(value) is None:
                yield from _parts_beside_secrets(value, kind)
        case Table(cls), Mapping():
            kinds = {field.encode_name: field.type for field in fields_of(cls)}
            yield from ((key, inner, kinds.get(key, Any)) for key, inner in value.items())
        case OpenTable(_, inner_kind), Mapping():
            yield from ((key, inner, inner_kind) for key, inner in value.items())
        case Listing(item), list() | tuple():
            yield from ((place, inner, item) for place, inner in enumerate(value))
        case Choice(members), Mapping() | list() | tuple():
            yield from parts_of(value, _container(members, value))
        case _:
            yield from ((key, inner, Any) for key, inner in _items(value))


def _parts_beside_secrets(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """Where anything or a secret may stand, that holds for what is inside of it too."""
    match shape_of(kind):
        case Choice(members) if any(isinstance(shape_of(member), Anything) for member in members):
            yield from ((key, inner, kind) for key, inner in _items(value))
        case Choice(members):
            others = tuple(member for member in members if bare(member) is not Secret)
            yield from parts_of(value, _container(others, value))


def _container(members: tuple[Any, ...], value: Any) -> Any:
    """The one type of a choice that can hold such a value; Any where that is not clear."""
    fitting = [member for member in members if _is_container(member, value)]
    return fitting[0] if len(fitting) == 1 else Any


def _is_container(kind: Any, value: Any) -> bool:
    match shape_of(kind):
        case Table() | OpenTable():
            return isinstance(value, Mapping)
        case Listing():
            return isinstance(value, list | tuple)
        case _:
            return False


def _items(value: Any) -> Iterable[tuple[str | int, Any]]:
    match value:
        case Mapping():
            return value.items()
        case list() | tuple():
            return enumerate(value)
        case _:
            return ()


def secrets_named(value: Any, kind: Any) -> Iterator[str]:
    """The names of the secrets that settings of this type are given."""
    name = named_secret(value)
    if name is not None and takes_secret(kind):
        yield name
    for _, inner, inner_kind in parts_of(value, kind):
        yield from secrets_named(inner, inner_kind)


def secrets_in_env(*layers: Variables) -> frozenset[str]:
    """The names of the secrets in `env` tables, the later of which win."""
    merged: Variables = {}
    for layer in layers:
        merged |= layer
    return frozenset(value.secret for value in merged.values() if isinstance(value, SecretUse))


def report_secrets(document: Document, path: Path, value: Any, kind: Any, known: Known) -> None:
    """Report secrets that do not exist, and those that stand where none may."""
    if _speaks_of_secrets(value, known):
        _report_secrets(document, path, value, kind, known)


def _speaks_of_secrets(value: Any, known: Known) -> bool:
    """Whether there is anything in a value that could be one; most settings are done with this."""
    left = [value]
    while left:
        match left.pop():
            case str(text):
                if known.secret_params and "${" in text:
                    return True
            case Mapping() as table:
                if "secret" in table:
                    return True
                left.extend(table.values())
            case list() | tuple() as items:
                left.extend(items)
    return False


def _report_secrets(document: Document, path: Path, value: Any, kind: Any, known: Known) -> None:
    name = named_secret(value)
    if name is not None and takes_secret(kind):
        report_unknown_secret(document, (*path, "secret"), name, known)
    elif isinstance(shape_of(kind), Anything) and name in (known.secrets or ()):
        document.report(path, REFUSED)
    if isinstance(value, str) and not (takes_secret(kind) and is_reference(value)):
        _report_secret_parameters(document, path, value, known)
    for key, inner, inner_kind in parts_of(value, kind):
        _report_secrets(document, (*path, key), inner, inner_kind, known)


def report_unknown_secret(document: Document, path: Path, name: str, known: Known) -> None:
    """Report a secret that orchestrator.toml does not have."""
    if not name or known.secrets is None or name in known.secrets:
        return
    guess = did_you_mean(near(name, known.secrets))
    document.report(
        path,
        f'there is no secret "{name}"{guess}; [secrets.{name}] in orchestrator.toml makes one',
    )


def _report_secret_parameters(document: Document, path: Path, text: str, known: Known) -> None:
    try:
        found = references(text) if "${" in text else ()
    except ReferenceProblem:  # reported already
        return
    for reference in found:
        match reference.path:
            case ("params", name) if name in known.secret_params:
                document.report(
                    path,
                    f"{reference} is a secret, and {REFUSED} "
                    f"(scripts have it as ${variable_name(name)})",
                )
