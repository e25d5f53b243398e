"""Whether a value that a pipeline gives to its cleanup can be one of the cleanup's parameter."""

from collections.abc import Mapping
from typing import Any

from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.words import ParameterType
from orchestrator.core.values.parameter_values import as_their_types
from orchestrator.core.values.parameters import ParameterProblem, check_value
from orchestrator.core.values.references import Reference, is_reference, parse

_FITTING: dict[ParameterType, tuple[ParameterType, ...]] = {
    ParameterType.STRING: tuple(kind for kind in ParameterType if kind is not ParameterType.LIST),
    ParameterType.CHOICE: tuple(kind for kind in ParameterType if kind is not ParameterType.LIST),
    ParameterType.INTEGER: (
        *(ParameterType.INTEGER, ParameterType.NUMBER),
        *(ParameterType.STRING, ParameterType.CHOICE),
    ),
    ParameterType.NUMBER: (
        *(ParameterType.INTEGER, ParameterType.NUMBER),
        *(ParameterType.STRING, ParameterType.CHOICE),
    ),
    ParameterType.BOOLEAN: (
        *(ParameterType.BOOLEAN, ParameterType.STRING),
        ParameterType.CHOICE,
    ),
    ParameterType.LIST: (ParameterType.LIST, ParameterType.STRING, ParameterType.CHOICE),
}
"""For the type of a cleanup's parameter, the types of which a value may be one of it."""
_NULL_WHEN_LEFT_OUT = (ParameterType.INTEGER, ParameterType.NUMBER, ParameterType.CHOICE)


def misfit(value: Any, theirs: Parameter, mine: Mapping[str, Parameter], origin: str) -> str | None:
    """Why the value, as written, can never be one of the parameter `theirs`; None if it may be.

    `mine` are the parameters of the pipeline, `origin` is the file of the cleanup.
    """
    if not isinstance(value, str) or "${" not in value:
        return _misfit_of_constant(value, theirs, origin)
    if not is_reference(value):
        return None
    [reference] = parse(value)
    match reference:
        case Reference(("params", name)) if name in mine:
            return _misfit_of_parameter(mine[name], theirs, origin)
        case _:
            return None


def _misfit_of_constant(value: Any, theirs: Parameter, origin: str) -> str | None:
    fitted = as_their_types((theirs,), {theirs.name: value})[theirs.name]
    try:
        check_value(theirs, fitted, origin)
    except ParameterProblem as problem:
        return str(problem)
    return None


def _misfit_of_parameter(mine: Parameter, theirs: Parameter, origin: str) -> str | None:
    where = f"{origin}: parameter {theirs.name}"
    if mine.type not in _FITTING[theirs.type]:
        return (
            f"{where} has the type {theirs.type.value}, {mine.name} here has {mine.type.value}: "
            "no value fits"
        )
    left_out = not mine.required and mine.default is None and mine.type in _NULL_WHEN_LEFT_OUT
    if theirs.required and left_out:
        return (
            f"{where} is required, {mine.name} here may be left out: "
            "give it a default, or require it too"
        )
    if mine.type is ParameterType.CHOICE:
        return _misfit_of_choices(mine, theirs, origin)
    return None


def _misfit_of_choices(mine: Parameter, theirs: Parameter, origin: str) -> str | None:
    for choice in mine.choices:
        try:
            check_value(theirs, choice, origin)
        except ParameterProblem as problem:
            return str(problem)
    return None
