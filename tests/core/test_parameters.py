"""Which parameters of a submission are accepted."""

import pytest

from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.words import ParameterType
from orchestrator.core.values.parameters import (
    MOST_TOLD,
    ParameterMismatch,
    ParameterNoChoice,
    ParameterProblem,
    ParametersMissing,
    ParametersUnknown,
    ParametersWrong,
    ParameterUnusable,
    accept,
    variable_name,
)
from tests.row_ids import told_by

VERSION = Parameter("version", required=True, pattern=r"^v\d+\.\d+\.\d+$", example="v1.2.3")
NOTE = Parameter("note")
SIZE = Parameter("size", default="small", pattern="small|large")
WEB = (VERSION, NOTE, SIZE)
ORIGIN = "pipelines/web.toml"


def test_given_default_and_empty() -> None:
    assert accept(WEB, {"version": "v1.2.3"}, ORIGIN) == {
        "version": "v1.2.3",
        "note": "",
        "size": "small",
    }
    given = {"version": "v1.2.3", "note": "x\ny", "size": "large"}
    assert accept(WEB, given, ORIGIN) == given


REFUSED = [
    (
        {"version": "v1.2"},
        ParameterMismatch,
        r'pipelines/web.toml: parameter version: "v1.2" does not match ^v\d+\.\d+\.\d+$ '
        "(for example v1.2.3)",
    ),
    (
        {"version": "v1.2.3\n"},
        ParameterMismatch,
        r'pipelines/web.toml: parameter version: "v1.2.3\n" does not match ^v\d+\.\d+\.\d+$ '
        "(for example v1.2.3)",
    ),
    (
        {"version": "v1.2.3", "size": "smaller"},
        ParameterMismatch,
        'pipelines/web.toml: parameter size: "smaller" does not match small|large',
    ),
    (
        {},
        ParametersMissing,
        "pipelines/web.toml: parameter version is required (for example v1.2.3): -p version=VALUE",
    ),
    (
        {"version": "v1.2.3", "vresion": "x", "y": "z"},
        ParametersUnknown,
        "pipelines/web.toml: there is no parameter vresion; did you mean version?; "
        "there is no parameter y (parameters: version, note, size)",
    ),
    (
        {"version": "v1.2.3", "note": "a\0b"},
        ParameterUnusable,
        "pipelines/web.toml: parameter note: the value holds a NUL character, "
        "which no tool can take",
    ),
    (
        {"version": "v1.2.3", "note": "x" * 65537},
        ParameterUnusable,
        "pipelines/web.toml: parameter note: the value is 65537 bytes long; 65536 are the most",
    ),
    (
        {"version": "v" * 1001},
        ParameterUnusable,
        "pipelines/web.toml: parameter version: the value is 1001 bytes long; 1000 are the most",
    ),
    (
        {"version": "v1.2.3", "note": "\ud800"},
        ParameterUnusable,
        "pipelines/web.toml: parameter note: the value is not valid Unicode",
    ),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED, ids=told_by(REFUSED, 0, 1))
def test_refused(given: dict[str, str], error: type[ParameterProblem], message: str) -> None:
    with pytest.raises(error) as caught:
        accept(WEB, given, ORIGIN)
    assert str(caught.value) == message


def test_all_missing_ones_are_named_at_once() -> None:
    two = (VERSION, Parameter("zone", required=True))
    with pytest.raises(ParametersMissing) as caught:
        accept(two, {}, ORIGIN)
    assert str(caught.value) == (
        "pipelines/web.toml: these parameters are required: "
        "version (for example v1.2.3), zone: -p NAME=VALUE for each"
    )


def test_all_that_is_wrong_is_named_at_once() -> None:
    ports = Parameter("ports", ParameterType.INTEGER, min=2)
    zones = Parameter("zones", ParameterType.LIST, choices=("eu", "us"), max=2)
    given = {"size": "smal", "ports": "x", "zones": "eu,uss,e,ap", "vresion": "v1.2.3"}
    with pytest.raises(ParametersWrong) as caught:
        accept((*WEB, ports, zones, Parameter("token", required=True)), given, ORIGIN)
    assert str(caught.value) == "several parameters are wrong, and nothing was submitted"
    where = f"{ORIGIN}: parameter"
    assert caught.value.problems == (
        f"{ORIGIN}: there is no parameter vresion; did you mean version? "
        "(parameters: version, note, size, ports, zones, token)",
        f"{ORIGIN}: these parameters are required: "
        "version (for example v1.2.3), token: -p NAME=VALUE for each",
        f'{where} size: "smal" does not match small|large',
        f'{where} ports: "x" is no whole number',
        f'{where} zones: ["eu","uss","e","ap"] has 4 items, at most 2 are allowed; '
        '"uss" is none of "eu", "us"; did you mean us?; "e" is none of "eu", "us"; '
        'did you mean eu?; "ap" is none of "eu", "us"',
    )


def test_of_a_value_the_first_faults_are_told() -> None:
    zones = Parameter("zones", ParameterType.LIST, choices=("eu",))
    with pytest.raises(ParameterNoChoice) as caught:
        accept((zones,), {"zones": [f"zone{number}" for number in range(30)]}, ORIGIN)
    assert str(caught.value).count("is none of") == MOST_TOLD
    assert str(caught.value).endswith("; and 25 more")


def test_a_pipeline_without_parameters() -> None:
    with pytest.raises(ParametersUnknown, match="parameter x: the pipeline takes no parameters"):
        accept((), {"x": "1"}, ORIGIN)


def test_a_required_parameter_may_be_empty_when_given() -> None:
    assert accept((Parameter("a", required=True),), {"a": ""}, ORIGIN) == {"a": ""}


def test_a_long_value_is_shown_in_short() -> None:
    """A long value is shown in short, and without escapes."""
    with pytest.raises(ParameterMismatch) as caught:
        accept((SIZE,), {"size": "\x1b[2J" + "x" * 200}, ORIGIN)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_variables_of_scripts() -> None:
    assert variable_name("log-level") == "ORCHESTRATOR_PARAM_LOG_LEVEL"
