"""Which parameters fit a pipeline, and how they are sent."""

import datetime
from typing import Any

import msgspec
import pytest
from orchestrator_spinnaker import parameters
from orchestrator_spinnaker.executions import PipelineConfig

from orchestrator.plugin import Secret
from tests.testbed.spinnaker.spinnaker_pipelines import parameter

OPTIONS = [{"value": "staging"}, {"value": "production"}]
CONFIG = [
    parameter("version", required=True),
    parameter("region", "eu-west-2", required=True),
    parameter("target", hasOptions=True, options=OPTIONS),
    parameter("count", hasOptions=True, options=[{"value": 1}, {"value": "2"}]),
    parameter("note"),
    {"name": "old", "required": None, "hasOptions": None, "options": None, "default": ""},
]


def config(given: list[dict[str, Any]] | None = None, **more: Any) -> PipelineConfig:
    known = {"id": "x", "name": "Deploy", "application": "shop", "parameterConfig": given}
    return msgspec.convert({**known, **more}, PipelineConfig)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"region": "us-east-1", "note": "", "old": None},
        {"target": "staging", "count": 1},
        {"target": "", "count": "2"},
        {"note": ["a", {"b": 1}]},
        {"target": Secret.of("target", "production")},
    ],
)
def test_fitting(given: dict[str, Any]) -> None:
    assert list(parameters.problems({"version": "v1", **given}, config(CONFIG))) == []


@pytest.mark.parametrize(
    ("given", "name", "text"),
    [
        ({}, "version", "shop/Deploy requires it and has no default"),
        ({"version": ""}, "version", "it is empty, and the pipeline requires it"),
        ({"version": "1", "region": ""}, "region", "it is empty, and the pipeline requires it"),
        (
            {"version": "1", "target": "prodution"},
            "target",
            '"prodution" is none of the pipeline\'s options; did you mean "production"?',
        ),
        (
            {"version": "1", "target": "x"},
            "target",
            '"x" is none of the pipeline\'s options (staging, production)',
        ),
        (
            {"version": "1", "target": Secret.of("target", "hush")},
            "target",
            "the secret is none of the pipeline's options (staging, production)",
        ),
        ({"version": "1", "count": 3}, "count", '"3" is none of the pipeline\'s options (1, 2)'),
        (
            {"version": "1", "verison": "2"},
            "verison",
            'shop/Deploy has no such parameter; did you mean "version"?',
        ),
        (
            {"version": "1", "zzz": "2"},
            "zzz",
            "shop/Deploy has no such parameter (it has: version, region, target, count, note, old)",
        ),
    ],
)
def test_not_fitting(given: dict[str, Any], name: str, text: str) -> None:
    found = [
        (problem.setting, problem.text) for problem in parameters.problems(given, config(CONFIG))
    ]
    assert found == [(f"parameters.{name}", text)]


def test_what_nobody_has_given_yet_is_not_judged() -> None:
    given = {"version": "", "target": "x", "note": ["x"]}
    assert list(parameters.problems(given, config(CONFIG), {"", "x"})) == []
    assert [problem.setting for problem in parameters.problems(given, config(CONFIG), {"x"})] == [
        "parameters.version"
    ]


def test_a_pipeline_without_parameters() -> None:
    for none in (config(None), config([])):
        (found,) = parameters.problems({"version": "1"}, none)
        assert found.text == "shop/Deploy has no such parameter, nor any other"
        assert list(parameters.problems({}, none)) == []


def test_a_template_may_have_further_parameters() -> None:
    templated = config(CONFIG, type="templatedPipeline")
    assert list(parameters.problems({"version": "1", "other": 1}, templated)) == []


def test_they_are_sent_as_people_would_type_them() -> None:
    given = {
        "text": "v1",
        "number": 3,
        "share": 0.5,
        "yes": True,
        "secret": Secret.of("token", "hush"),
        "day": datetime.date(2026, 1, 31),
        "list": ["a", 1, Secret.of("token", "hush")],
        "table": {"b": {"c": False}},
    }
    assert parameters.sent(given) == {
        "text": "v1",
        "number": "3",
        "share": "0.5",
        "yes": "true",
        "secret": "hush",
        "day": "2026-01-31",
        "list": ["a", 1, "hush"],
        "table": {"b": {"c": False}},
    }
