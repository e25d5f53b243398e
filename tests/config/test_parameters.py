"""`[params.X]`: every type, and every mistake in its table at its line."""

import pytest

from orchestrator.core.language.definition import Parameter
from orchestrator.core.language.words import ParameterType as Type
from tests.config.config_material import Mistakes, Reads

PIPELINE = 'kind = "deploy"\n[[steps]]\nname = "a"\nuses = "command"\nwith = { run = ["x"] }\n'

READ = [
    ("", Parameter("v")),
    ("default = 'x'\nexample = 'y'", Parameter("v", default="x", example="y")),
    ("min = 2\nmax = 3\ndefault = 'äö'", Parameter("v", min=2, max=3, default="äö")),
    (
        "type = 'integer'\nmin = -1\nmax = 10\ndefault = 3\nexample = 7",
        Parameter("v", Type.INTEGER, min=-1, max=10, default="3", example="7"),
    ),
    (
        "type = 'number'\nmin = 0.5\ndefault = 1.0\nexample = 0.75",
        Parameter("v", Type.NUMBER, min=0.5, default="1", example="0.75"),
    ),
    ("type = 'number'\ndefault = 1e300", Parameter("v", Type.NUMBER, default="1e+300")),
    ("type = 'boolean'\ndefault = true", Parameter("v", Type.BOOLEAN, default="true")),
    (
        "type = 'choice'\nchoices = ['a', 'b']\ndefault = 'b'",
        Parameter("v", Type.CHOICE, choices=("a", "b"), default="b"),
    ),
    (
        "type = 'list'\nmin = 1\nmax = 3\npattern = '[a-z ]+'\ndefault = ['a', 'b c']\n"
        "example = ['x', 'y']",
        Parameter(
            *("v", Type.LIST), min=1, max=3, pattern="[a-z ]+", default='["a","b c"]', example="x,y"
        ),
    ),
    (
        "type = 'list'\nchoices = ['a', 'b,c']\nexample = ['b,c']",
        Parameter("v", Type.LIST, choices=("a", "b,c"), example='["b,c"]'),
    ),
    ("type = 'list'\ndefault = []", Parameter("v", Type.LIST, default="[]")),
]


@pytest.mark.parametrize(("table", "parameter"), READ)
def test_read(reads: Reads, table: str, parameter: Parameter) -> None:
    files = {"environments/e.toml": "", "pipelines/p.toml": PIPELINE + "[params.v]\n" + table}
    assert reads(files).pipelines["p"].params == (parameter,)


MISTAKES = [
    (
        "type = 'bolean'\nmin = 'x'\npattern = '['\ndefault = 3",
        [
            '7: params.v.type: expected one of "string", "integer", "number", "boolean", '
            '"choice", "list", got "bolean"; did you mean boolean?',
            '8: params.v.min: expected a whole number or a number, got "x"',
        ],
    ),
    (
        "type = 'integer'\npattern = 'x'\nchoices = ['x']\nmin = 0.5\nmax = 0.25",
        [
            '8: params.v.pattern: the type "integer" has no `pattern`, only "string" or "list" has',
            '9: params.v.choices: the type "integer" has no `choices`, only "choice" or "list" has',
            "10: params.v.min: expected a whole number, got 0.5",
            "11: params.v.max: 0.25 is less than `min`, which is 0.5: no value would do",
            "11: params.v.max: expected a whole number, got 0.25",
        ],
    ),
    (
        "type = 'boolean'\nmin = 1\nmax = 2",
        [
            '8: params.v.min: the type "boolean" has no `min`, '
            'only "string" or "list" or "integer" or "number" has',
            '9: params.v.max: the type "boolean" has no `max`, '
            'only "string" or "list" or "integer" or "number" has',
        ],
    ),
    ("type = 'choice'", ['6: params.v: `choices` is missing: expected ["…", "…"]']),
    (
        "type = 'choice'\nchoices = []",
        ["8: params.v.choices: expected a list of length >= 1"],
    ),
    (
        "type = 'choice'\nchoices = ['a', '', 'a']",
        [
            "8: params.v.choices[1]: a choice is a text of one character at least",
            '8: params.v.choices[2]: "a" stands here twice',
        ],
    ),
    (
        "type = 'choice'\nchoices = ['dev', 'prod']\ndefault = 'prd'\nexample = 'test'",
        [
            '9: params.v.default: "prd" is none of "dev", "prod"; did you mean prod?',
            '10: params.v.example: "test" is none of "dev", "prod"',
        ],
    ),
    (
        "type = 'list'\nmin = -1\nmax = 1.5",
        [
            "8: params.v.min: expected a number of items, 0 or more, got -1",
            "9: params.v.max: expected a number of items, 0 or more, got 1.5",
        ],
    ),
    (
        "type = 'list'\ndefault = 'a,b'",
        ['8: params.v.default: the type is "list": expected a list of strings, got "a,b"'],
    ),
    (
        "type = 'list'\npattern = '[a-z]'\ndefault = ['a', 'B']",
        ['9: params.v.default: "B" does not match [a-z]'],
    ),
    (
        "type = 'list'\ndefault = [1]",
        ['8: params.v.default[0]: expected a string, got the number 1: write it in quotes: "1"'],
    ),
    (
        "type = 'integer'\ndefault = '3'\nexample = true",
        [
            '8: params.v.default: the type is "integer": expected a whole number, got "3"',
            '9: params.v.example: the type is "integer": expected a whole number, got true',
        ],
    ),
    (
        "default = 3",
        ['7: params.v.default: the type is "string": expected a string, got the number 3'],
    ),
    (
        "type = 'integer'\nmin = 1\nmax = 5\ndefault = 0\nexample = 6",
        [
            "10: params.v.default: 0 is less than 1",
            "11: params.v.example: 6 is more than 5",
        ],
    ),
    (
        "min = 3\ndefault = 'x'",
        ['8: params.v.default: "x" has 1 character, at least 3 are needed'],
    ),
    (
        "default = ['${params.v}']\ntype = 'list'",
        ["7: params.v.default[0]: references are not read here: write the value itself"],
    ),
]


@pytest.mark.parametrize(("table", "expected"), MISTAKES)
def test_mistakes(mistakes: Mistakes, table: str, expected: list[str]) -> None:
    files = {"environments/e.toml": "", "pipelines/p.toml": PIPELINE + "[params.v]\n" + table}
    found = [str(mistake) for mistake in mistakes(files)]
    assert found == [f"pipelines/p.toml:{text}" for text in expected]


INSIDE_TEXT = (
    "${params.v} is a list: it can stand alone in a setting of a step, not be part of a text"
)


def test_a_list_is_no_part_of_a_text(mistakes: Mistakes) -> None:
    text = PIPELINE.replace('["x"]', '["${params.v}", "x${params.v}"]')
    text += 'env = { X = "${params.v}" }\n[params.v]\ntype = "list"\n'
    found = [str(mistake) for mistake in mistakes({"pipelines/p.toml": text})]
    assert found == [
        f"pipelines/p.toml:5: steps.a.with.run[1]: {INSIDE_TEXT}",
        f"pipelines/p.toml:6: steps.a.env.X: {INSIDE_TEXT}",
    ]


def test_what_is_no_table_is_told_as_such(mistakes: Mistakes) -> None:
    step = '[[steps]]\nname = "a"\nuses = "command"\nwith = { run = ["x"] }\n'
    [mistake] = mistakes({"pipelines/p.toml": f'kind = "deploy"\n[params]\nv = "x"\n{step}'})
    assert str(mistake).startswith("pipelines/p.toml:3: params.v: ")
