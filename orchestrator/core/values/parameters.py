"""Parameters of a submission: which are accepted, and what an acceptable value is."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.printable import printable
from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.language.words import ParameterType
from orchestrator.core.values.parameter_values import (
    Value,
    ValueOfWrongType,
    is_left_out,
    not_a_choice,
    not_given,
    read,
    shortest,
    shown,
    text_of,
)

HIDDEN = "***"
"""What stands for the value of a secret parameter wherever the job is kept or shown."""
SHORTEST_SECRET = 4
"""Characters. Hiding shorter values would leave logs unreadable, and still tell them."""
LONGEST_VALUE = 65536
"""Bytes in UTF-8. A value becomes one argument or variable, and Linux bounds each at 128 KiB."""
LONGEST_MATCHED_VALUE = 1000
"""Bytes of a value that has a pattern: matching can take very long on long text."""
MOST_TOLD = 5
"""Faults of one value: a list may have as many as it has items."""


class ParameterProblem(Exception):
    """A submission's parameters are not acceptable; the message says which and why."""


class ParametersUnknown(ParameterProblem):
    """The pipeline has no parameters of these names."""


class ParametersMissing(ParameterProblem):
    """Required parameters were not given; all are named."""


class ParametersWrong(ParameterProblem):
    """Several things are wrong; `problems` are they, in words."""

    def __init__(self, problems: Iterable[ParameterProblem]) -> None:
        self.problems = tuple(str(problem) for problem in problems)
        super().__init__("several parameters are wrong, and nothing was submitted")


class ParameterMismatch(ParameterProblem):
    """The value does not match the parameter's pattern."""


class ParameterOfWrongType(ParameterProblem):
    """The value is none of the parameter's type."""


class ParameterOutOfRange(ParameterProblem):
    """The value is less or more, shorter or longer than the parameter allows."""


class ParameterNoChoice(ParameterProblem):
    """The value is none of those that the parameter allows."""


class ParameterUnusable(ParameterProblem):
    """The value cannot be passed to any tool: too long, or with a NUL character."""


def accept(
    parameters: tuple[Parameter, ...],
    given: Mapping[str, Any],
    origin: str,
    *,
    found: Iterable[ParameterProblem] = (),
) -> dict[str, str]:
    """The text of every parameter of the pipeline: what was given, else its default, else nothing.

    Values are given as text, or as JSON has their type. `origin` is the pipeline's file, for
    messages; `found` is what is known to be wrong. Raises the ParameterProblem, of several
    ParametersWrong.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    problems = [*found, *_unknown(by_name, given, origin)]
    kept = {
        name: value
        for name, value in given.items()
        if name in by_name and not is_left_out(by_name[name], value)
    }
    missing = [p for p in parameters if p.required and p.name not in kept]
    if missing:
        problems.append(ParametersMissing(_missing_text(missing, origin)))
    texts: dict[str, str] = {}
    for name, value in kept.items():
        try:
            texts[name] = check_value(by_name[name], value, origin)
        except ParameterProblem as problem:
            problems.append(problem)
    if problems:
        raise ParametersWrong(problems) if len(problems) > 1 else problems[0]
    return {p.name: texts[p.name] if p.name in texts else not_given(p) for p in parameters}


def check_value(parameter: Parameter, given: Any, origin: str) -> str:
    """The text of a value that was given. Raises a ParameterProblem."""
    where = f"{origin}: parameter {parameter.name}"
    if parameter.secret:
        return _check_secret(parameter, given, where)
    try:
        value = read(parameter, given)
        text = text_of(value)
        size = len(text.encode())
    except ValueOfWrongType as problem:
        raise ParameterOfWrongType(f"{where}: {problem}{_example(parameter)}") from None
    except UnicodeEncodeError:
        raise ParameterUnusable(f"{where}: the value is not valid Unicode") from None
    _refuse_unusable(parameter, value, size, where)
    found = (out_of_range(parameter, value), *_unlike(parameter, value))
    faults = [fault for fault in found if fault is not None]
    if faults:
        told = "; ".join(str(fault) for fault in faults[:MOST_TOLD])
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise type(faults[0])(f"{where}: {told}{more}{_example(parameter)}")
    return text


def _refuse_unusable(parameter: Parameter, value: Value, size: int, where: str) -> None:
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and "\0" in text for text in texts):
        raise ParameterUnusable(f"{where}: the value holds a NUL character, which no tool can take")
    matched = parameter.pattern is not None and not isinstance(value, list)
    limit = LONGEST_MATCHED_VALUE if matched else LONGEST_VALUE
    if size > limit:
        raise ParameterUnusable(f"{where}: the value is {size} bytes long; {limit} are the most")


def out_of_range(parameter: Parameter, value: Value) -> ParameterOutOfRange | None:
    """What is wrong with how large or long a value is."""
    match value:
        case bool() | None:
            return None
        case str():
            return _out_of_bounds(parameter, len(value), shown(value), "characters")
        case list():
            return _out_of_bounds(parameter, len(value), printable(text_of(value)), "items")
        case int() | float():
            return _out_of_bounds(parameter, value, shown(value), "")


def _out_of_bounds(
    parameter: Parameter, size: int | float, got: str, counted: str
) -> ParameterOutOfRange | None:
    got += f" has {size} {counted[:-1] if size == 1 else counted}" if counted else ""
    if parameter.min is not None and size < parameter.min:
        least = shortest(parameter.min)
        said = f", at least {least} are needed" if counted else f" is less than {least}"
        return ParameterOutOfRange(got + said)
    if parameter.max is not None and size > parameter.max:
        most = shortest(parameter.max)
        said = f", at most {most} are allowed" if counted else f" is more than {most}"
        return ParameterOutOfRange(got + said)
    return None


def _unlike(parameter: Parameter, value: Value) -> Iterator[ParameterProblem]:
    """What is wrong with each text of a value: it is no choice, or does not match the pattern."""
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str):
            continue
        if parameter.choices and (problem := not_a_choice(parameter, text)) is not None:
            yield ParameterNoChoice(problem)
        if parameter.pattern is None:
            continue
        if len(text) > LONGEST_MATCHED_VALUE or not re.fullmatch(parameter.pattern, text):
            yield ParameterMismatch(f"{quoted(text)} does not match {parameter.pattern}")


def _check_secret(parameter: Parameter, given: Any, where: str) -> str:
    """The same without a word of the value. One that an earlier job kept was judged then."""
    if given == HIDDEN:
        return HIDDEN
    if not isinstance(given, str) or not _is_usable(given):
        raise ParameterUnusable(
            f"{where}: the value must be text without NUL characters, {LONGEST_VALUE} bytes at most"
        )
    least = max(SHORTEST_SECRET, parameter.min or 0)
    if len(given.strip()) < SHORTEST_SECRET or len(given) < least:
        raise ParameterOutOfRange(
            f"{where}: the value must have at least {shortest(least)} characters; one of fewer "
            f"than {SHORTEST_SECRET} could not be hidden"
        )
    if parameter.max is not None and len(given) > parameter.max:
        raise ParameterOutOfRange(
            f"{where}: the value must have at most {shortest(parameter.max)} characters"
        )
    if parameter.pattern is not None and (
        len(given) > LONGEST_MATCHED_VALUE or not re.fullmatch(parameter.pattern, given)
    ):
        raise ParameterMismatch(f"{where}: the value does not match {parameter.pattern}")
    return given


def _is_usable(text: str) -> bool:
    """Whether a tool can be given it."""
    size = len(text.encode(errors="surrogatepass"))
    lone = any("\ud800" <= character <= "\udfff" for character in text)
    return "\0" not in text and not lone and size <= LONGEST_VALUE


def variable_name(parameter: str) -> str:
    """The environment variable in which scripts see the parameter."""
    return "ORCHESTRATOR_PARAM_" + parameter.upper().replace("-", "_")


def quoted(value: str) -> str:
    """The value in quotes, shortened, with control characters escaped."""
    return f'"{printable(value)}"'


def _unknown(
    by_name: Mapping[str, Parameter], given: Mapping[str, Any], origin: str
) -> Iterator[ParametersUnknown]:
    unknown = [name for name in given if name not in by_name]
    if not unknown:
        return
    if not by_name:
        names = ", ".join(quoted(name)[1:-1] for name in unknown)
        word = "parameter" if len(unknown) == 1 else "parameters"
        yield ParametersUnknown(f"{origin}: {word} {names}: the pipeline takes no parameters")
        return
    named = "; ".join(
        f"there is no parameter {quoted(name)[1:-1]}{did_you_mean(near(name, by_name))}"
        for name in unknown
    )
    yield ParametersUnknown(f"{origin}: {named} (parameters: {', '.join(by_name)})")


def _missing_text(missing: list[Parameter], origin: str) -> str:
    if len(missing) == 1:
        [only] = missing
        how = "@FILE" if only.secret else "VALUE"
        return f"{origin}: parameter {only.name} is required{_wanted(only)}: -p {only.name}={how}"
    named = ", ".join(p.name + _wanted(p) for p in missing)
    return f"{origin}: these parameters are required: {named}: -p NAME=VALUE for each"


def _wanted(parameter: Parameter) -> str:
    """What a value can be: the example, else the choices, else the type."""
    if parameter.example is not None:
        return _example(parameter)
    if parameter.choices:
        return f" (of {', '.join(shown(choice) for choice in parameter.choices)})"
    string = parameter.type is ParameterType.STRING
    return "" if string else f" (type: {parameter.type.value})"


def _example(parameter: Parameter) -> str:
    return "" if parameter.example is None else f" (for example {parameter.example})"
