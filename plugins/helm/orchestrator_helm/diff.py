"""What an upgrade would change, for people who approve it. What Secrets hold is not shown."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import yaml

from orchestrator_helm.manifests import Identity, identity

MASK = "***"
CHANGED = "*** (changed)"
_HIDDEN = ("data", "stringData")

Thing: TypeAlias = dict[str, Any]


class Difference(msgspec.Struct, frozen=True):
    """The text, and how many objects are added, changed and removed."""

    text: str
    added: int
    changed: int
    removed: int

    @property
    def summary(self) -> str:
        """One line."""
        if not (self.added or self.changed or self.removed):
            return "no changes"
        return f"+{self.added} ~{self.changed} -{self.removed}"


def difference(before: Sequence[Thing], after: Sequence[Thing]) -> Difference:
    """Between the objects of two renderings, hooks among them."""
    old, new = _by_identity(before), _by_identity(after)
    added = [key for key in new if key not in old]
    removed = [key for key in old if key not in new]
    changed = [key for key in new if key in old and old[key] != new[key]]
    parts = [
        *(f"+ {_name(new[key])}\n{_lines({}, new[key])}" for key in added),
        *(f"~ {_name(new[key])}\n{_lines(old[key], new[key])}" for key in changed),
        *(f"- {_name(old[key])}\n" for key in removed),
    ]
    return Difference("\n".join(parts), len(added), len(changed), len(removed))


def _by_identity(things: Iterable[Thing]) -> dict[Identity, Thing]:
    return {identity(thing): thing for thing in things}


def _name(thing: Thing) -> str:
    notes = (thing.get("metadata") or {}).get("annotations") or {}
    hook = f" (hook {notes['helm.sh/hook']})" if "helm.sh/hook" in notes else ""
    return f"{identity(thing)}{hook}"


def _lines(old: Thing, new: Thing) -> str:
    old, new = _masked(old, old), _masked(new, old)
    found = difflib.unified_diff(_text(old), _text(new), n=2)
    return "".join(f"    {line}" for line in _without_header(found))


def _without_header(lines: Iterator[str]) -> Iterator[str]:
    return (line for place, line in enumerate(lines) if place > 1 and not line.startswith("@@"))


def _text(thing: Thing) -> list[str]:
    if not thing:
        return []
    text = yaml.safe_dump(thing, sort_keys=True, width=10_000, allow_unicode=True)
    return text.splitlines(keepends=True)


def _masked(thing: Thing, old: Thing) -> Thing:
    """A Secret without what it holds; a value that differs from the old one is still seen to."""
    if thing.get("kind") != "Secret":
        return thing
    hidden = {key: _mask(thing[key], old.get(key)) for key in _HIDDEN if key in thing}
    return {**thing, **hidden}


def _mask(values: Any, old: Any) -> Any:
    if not isinstance(values, Mapping):
        return MASK
    known = old if isinstance(old, Mapping) else {}
    return {
        key: CHANGED if key in known and known[key] != value else MASK
        for key, value in values.items()
    }
