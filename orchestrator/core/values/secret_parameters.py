"""Secret parameters: the core sees a value once, to judge it; a job keeps where it lies.

The shell keeps values in files. In a job's parameters `***` stands for one, and `secrets` maps its
name to a reference, which the shell can read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.language.definition import CleanupReference, Parameter
from orchestrator.core.values.parameters import HIDDEN, ParameterProblem
from orchestrator.core.values.references import Reference, is_reference, references


class SecretGivenOpenly(ParameterProblem):
    """The value of a secret parameter did not come from a file."""


class SecretNotKept(ParameterProblem):
    """What an earlier job kept as a secret (or did not) is otherwise by today's definition."""


def names_of(parameters: tuple[Parameter, ...]) -> frozenset[str]:
    """The secret ones."""
    return frozenset(parameter.name for parameter in parameters if parameter.secret)


def given_openly(
    parameters: tuple[Parameter, ...],
    given: Mapping[str, Any],
    kept: Mapping[str, str],
    origin: str,
) -> Iterator[SecretGivenOpenly]:
    """What is to be said of each secret of which no value is kept although one was given."""
    secret = names_of(parameters)
    for name, value in given.items():
        if name in secret and value and name not in kept:
            yield SecretGivenOpenly(
                f"{origin}: parameter {name} is a secret and was given openly, where others can "
                f"see it: give it by a file, -p {name}=@FILE, or by standard input, -p {name}=@-"
            )


def demand_secret(parameters: tuple[Parameter, ...], kept: Mapping[str, str], origin: str) -> None:
    """Raise SecretNotKept unless every value that is kept is a secret's."""
    secret = names_of(parameters)
    for name in kept:
        if name not in secret:
            raise SecretNotKept(
                f"{origin}: parameter {name} was a secret of that job and is none today: "
                "submit the job anew"
            )


def hidden(parameters: tuple[Parameter, ...], params: Mapping[str, str]) -> dict[str, str]:
    """The parameters as a job keeps them."""
    secret = names_of(parameters)
    return {name: HIDDEN if name in secret and value else value for name, value in params.items()}


def of_cleanup(reference: CleanupReference | None, secrets: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the secrets of the cleanup that a job owes, of which this is kept."""
    if reference is None:
        return {}
    mapped = ((name, parameter_of(value)) for name, value in reference.params.items())
    return {name: secrets[own] for name, own in mapped if own is not None and own in secrets}


def parameter_of(value: object) -> str | None:
    """The name of the parameter, where a value is one alone."""
    if not isinstance(value, str) or not is_reference(value):
        return None
    match references(value):
        case (Reference(path=("params", name)),):
            return name
        case _:
            return None
