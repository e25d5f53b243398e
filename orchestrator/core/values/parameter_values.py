"""Values of parameters: what was given read as its type, and the text in which a job keeps it.

A job keeps texts: whole numbers in decimal, other numbers as short as they go, `true` and `false`,
lists as JSON. Not given is the empty text, for a boolean `false` and for a list `[]`.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.printable import printable
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import ParameterType

NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
LONGEST = 100
"""Characters."""
_NUMBER = re.compile(NUMBER)
_LARGEST_EXACT = 2**53


def number(text: str) -> int | float | None:
    """The number that the text says, a whole one without a point as an integer; None if it says
    none, or one too large."""
    if len(text) > LONGEST or not _NUMBER.fullmatch(text):
        return None
    if not any(sign in text for sign in ".eE"):
        return int(text)
    found = float(text)
    return found if math.isfinite(found) else None


def shortest(value: int | float) -> str:
    """The number as text: `3` for 3.0, `0.5`, `1e+300`."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_EXACT:
        return str(int(value))
    return str(value)


Value: TypeAlias = str | int | float | bool | list[str] | None

LARGEST_INTEGER = 2**63 - 1
SMALLEST_INTEGER = -(2**63)
_NOT_GIVEN = {ParameterType.BOOLEAN: "false", ParameterType.LIST: "[]"}
_EMPTY_IS_A_VALUE = (ParameterType.STRING, ParameterType.LIST)
_MEANT_BOOLEAN = {
    **dict.fromkeys(("True", "TRUE", "yes", "Yes", "on", "1", "y"), "true"),
    **dict.fromkeys(("False", "FALSE", "no", "No", "off", "0", "n"), "false"),
}


class ValueOfWrongType(Exception):
    """The value is none of the parameter's type; the message says what would be."""


def read(parameter: Parameter, given: Any) -> Value:
    """A value that was given, as text or as JSON has it, by its type. Raises ValueOfWrongType."""
    match parameter.type:
        case ParameterType.STRING | ParameterType.CHOICE:
            return _text(given)
        case ParameterType.INTEGER:
            return _integer(given)
        case ParameterType.NUMBER:
            return _number(given)
        case ParameterType.BOOLEAN:
            return _boolean(given)
        case ParameterType.LIST:
            return _list(given)


def _text(given: Any) -> str:
    if isinstance(given, str):
        return given
    raise ValueOfWrongType(f"{shown(given)} is no text: it belongs in quotes")


def _integer(given: Any) -> int:
    value = number(given) if isinstance(given, str) else given
    if isinstance(value, float) and value.is_integer() and not isinstance(given, str):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueOfWrongType(f"{shown(given)} is no whole number")
    if not SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        raise ValueOfWrongType(f"{shown(given)} is beyond 64 bits")
    return value


def _number(given: Any) -> int | float:
    value = number(given) if isinstance(given, str) else given
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value)
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueOfWrongType(f"{shown(given)} is no number")
    return number(shortest(value)) or 0


def _boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if given in ("true", "false"):
        return bool(given == "true")
    meant = _MEANT_BOOLEAN.get(given) if isinstance(given, str) else None
    guess = did_you_mean([meant] if meant else [])
    raise ValueOfWrongType(f"{shown(given)} is neither true nor false{guess}")


def _list(given: Any) -> list[str]:
    if isinstance(given, str):
        given = _items(given)
    if not isinstance(given, list | tuple):
        raise ValueOfWrongType(f'{shown(given)} is no list: a,b or ["a","b"]')
    for item in given:
        if not isinstance(item, str):
            raise ValueOfWrongType(f"the item {shown(item)} is no text: it belongs in quotes")
    return list(given)


def _items(text: str) -> Any:
    """`a,b`, or JSON where items hold commas or are empty."""
    if text.lstrip().startswith("["):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            raise ValueOfWrongType(f"{shown(text)} is no JSON list of texts") from None
    items = [item.strip() for item in text.split(",")] if text else []
    if not all(items):
        raise ValueOfWrongType(f'{shown(text)} has an empty item: a,b or ["a",""]')
    return items


def shown(value: Any) -> str:
    """A value that was given, in a message."""
    match value:
        case str():
            return f'"{printable(value)}"'
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int() | float():
            return printable(shortest(value)) if abs(value) < 1e300 else "a very large number"
        case list() | tuple():
            return "a list"
        case _:
            return "a table"


def text_of(value: Value) -> str:
    """The text in which a job keeps a value."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return shortest(value)
        case list():
            return msgspec.json.encode(value).decode()
        case str():
            return value


def not_given(parameter: Parameter) -> str:
    """The text of a parameter that was left out: its default, or nothing."""
    if parameter.default is not None:
        return parameter.default
    return _NOT_GIVEN.get(parameter.type, "")


def is_left_out(parameter: Parameter, given: Any) -> bool:
    """Whether this stands for no value: null, or what is kept of one that was left out."""
    if given is None or parameter.required:
        return given is None
    if parameter.type in _EMPTY_IS_A_VALUE:
        return parameter.default is None and given in ("", not_given(parameter), [])
    return bool(given == "")


def typed(parameters: tuple[Parameter, ...], params: Mapping[str, str]) -> dict[str, Any]:
    """The values that a job's texts stand for; null for a number or a choice left out."""
    by_name = {parameter.name: parameter for parameter in parameters}
    return {
        name: _typed(by_name[name], text) if name in by_name else text
        for name, text in params.items()
    }


def _typed(parameter: Parameter, text: str) -> Value:
    if text == "" and parameter.type not in _EMPTY_IS_A_VALUE:
        return None
    try:
        return read(parameter, text)
    except ValueOfWrongType:
        return text


def as_their_types(parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of any type for these parameters: numbers and booleans as text for those of text."""
    of_text = {p.name for p in parameters if p.type in (ParameterType.STRING, ParameterType.CHOICE)}
    return {
        name: text_of(value) if name in of_text and isinstance(value, int | float) else value
        for name, value in given.items()
    }


def written(value: Value) -> str:
    """A value as it is given on the command line: lists as `a,b` where that says the same."""
    if not isinstance(value, list):
        return text_of(value)
    joined = ",".join(value)
    plain = all(item and item == item.strip() and "," not in item for item in value)
    return joined if plain and not joined.startswith("[") else text_of(value)


def not_a_choice(parameter: Parameter, text: str) -> str | None:
    """What is wrong with a text that must be one of the parameter's choices, None if it is one."""
    if text in parameter.choices:
        return None
    allowed = ", ".join(shown(choice) for choice in parameter.choices)
    return f"{shown(text)} is none of {allowed}{did_you_mean(near(text, parameter.choices))}"
