"""Whether the references of a value can be resolved, before any job exists."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from orchestrator.core.language.rejections import did_you_mean, near
from orchestrator.core.values.conditions import ConditionMalformed
from orchestrator.core.values.conditions import parse as parse_condition
from orchestrator.core.values.references import (
    DEBT_FIELDS,
    JOB_FIELDS,
    JOB_FIELDS_AT_END,
    Path,
    Reference,
    ReferenceProblem,
    ReferenceTooEarly,
    ReferenceUnknown,
    leaves,
    no_text,
    parse,
    unknown_shape,
)


class Known(msgspec.Struct, frozen=True):
    """What can be read in one place of the configuration.

    `params` of None: there are none to read there at all. `vars` maps each environment that the
    value may meet to its variables: a name must be in every one. `steps` are the pipeline's;
    those in `ended` have surely ended. `debt`: whether the job's debt can be read. `matrix` are the
    names of the step's own matrix. `at_end`: whether the job's conclusion is known here.
    `lists` are the parameters that are lists, `secret_params` those that are secret. `secrets` are
    the names that `{ secret = … }` can give, None where they are not known.
    """

    params: frozenset[str] | None = frozenset()
    vars: Mapping[str, Mapping[str, Any]] = {}
    steps: Collection[str] = ()
    ended: Collection[str] = ()
    debt: bool = True
    matrix: frozenset[str] = frozenset()
    at_end: bool = False
    secrets: frozenset[str] | None = None
    secret_params: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()


def check_references(
    value: Any, known: Known, *, as_text: bool = False
) -> Iterator[tuple[Path, ReferenceProblem]]:
    """Every reference in `value` that cannot be resolved, with its path inside the value.

    `as_text`: what stands alone becomes text, too.
    """
    for path, leaf in leaves(value):
        if not isinstance(leaf, str) or "${" not in leaf:
            continue
        try:
            parts = parse(leaf)
        except ReferenceProblem as problem:
            yield path, problem
            continue
        inside = as_text or len(parts) > 1
        for part in parts:
            if isinstance(part, Reference) and (found := _check(part, known, inside)) is not None:
                yield path, found


def check_condition(text: str, known: Known) -> Iterator[ConditionMalformed | ReferenceProblem]:
    """What is wrong with a `when`: that it can't be read, or every reference that can't."""
    try:
        condition = parse_condition(text)
    except ConditionMalformed as malformed:
        yield malformed
        return
    for reference in condition.references:
        if (problem := _check(reference, known) or _secret(reference, known)) is not None:
            yield problem


def _secret(reference: Reference, known: Known) -> ReferenceProblem | None:
    match reference.path:
        case ("params", name) if name in known.secret_params:
            return ReferenceUnknown(f"{reference} is a secret, which no condition can read")
        case _:
            return None


def _check(
    reference: Reference, known: Known, inside_text: bool = False
) -> ReferenceProblem | None:
    match reference.path:
        case ("params", name) if inside_text and name in known.lists:
            return no_text(reference, "a list")
        case ("params", name):
            return _check_param(reference, name, known.params)
        case ("environment", "name"):
            return None
        case ("environment", "vars", name, *_):
            return _check_var(reference, name, known.vars)
        case ("steps", step, "outputs", _, *_):
            return _check_step(reference, step, known)
        case ("matrix", name, *_):
            return _check_matrix(reference, name, known.matrix)
        case ("job", field) if field in JOB_FIELDS:
            return _check_job(reference, field, known)
        case ("debt", field) if field in DEBT_FIELDS:
            return None if known.debt else _no_debt(reference)
        case _:
            return unknown_shape(reference)


def _check_param(
    reference: Reference, name: str, params: frozenset[str] | None
) -> ReferenceProblem | None:
    if params is None:
        return ReferenceUnknown(f"{reference}: parameters belong to a pipeline, not to this file")
    if name in params:
        return None
    guess = did_you_mean(near(name, params))
    return ReferenceUnknown(f"{reference}: the pipeline has no parameter {name}{guess}")


def _check_var(
    reference: Reference, name: str, environments: Mapping[str, Mapping[str, Any]]
) -> ReferenceProblem | None:
    lacking = sorted(env for env, names in environments.items() if name not in names)
    if not lacking:
        return None
    guess = did_you_mean(near(name, environments[lacking[0]]))
    shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
    return ReferenceUnknown(f"{reference}: no {name} in the vars of environment {shown}{guess}")


def _check_step(reference: Reference, step: str, known: Known) -> ReferenceProblem | None:
    if step in known.ended:
        return None
    if step in known.steps or not known.steps:
        return ReferenceTooEarly(f"{reference}: step {step} has not ended when this is read")
    guess = did_you_mean(near(step, known.ended))
    return ReferenceUnknown(f"{reference}: there is no step {step}{guess}")


def _check_matrix(
    reference: Reference, name: str, names: frozenset[str]
) -> ReferenceProblem | None:
    if not names:
        return ReferenceUnknown(f"{reference}: only a step with a `matrix` can read this")
    if name in names:
        return None
    guess = did_you_mean(near(name, names))
    return ReferenceUnknown(f"{reference}: the step's matrix has no {name}{guess}")


def _check_job(reference: Reference, field: str, known: Known) -> ReferenceProblem | None:
    if field not in JOB_FIELDS_AT_END or known.at_end:
        return None
    return ReferenceTooEarly(
        f"{reference} is not known before the steps have ended: read it in `finally` or `on_…`"
    )


def _no_debt(reference: Reference) -> ReferenceProblem:
    return ReferenceTooEarly(f"{reference}: this is read at submit, before anything is owed")
