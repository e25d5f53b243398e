"""What a chart renders to: objects, which of them they are, and where two renderings differ."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
import yaml

from orchestrator.plugin import AdapterError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path: TypeAlias = tuple[str | int, ...]


class Identity(msgspec.Struct, frozen=True, order=True):
    """One object of the cluster. `namespace` is empty where the manifest leaves it to helm."""

    api: str
    kind: str
    name: str
    namespace: str = ""

    def reference(self) -> dict[str, Any]:
        """As little of it as kubectl needs to find it."""
        metadata = {"name": self.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        return {"apiVersion": self.api, "kind": self.kind, "metadata": metadata}

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is called in every version of its API."""
        return (self.api.rpartition("/")[0], self.kind, self.name)

    @property
    def typed(self) -> str:
        """As kubectl takes it: `job.batch/web-hook`."""
        group = self.api.rpartition("/")[0]
        kind = f"{self.kind}.{group}" if group else self.kind
        return f"{kind.lower()}/{self.name}"

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


def identity(thing: dict[str, Any]) -> Identity:
    """Of an object as a manifest or the API has it."""
    metadata = thing.get("metadata") or {}
    return Identity(
        api=str(thing.get("apiVersion", "")),
        kind=str(thing.get("kind", "")),
        name=str(metadata.get("name", "")),
        namespace=str(metadata.get("namespace") or ""),
    )


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a manifest, those in lists too. Raises AdapterError."""
    try:
        documents = list(yaml.load_all(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        raise AdapterError(f"a manifest of helm's can't be read: {error}") from error
    return [found for document in documents for found in _flat(document)]


def _flat(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from _flat(item)
    elif document.get("kind"):
        yield document


def identities(things: Sequence[dict[str, Any]]) -> tuple[Identity, ...]:
    """Of objects, in their order."""
    return tuple(identity(thing) for thing in things)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of an object with the way to it."""
    match value:
        case dict() if value:
            for key, inner in value.items():
                yield from leaves(inner, (*path, str(key)))
        case list() if value:
            for place, inner in enumerate(value):
                yield from leaves(inner, (*path, place))
        case _:
            yield path, value


def at(value: Any, path: Path) -> Any:
    """What stands there, None where nothing does."""
    for key in path:
        match value:
            case dict():
                value = value.get(key)
            case list() if isinstance(key, int) and key < len(value):
                value = value[key]
            case _:
                return None
    return value


def taken_for(live: dict[str, Any], wanted: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether a live object has what `other` says somewhere where `wanted` says something else.

    Only what the two renderings differ in is looked at, so that what the API server fills in or
    writes in another form is no difference.
    """
    before = dict(leaves(wanted))
    return any(
        path in before and before[path] != value and at(live, path) == value
        for path, value in leaves(other)
    )
