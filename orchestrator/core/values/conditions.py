"""`when`: a small language over references that always has an answer.

Whatever can't be read is null, and values of different types are neither equal nor in order. Text
is what scripts write, so text that says `true`, `false` or a number is read as that where it meets
a boolean or a number, and where it stands alone.
"""

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_never

import msgspec

from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.printable import LONGEST_SHOWN, printable
from orchestrator.core.values.condition_parser import (
    Compared,
    Comparison,
    ConditionMalformed,
    Every,
    Listed,
    Literal,
    Negated,
    Node,
    Parser,
    Read,
    Some,
)
from orchestrator.core.values.parameter_values import number
from orchestrator.core.values.references import (
    Reference,
    ReferenceProblem,
    ReferenceTooEarly,
    Scope,
    format_value,
    read,
)

__all__ = ["Condition", "ConditionMalformed", "foreseen", "holds", "parse", "reads_debt", "why"]

DEEPEST_VALUE = 50
"""Levels of lists and tables that are compared; deeper ones are not equal."""


class Condition(msgspec.Struct, frozen=True):
    """A condition that was read: its text, and every reference in it, once."""

    text: str
    tree: Node
    references: tuple[Reference, ...]


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Condition:
    """Read a condition. Raises ConditionMalformed."""
    tree = Parser(text).condition()
    return Condition(text, tree, tuple(dict.fromkeys(_references(tree))))


def _references(node: Node) -> Iterator[Reference]:
    match node:
        case Literal():
            return
        case Read(reference):
            yield reference
        case Listed(inner) | Every(inner) | Some(inner):
            for part in inner:
                yield from _references(part)
        case Negated(part):
            yield from _references(part)
        case Compared(left, _, right):
            yield from _references(left)
            yield from _references(right)
        case _:
            assert_never(node)


def holds(condition: Condition, scope: Scope) -> bool:
    """Whether it is true of what the scope holds."""
    return _truth(_value(condition.tree, scope))


def foreseen(condition: Condition, scope: Scope) -> bool | None:
    """Whether it will hold, whatever is read that is not known yet; None where it hangs on that."""
    return _foreseen(condition.tree, scope)


def _foreseen(node: Node, scope: Scope) -> bool | None:
    match node:
        case Negated(inner):
            return _negation(_foreseen(inner, scope))
        case Every(parts):
            return _all([_foreseen(part, scope) for part in parts])
        case Some(parts):
            return _negation(_all([_negation(_foreseen(part, scope)) for part in parts]))
        case _:
            known = not any(_is_early(reference, scope) for reference in _references(node))
            return _truth(_value(node, scope)) if known else None


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _negation(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _is_early(reference: Reference, scope: Scope) -> bool:
    try:
        read(reference, scope)
    except ReferenceTooEarly:
        return True
    except ReferenceProblem:
        return False
    return False


def why(condition: Condition, scope: Scope) -> str:
    """`when params.tier == "prod" is false (params.tier is "dev")`: with every value it read."""
    verdict = "true" if holds(condition, scope) else "false"
    reads = "; ".join(_reading(reference, scope) for reference in condition.references)
    said = f"when {printable(' '.join(condition.text.split()), 3 * LONGEST_SHOWN)} is {verdict}"
    return f"{said} ({reads})" if reads else said


def _value(node: Node, scope: Scope) -> Any:
    match node:
        case Literal(value):
            return value
        case Read(reference):
            return _read(reference, scope)
        case Listed(items):
            return [_value(item, scope) for item in items]
        case Negated(inner):
            return not _truth(_value(inner, scope))
        case Every(parts):
            return all(_truth(_value(part, scope)) for part in parts)
        case Some(parts):
            return any(_truth(_value(part, scope)) for part in parts)
        case Compared(left, comparison, right):
            return _compare(comparison, _value(left, scope), _value(right, scope))
        case _:
            assert_never(node)


def _read(reference: Reference, scope: Scope) -> Any:
    try:
        return read(reference, scope)
    except ReferenceProblem:
        return None


def _compare(comparison: Comparison, left: Any, right: Any) -> bool:
    match comparison:
        case Comparison.EQUAL:
            return _equal(left, right)
        case Comparison.UNEQUAL:
            return not _equal(left, right)
        case Comparison.LESS:
            return _ordered(operator.lt, left, right)
        case Comparison.AT_MOST:
            return _ordered(operator.le, left, right)
        case Comparison.MORE:
            return _ordered(operator.gt, left, right)
        case Comparison.AT_LEAST:
            return _ordered(operator.ge, left, right)
        case Comparison.IN:
            return _contains(right, left)
        case Comparison.NOT_IN:
            return not _contains(right, left)
        case _:
            assert_never(comparison)


def _truth(value: Any) -> bool:
    return bool(_meant(value))


def _equal(left: Any, right: Any, depth: int = 0) -> bool:
    left, right = _alike(left, right)
    if _kind(left) is not _kind(right) or depth > DEEPEST_VALUE:
        return False
    match left:
        case Mapping():
            return left.keys() == right.keys() and all(
                _equal(left[key], right[key], depth + 1) for key in left
            )
        case list() | tuple():
            pairs = zip(left, right, strict=False)
            return len(left) == len(right) and all(_equal(a, b, depth + 1) for a, b in pairs)
        case _:
            return bool(left == right)


def _ordered(order: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    left, right = _alike(left, right)
    kind = _kind(left)
    return kind is _kind(right) and kind in (float, str) and order(left, right)


def _contains(whole: Any, part: Any) -> bool:
    match whole:
        case str():
            return isinstance(part, str) and part in whole
        case list() | tuple():
            return any(_equal(part, item) for item in whole)
        case _:
            return False


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """The two values, a text read as what it says where the other is a number or a boolean."""
    if isinstance(left, str) and isinstance(right, int | float):
        return _meant(left), right
    if isinstance(right, str) and isinstance(left, int | float):
        return left, _meant(right)
    return left, right


def _meant(value: Any) -> Any:
    """A text that says `true`, `false` or a number, as that; all else as it is."""
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    said = number(value)
    return value if said is None else said


def _kind(value: Any) -> type:
    """Whole numbers are floats here; booleans are no numbers."""
    match value:
        case bool():
            return bool
        case int() | float():
            return float
        case list() | tuple():
            return list
        case Mapping():
            return dict
        case _:
            return type(value)


def _reading(reference: Reference, scope: Scope) -> str:
    name = ".".join(reference.path)
    try:
        return f"{name} is {_shown(read(reference, scope))}"
    except ReferenceProblem as problem:
        reason = str(problem).removeprefix(f"{reference}: ").replace(str(reference), "it")
        return f"{name} is null: {reason}"


def _shown(value: Any, depth: int = 0) -> str:
    match value:
        case None:
            return "null"
        case str():
            return f'"{printable(value)}"'
        case int() if value.bit_length() > LONGEST_SHOWN:
            return "a very large number"
        case bool() | int() | float():
            return format_value(value)
        case list() | tuple() if depth == 0:
            items = ", ".join(_shown(item, depth + 1) for item in value[:LONGEST_SHOWN])
            return f"[{printable(items)}]"
        case Mapping():
            return "a table"
        case _:
            return "a list" if isinstance(value, list | tuple) else printable(str(value))


def reads_debt(definition: JobDefinition) -> bool:
    """Whether anything in a definition reads which debt a run of it pays.

    The text is searched, so that no place where a value may stand can be forgotten; a description
    that only mentions `${debt.…}` counts too, which costs a run and never a cleanup.
    """
    conditions = (parse(step.when) for step in definition.pipeline.steps if step.when is not None)
    in_conditions = (reference for found in conditions for reference in found.references)
    return b"${debt." in msgspec.json.encode(definition) or any(
        reference.path[0] == "debt" for reference in in_conditions
    )
