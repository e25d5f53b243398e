"""Typed parameters: what is accepted as text and as JSON, what a job keeps, what refers read."""

import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.language.definition import (
    CleanupReference,
    EnvironmentDefinition,
    JobDefinition,
    Parameter,
    PipelineDefinition,
)
from orchestrator.core.language.words import ParameterType as Type
from orchestrator.core.rules.debts import cleanup_params
from orchestrator.core.values.parameter_values import typed, written
from orchestrator.core.values.parameters import (
    ParameterNoChoice,
    ParameterOfWrongType,
    ParameterOutOfRange,
    ParameterProblem,
    ParametersMissing,
    accept,
)
from orchestrator.core.values.references import JobFacts
from tests.row_ids import told_by
from tests.seed_budget import examples

COUNT = Parameter("x", Type.INTEGER, min=-5, max=10, example="3")
SHARE = Parameter("x", Type.NUMBER, min=0.5)
FORCE = Parameter("x", Type.BOOLEAN)
TIER = Parameter("x", Type.CHOICE, choices=("dev", "test", "prod"))
REGIONS = Parameter("x", Type.LIST, max=3, pattern="[a-z0-9, -]*")
TEXT = Parameter("x", min=2, max=4)

ACCEPTED: list[tuple[Parameter, Any, str, Any]] = [
    (COUNT, "7", "7", 7),
    (COUNT, 7, "7", 7),
    (COUNT, 7.0, "7", 7),
    (COUNT, "-0", "0", 0),
    (SHARE, "0.50", "0.5", 0.5),
    (SHARE, "3", "3", 3),
    (SHARE, "3.0", "3", 3),
    (SHARE, 1e300, "1e+300", 1e300),
    (SHARE, "12345678901234567890.5", "1.2345678901234567e+19", 1.2345678901234567e19),
    (FORCE, "true", "true", True),
    (FORCE, False, "false", False),
    (TIER, "prod", "prod", "prod"),
    (REGIONS, "a,b", '["a","b"]', ["a", "b"]),
    (REGIONS, " a , b ", '["a","b"]', ["a", "b"]),
    (REGIONS, "a", '["a"]', ["a"]),
    (REGIONS, "", "[]", []),
    (REGIONS, '["a, b", ""]', '["a, b",""]', ["a, b", ""]),
    (REGIONS, ["a", "b"], '["a","b"]', ["a", "b"]),
    (TEXT, "äöü", "äöü", "äöü"),
    (TEXT, "true", "true", "true"),
]


def given_as(table: Iterable[tuple[Parameter, Any, Any, Any]]) -> list[str]:
    """Ids of rows: the parameter's type, and what is given as Python writes it."""
    return [f"{one.type.name} {shown(value)}" for one, value, *_ in table]


def shown(value: object) -> str:
    digits = isinstance(value, int) and value > 10**20
    return "a very large number" if digits else ascii(value)[:20]


@pytest.mark.parametrize(("parameter", "value", "kept", "read"), ACCEPTED, ids=given_as(ACCEPTED))
def test_accepted(parameter: Parameter, value: Any, kept: str, read: Any) -> None:
    texts = accept((parameter,), {"x": value}, "p.toml")
    assert texts == {"x": kept}
    found = typed((parameter,), texts)["x"]
    assert found == read
    assert type(found) is type(read)


REFUSED: list[tuple[Parameter, Any, type[ParameterProblem], str]] = [
    (COUNT, "7.5", ParameterOfWrongType, '"7.5" is no whole number (for example 3)'),
    (COUNT, "007", ParameterOfWrongType, '"007" is no whole number (for example 3)'),
    (COUNT, "7 ", ParameterOfWrongType, '"7 " is no whole number (for example 3)'),
    (COUNT, True, ParameterOfWrongType, "true is no whole number (for example 3)"),
    (COUNT, [7], ParameterOfWrongType, "a list is no whole number (for example 3)"),
    (COUNT, 7.5, ParameterOfWrongType, "7.5 is no whole number (for example 3)"),
    (COUNT, 2**63, ParameterOfWrongType, "9223372036854775808 is beyond 64 bits (for example 3)"),
    (COUNT, 10**400, ParameterOfWrongType, "a very large number is beyond 64 bits (for example 3)"),
    (COUNT, "11", ParameterOutOfRange, "11 is more than 10 (for example 3)"),
    (COUNT, "-6", ParameterOutOfRange, "-6 is less than -5 (for example 3)"),
    (SHARE, "0.25", ParameterOutOfRange, "0.25 is less than 0.5"),
    (SHARE, "1e999", ParameterOfWrongType, '"1e999" is no number'),
    (SHARE, "nan", ParameterOfWrongType, '"nan" is no number'),
    (SHARE, math.inf, ParameterOfWrongType, "a very large number is no number"),
    (SHARE, 10**400, ParameterOfWrongType, "a very large number is beyond 64 bits"),
    (
        *(FORCE, "yes", ParameterOfWrongType),
        '"yes" is neither true nor false; did you mean true?',
    ),
    (FORCE, 1, ParameterOfWrongType, "1 is neither true nor false"),
    (FORCE, "maybe", ParameterOfWrongType, '"maybe" is neither true nor false'),
    (
        *(TIER, "prd", ParameterNoChoice),
        '"prd" is none of "dev", "test", "prod"; did you mean prod?',
    ),
    (TIER, 3, ParameterOfWrongType, "3 is no text: it belongs in quotes"),
    (TEXT, 1.10, ParameterOfWrongType, "1.1 is no text: it belongs in quotes"),
    (TEXT, "x", ParameterOutOfRange, '"x" has 1 character, at least 2 are needed'),
    (TEXT, "xxxxx", ParameterOutOfRange, '"xxxxx" has 5 characters, at most 4 are allowed'),
    (
        *(REGIONS, "a,b,c,d", ParameterOutOfRange),
        '["a","b","c","d"] has 4 items, at most 3 are allowed',
    ),
    (REGIONS, "a,,b", ParameterOfWrongType, '"a,,b" has an empty item: a,b or ["a",""]'),
    (REGIONS, "[a", ParameterOfWrongType, '"[a" is no JSON list of texts'),
    (REGIONS, "[" * 60000, ParameterOfWrongType, f'"{"[" * 77}..." is no JSON list of texts'),
    (REGIONS, "[1]", ParameterOfWrongType, "the item 1 is no text: it belongs in quotes"),
    (REGIONS, 5, ParameterOfWrongType, '5 is no list: a,b or ["a","b"]'),
    (
        *(REGIONS, '["a\\u0000"]', ParameterProblem),
        "the value holds a NUL character, which no tool can take",
    ),
    (REGIONS, "A", ParameterProblem, '"A" does not match [a-z0-9, -]*'),
    (
        *(Parameter("x", Type.LIST, choices=("eu1", "us1")), "eu1,us", ParameterNoChoice),
        '"us" is none of "eu1", "us1"; did you mean us1?',
    ),
    (
        *(Parameter("x", Type.INTEGER, required=True), "", ParameterOfWrongType),
        '"" is no whole number',
    ),
    (
        *(Parameter("x", Type.BOOLEAN, required=True), None, ParametersMissing),
        "is required (type: boolean): -p x=VALUE",
    ),
    (
        *(Parameter("x", Type.CHOICE, choices=("a", "b"), required=True), None, ParametersMissing),
        'is required (of "a", "b"): -p x=VALUE',
    ),
]


@pytest.mark.parametrize(("parameter", "value", "error", "message"), REFUSED, ids=given_as(REFUSED))
def test_refused(
    parameter: Parameter, value: Any, error: type[ParameterProblem], message: str
) -> None:
    with pytest.raises(error) as caught:
        accept((parameter,), {"x": value}, "p.toml")
    assert str(caught.value).removeprefix("p.toml: parameter x").lstrip(": ") == message


LEFT_OUT: list[tuple[Parameter, str, Any]] = [
    (Parameter("x"), "", ""),
    (Parameter("x", pattern="v.*", min=2), "", ""),
    (Parameter("x", Type.LIST, min=1), "[]", []),
    (Parameter("x", Type.INTEGER), "", None),
    (Parameter("x", Type.NUMBER), "", None),
    (TIER, "", None),
    (FORCE, "false", False),
    (REGIONS, "[]", []),
    (Parameter("x", Type.INTEGER, default="3"), "3", 3),
    (Parameter("x", Type.LIST, default='["a"]'), '["a"]', ["a"]),
]


@pytest.mark.parametrize(("parameter", "kept", "read"), LEFT_OUT)
def test_left_out(parameter: Parameter, kept: str, read: Any) -> None:
    for nothing in ({}, {"x": None}, {"x": kept}):
        texts = accept((parameter,), nothing, "p.toml")
        assert texts == {"x": kept}
        assert typed((parameter,), texts) == {"x": read}


def test_kept_under_another_definition() -> None:
    """What was kept under another definition is still read."""
    assert typed((COUNT,), {"x": "many", "y": "z"}) == {"x": "many", "y": "z"}


PARAMETERS = st.builds(
    Parameter,
    st.just("x"),
    st.sampled_from(Type),
    required=st.booleans(),
    choices=st.sampled_from([(), ("a", "true", "1")]),
    min=st.none() | st.integers(-3, 3),
    max=st.none() | st.integers(-3, 3) | st.floats(allow_nan=False),
).filter(lambda one: one.type is not Type.CHOICE or bool(one.choices))  # as `check` demands
GIVEN = (
    st.text()
    | st.sampled_from(["true", "1", "1.0", "-2e3", "a,b", '["a"]', "[", "", "None"])
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(st.text() | st.integers(), max_size=3)
)


@examples("parameter values")
@given(PARAMETERS, GIVEN)
def test_what_is_kept_is_accepted_again(parameter: Parameter, value: Any) -> None:
    """What is accepted is kept as it is accepted again."""
    try:
        kept = accept((parameter,), {"x": value}, "p.toml")
    except ParameterProblem as problem:
        assert str(problem).isprintable()
        return
    read = typed((parameter,), kept)
    assert accept((parameter,), kept, "p.toml") == kept
    assert accept((parameter,), read, "p.toml") == kept
    assert accept((parameter,), {"x": written(read["x"])}, "p.toml") == kept


def pipeline(name: str, *params: Parameter, **fields: Any) -> PipelineDefinition:
    return PipelineDefinition(name, "deploy", (), params=params, origin=f"{name}.toml", **fields)


MAPPED: list[tuple[Parameter, str, Any, Parameter, str]] = [
    (COUNT, "7", "${params.x}", Parameter("y", Type.INTEGER), "7"),
    (COUNT, "7", "${params.x}", Parameter("y", Type.NUMBER), "7"),
    (COUNT, "7", "${params.x}", Parameter("y"), "7"),
    (COUNT, "7", "n=${params.x}", Parameter("y"), "n=7"),
    (FORCE, "true", "${params.x}", Parameter("y"), "true"),
    (REGIONS, "a,b", "${params.x}", Parameter("y", Type.LIST), '["a","b"]'),
    (Parameter("x"), "7", "${params.x}", Parameter("y", Type.INTEGER), "7"),
    (Parameter("x", Type.INTEGER), "", "${params.x}", Parameter("y", Type.INTEGER), ""),
    (
        Parameter("x", Type.INTEGER),
        "",
        "${params.x}",
        Parameter("y", Type.INTEGER, default="9"),
        "9",
    ),
    (COUNT, "7", 5, Parameter("y", Type.INTEGER), "5"),
    (COUNT, "7", True, Parameter("y", Type.BOOLEAN), "true"),
    (COUNT, "7", "${job.id}", Parameter("y"), "118"),
    (COUNT, "7", "${environment.vars.zones}", Parameter("y", Type.LIST), '["a","b"]'),
]


@pytest.mark.parametrize(
    ("mine", "given_text", "written_value", "theirs", "kept"), MAPPED, ids=told_by(MAPPED, 0, 2, 3)
)
def test_a_cleanup_is_given_values_of_its_types(
    mine: Parameter, given_text: str, written_value: Any, theirs: Parameter, kept: str
) -> None:
    definition = JobDefinition(
        pipeline=pipeline("web", mine, cleanup=CleanupReference("tidy", {"y": written_value})),
        environment=EnvironmentDefinition("e", vars={"zones": ["a", "b"]}),
        cleanup=pipeline("tidy", theirs),
    )
    facts = JobFacts(118, "web", "e", "ada")
    params = accept((mine,), {"x": given_text}, "web.toml")
    assert cleanup_params(definition, facts, params) == {"y": kept}
