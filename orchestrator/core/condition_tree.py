"""A condition taken apart: what the parser makes and the rules read."""

import enum
from typing import TypeAlias

import msgspec

from orchestrator.core.references import Reference

Constant: TypeAlias = str | int | float | bool | None


class Comparison(enum.Enum):
    """What is asked of two values."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    NOT_IN = "not in"


class Literal(msgspec.Struct, frozen=True):
    """A value that the condition writes itself."""

    value: Constant


class Read(msgspec.Struct, frozen=True):
    """What a reference stands for; null where that can't be read."""

    reference: Reference


class Listed(msgspec.Struct, frozen=True):
    """`[a, b]`"""

    items: tuple["Node", ...]


class Negated(msgspec.Struct, frozen=True):
    """`not a`"""

    inner: "Node"


class Every(msgspec.Struct, frozen=True):
    """`a and b and …`"""

    parts: tuple["Node", ...]


class Some(msgspec.Struct, frozen=True):
    """`a or b or …`"""

    parts: tuple["Node", ...]


class Compared(msgspec.Struct, frozen=True):
    """`a == b` and the like."""

    left: "Node"
    comparison: Comparison
    right: "Node"


Node: TypeAlias = Literal | Read | Listed | Negated | Every | Some | Compared
