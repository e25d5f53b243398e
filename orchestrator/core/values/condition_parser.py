"""The text of a `when`, read into a tree; what is no condition is refused at its column.

some       = every { "or" every }
every      = negated { "and" negated }
negated    = { "not" } compared
compared   = value [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in" ) value ]
value      = text | number | "true" | "false" | "null" | reference | "[" … "]" | "(" some ")"
"""

import enum
import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from orchestrator.core.values.parameter_values import NUMBER
from orchestrator.core.values.references import ROOTS, SEGMENT, Reference

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


LONGEST = 1000
"""Characters of a condition."""
DEEPEST = 50
"""Parentheses, lists and negations inside each other."""
COMPARISONS = {comparison.value: comparison for comparison in Comparison}
CONSTANTS: dict[str, Constant] = {"true": True, "false": False, "null": None}
KEYWORDS = ("and", "or", "not", "in", *CONSTANTS)
ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
MEANT = {
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
    "=": "==",
    "None": "null",
    "nil": "null",
}
"""What other languages write for it."""


class ConditionMalformed(Exception):
    """It is no condition. `column` is where, the first being 1; the message says what is wrong."""

    def __init__(self, column: int, text: str) -> None:
        super().__init__(f"column {column}: {text}")
        self.column = column


class Kind(enum.Enum):
    """What a token is."""

    SPACE = r"\s+"
    TEXT = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
    NUMBER = NUMBER + r"(?![\w.-])"
    REFERENCE = r"\$\{[^{}]*\}"
    WORD = r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
    SIGN = r"==|!=|<=|>=|<|>|[()\[\],]"
    END = r"\Z"


class Token(msgspec.Struct, frozen=True):
    """One word, sign or value of a condition, and where it begins (0 is the first)."""

    kind: Kind
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else self.text[:40]


_TOKEN = re.compile("|".join(f"(?P<{kind.name}>{kind.value})" for kind in Kind), re.DOTALL)
_WRONG = re.compile(r"&&?|\|\|?|[!=~%*/+-]+|\S", re.DOTALL)


def tokens(text: str) -> Iterator[Token]:
    """The tokens, the end last. Raises ConditionMalformed."""
    if len(text) > LONGEST:
        raise ConditionMalformed(LONGEST + 1, f"a condition has at most {LONGEST} characters")
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            raise _no_token(text, at)
        kind = Kind[found.lastgroup or Kind.END.name]
        if kind is not Kind.SPACE:
            yield Token(kind, found[0], at)
        if kind is Kind.END:
            return
        at = found.end()


def _no_token(text: str, at: int) -> ConditionMalformed:
    rest = text[at:]
    if rest[0] in "\"'":
        return ConditionMalformed(at + 1, f"the closing {rest[0]} of this text is missing")
    if rest.startswith("${"):
        return ConditionMalformed(at + 1, "the closing } of this reference is missing")
    if rest[0].isdigit() or re.match(r"-[0-9]", rest):
        shown = rest.split()[0][:40]
        return ConditionMalformed(at + 1, f'{shown} is no number; text stands in quotes: "{shown}"')
    wrong = _WRONG.match(rest)
    shown = wrong[0] if wrong else rest[0]
    shown = shown if shown.isprintable() else shown.encode("unicode_escape").decode()
    meant = MEANT.get(shown)
    if meant is not None:
        return ConditionMalformed(at + 1, f"there is no {shown}; did you mean {meant}?")
    return ConditionMalformed(at + 1, f"{shown} means nothing here (there is no arithmetic)")


class Parser:
    """Reads one condition. Raises ConditionMalformed."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._next = 0
        self._depth = 0

    def condition(self) -> Node:
        """The whole text."""
        node = self._some()
        if self._token.kind is not Kind.END:
            raise self._expected("`and`, `or`, a comparison or the end")
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> bool:
        """Go past the next token if it is one of these words or signs."""
        taken = self._token.kind in (Kind.WORD, Kind.SIGN) and self._token.text in texts
        self._next += taken
        return taken

    def _expected(self, what: str) -> ConditionMalformed:
        token = self._token
        meant = MEANT.get(token.text) or _in_capitals(token)
        guess = f"; did you mean {meant}?" if meant else ""
        return ConditionMalformed(token.at + 1, f"expected {what}, got {token}{guess}")

    def _some(self) -> Node:
        parts = [self._every()]
        while self._take("or"):
            parts.append(self._every())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _every(self) -> Node:
        parts = [self._negated()]
        while self._take("and"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _negated(self) -> Node:
        if not self._take("not"):
            return self._compared()
        self._enter()
        inner = self._negated()
        self._depth -= 1
        return Negated(inner)

    def _compared(self) -> Node:
        left = self._value()
        comparison = self._comparison()
        if comparison is None:
            return left
        right = self._value()
        again = self._token
        if self._comparison() is not None:
            raise ConditionMalformed(
                again.at + 1, "comparisons are not chained: write `and` between two of them"
            )
        return Compared(left, comparison, right)

    def _comparison(self) -> Comparison | None:
        token = self._token
        if self._take("not"):
            if not self._take("in"):
                raise self._expected("`in` after `not`")
            return Comparison.NOT_IN
        return COMPARISONS[token.text] if self._take(*COMPARISONS) else None

    def _value(self) -> Node:
        token = self._token
        if self._take("("):
            return self._inside_parentheses()
        if self._take("["):
            return self._items()
        if self._take(*CONSTANTS):
            return Literal(CONSTANTS[token.text])
        node = self._single(token)
        self._next += 1
        return node

    def _single(self, token: Token) -> Node:
        match token.kind:
            case Kind.TEXT:
                return Literal(_unquoted(token))
            case Kind.NUMBER:
                whole = re.fullmatch(r"-?[0-9]+", token.text)
                return Literal(int(token.text) if whole else float(token.text))
            case Kind.REFERENCE:
                return Read(_reference(token, token.text[2:-1]))
            case Kind.WORD if token.text not in KEYWORDS:
                return Read(_bare_reference(token))
            case _:
                raise self._expected("a value")

    def _inside_parentheses(self) -> Node:
        self._enter()
        inner = self._some()
        if not self._take(")"):
            raise self._expected("`and`, `or`, a comparison or `)`")
        self._depth -= 1
        return inner

    def _items(self) -> Node:
        self._enter()
        items = []
        while not self._take("]"):
            items.append(self._value())
            if not self._take(",") and self._token.text != "]":
                raise self._expected("`,` or `]`")
        self._depth -= 1
        return Listed(tuple(items))

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            at = self._tokens[self._next - 1].at
            raise ConditionMalformed(at + 1, f"more than {DEEPEST} levels inside each other")


def _in_capitals(token: Token) -> str | None:
    lower = token.text.lower()
    return lower if token.kind is Kind.WORD and lower in KEYWORDS and lower != token.text else None


def _unquoted(token: Token) -> str:
    inner = token.text[1:-1]
    if "${" in inner:
        raise ConditionMalformed(
            token.at + 1 + token.text.index("${"),
            "text in quotes is taken as it is: a reference stands without quotes, as ${params.X} "
            "or params.X",
        )
    for found in re.finditer(r"\\(.)", inner, re.DOTALL):
        if found[1] not in ESCAPES:
            raise ConditionMalformed(
                token.at + 2 + found.start(),
                "a backslash in quotes stands before n, t, a quote or a backslash; "
                "a backslash itself is two of them",
            )
    return re.sub(r"\\(.)", lambda found: ESCAPES[found[1]], inner, flags=re.DOTALL)


def _reference(token: Token, path: str) -> Reference:
    segments = tuple(path.split("."))
    if not all(SEGMENT.fullmatch(segment) for segment in segments):
        raise ConditionMalformed(
            token.at + 1,
            f"{token}: a reference is names with dots between them, such as params.version",
        )
    return Reference(segments)


def _bare_reference(token: Token) -> Reference:
    """A word without a dot that is no root is text that somebody forgot to quote."""
    word = token.text
    if "." in word or word in ROOTS:
        return _reference(token, word)
    meant = MEANT.get(word) or _in_capitals(token)
    if meant is not None:
        raise ConditionMalformed(token.at + 1, f"there is no {word}; did you mean {meant}?")
    raise ConditionMalformed(
        token.at + 1,
        f'{token} is neither a reference nor a value; text stands in quotes: "{token}"',
    )
