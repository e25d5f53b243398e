"""Where each step stands in the drawing of a graph.

What follows stands below, in the same column; what runs side by side is held by a bracket:

    build
    ┌─ unit
    │  more        follows unit
    └─ lint
    ship           follows more and lint

A group that is neither (some of it waits for some of the rest) is drawn as a bracket too, and
says in words who waits for whom.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DEEPEST = 40
"""Brackets within brackets; what is deeper than that is told in words."""


class Place:
    """One step: what stands before its name, before the lines below it, and what it is said to
    wait for."""

    def __init__(self, name: str, before: str, below: str, after: list[str]) -> None:
        self.name = name
        self.before = before
        self.below = below
        self.after = after


def layout(needs: Mapping[str, Iterable[str]]) -> list[Place]:
    """Every step of a graph without cycles, in the order in which they are drawn.

    `needs` maps each to those that it waits for; those that are not in it are left out.
    """
    return list(_drawn(_reduced(needs), "", "", 0))


def _reduced(needs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The same graph without what goes without saying: c needs a, where c needs b and b needs a."""
    known = {name: [need for need in wanted if need in needs] for name, wanted in needs.items()}
    bit = {name: 1 << place for place, name in enumerate(known)}
    ancestors: dict[str, int] = {}
    direct: dict[str, list[str]] = {}
    for name in _in_order(known):
        farther = 0
        for need in known[name]:
            farther |= ancestors[need]
        direct[name] = [need for need in known[name] if not farther & bit[need]]
        ancestors[name] = farther
        for need in direct[name]:
            ancestors[name] |= bit[need]
    return {name: direct[name] for name in known}


def _in_order(needs: Mapping[str, list[str]]) -> Iterator[str]:
    """Each after all that it needs."""
    for level in _levels(needs):
        yield from level


def _levels(needs: Mapping[str, list[str]]) -> list[list[str]]:
    """The steps by how many stand one behind the other before them, each level as written."""
    level: dict[str, int] = {}
    for name in needs:
        to_do = [name]
        while to_do:
            first = [need for need in needs[to_do[-1]] if need not in level]
            if first:
                to_do += first
                continue
            ready = to_do.pop()
            level[ready] = 1 + max((level[need] for need in needs[ready]), default=-1)
    levels: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in needs:
        levels[level[name]].append(name)
    return levels


def _drawn(needs: dict[str, list[str]], first: str, rest: str, depth: int) -> Iterator[Place]:
    """A graph whose first line begins with `first` and whose others begin with `rest`."""
    beside = _components(needs)
    if len(beside) > 1 and depth < _DEEPEST:
        for place, one in enumerate(beside):
            joint, below = _bracket(place, len(beside))
            yield from _drawn(one, (rest if place else first) + joint, rest + below, depth + 1)
        return
    pieces = _pieces(needs)
    for piece in pieces:
        if len(piece) == 1:
            yield Place(next(iter(piece)), first, rest, [])
        elif len(pieces) > 1:
            yield from _drawn(piece, first, rest, depth + 1)
        else:
            yield from _told(piece, first, rest)
        first = rest


def _told(needs: dict[str, list[str]], first: str, rest: str) -> Iterator[Place]:
    for place, name in enumerate(_in_order(needs)):
        joint, below = _bracket(place, len(needs))
        yield Place(name, (rest if place else first) + joint, rest + below, needs[name])


def _bracket(place: int, count: int) -> tuple[str, str]:
    """What stands before one of so many in a bracket, and before the lines below it."""
    if place == count - 1:
        return "└─ ", "   "
    return ("├─ " if place else "┌─ "), "│  "


def _components(needs: dict[str, list[str]]) -> list[dict[str, list[str]]]:
    """What has nothing to do with one another, in the order in which it is written."""
    near: dict[str, list[str]] = {name: list(wanted) for name, wanted in needs.items()}
    for name, wanted in needs.items():
        for need in wanted:
            near[need].append(name)
    group: dict[str, str] = {}
    for name in needs:
        to_do = [] if name in group else [name]
        while to_do:
            one = to_do.pop()
            if one not in group:
                group[one] = name
                to_do += near[one]
    found: dict[str, dict[str, list[str]]] = {}
    for name in needs:
        found.setdefault(group[name], {})[name] = needs[name]
    return list(found.values())


def _pieces(needs: dict[str, list[str]]) -> list[dict[str, list[str]]]:
    """What follows one another: each piece begins when the whole of the one above has ended."""
    pieces: list[dict[str, list[str]]] = []
    last: set[str] = set()
    for level in _levels(needs):
        if all(last == set(needs[name]) for name in level):
            pieces.append({})
        last.difference_update(need for name in level for need in needs[name])
        last.update(level)
        pieces[-1].update((name, needs[name]) for name in level)
    return [_without_the_rest(piece) for piece in pieces]


def _without_the_rest(piece: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: [need for need in wanted if need in piece] for name, wanted in piece.items()}
