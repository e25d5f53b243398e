"""Parameters of a submission: which are accepted, and what an acceptable value is."""

import re
from collections.abc import Mapping

from orchestrator.core.definition import Parameter
from orchestrator.core.near import did_you_mean, near
from orchestrator.core.printable import printable

LONGEST_VALUE = 65536
"""Bytes in UTF-8. A value becomes one argument or variable, and Linux bounds each at 128 KiB."""
LONGEST_MATCHED_VALUE = 1000
"""Bytes of a value that has a pattern: matching can take very long on long text."""


class ParameterProblem(Exception):
    """A submission's parameters are not acceptable; the message says which and why."""


class ParametersUnknown(ParameterProblem):
    """The pipeline has no parameters of these names."""


class ParametersMissing(ParameterProblem):
    """Required parameters were not given; all are named."""


class ParameterMismatch(ParameterProblem):
    """The value does not match the parameter's pattern."""


class ParameterUnusable(ParameterProblem):
    """The value cannot be passed to any tool: too long, or with a NUL character."""


def accept(
    parameters: tuple[Parameter, ...], given: Mapping[str, str], origin: str
) -> dict[str, str]:
    """The value of every parameter of the pipeline: what was given, else its default, else "".

    `origin` is the pipeline's file, for messages. Raises ParametersUnknown, ParametersMissing,
    ParameterMismatch, ParameterUnusable.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    _refuse_unknown(by_name, given, origin)
    missing = [p for p in parameters if p.required and p.name not in given]
    if missing:
        raise ParametersMissing(_missing_text(missing, origin))
    for name, value in given.items():
        check_value(by_name[name], value, origin)
    return {p.name: given.get(p.name, p.default or "") for p in parameters}


def check_value(parameter: Parameter, value: str, origin: str) -> None:
    """Raises ParameterMismatch or ParameterUnusable."""
    where = f"{origin}: parameter {parameter.name}"
    limit = LONGEST_VALUE if parameter.pattern is None else LONGEST_MATCHED_VALUE
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ParameterUnusable(f"{where}: the value is not valid Unicode") from None
    if size > limit:
        raise ParameterUnusable(f"{where}: the value is {size} bytes long; {limit} are the most")
    if "\0" in value:
        raise ParameterUnusable(f"{where}: the value holds a NUL character, which no tool can take")
    if parameter.pattern is None or re.fullmatch(parameter.pattern, value):
        return
    raise ParameterMismatch(
        f"{where}: {quoted(value)} does not match {parameter.pattern}{_example(parameter)}"
    )


def variable_name(parameter: str) -> str:
    """The environment variable in which scripts see the parameter."""
    return "ORCHESTRATOR_PARAM_" + parameter.upper().replace("-", "_")


def quoted(value: str) -> str:
    """The value in quotes, shortened, with control characters escaped."""
    return f'"{printable(value)}"'


def _refuse_unknown(
    by_name: Mapping[str, Parameter], given: Mapping[str, str], origin: str
) -> None:
    unknown = [name for name in given if name not in by_name]
    if not unknown:
        return
    if not by_name:
        raise ParametersUnknown(
            f"{origin}: parameter {quoted(unknown[0])[1:-1]}: the pipeline takes no parameters"
        )
    named = "; ".join(
        f"there is no parameter {quoted(name)[1:-1]}{did_you_mean(near(name, by_name))}"
        for name in unknown
    )
    raise ParametersUnknown(f"{origin}: {named} (parameters: {', '.join(by_name)})")


def _missing_text(missing: list[Parameter], origin: str) -> str:
    if len(missing) == 1:
        [only] = missing
        return f"{origin}: parameter {only.name} is required{_example(only)}: -p {only.name}=VALUE"
    named = ", ".join(p.name + _example(p) for p in missing)
    return f"{origin}: these parameters are required: {named}: -p NAME=VALUE for each"


def _example(parameter: Parameter) -> str:
    return "" if parameter.example is None else f" (for example {parameter.example})"
