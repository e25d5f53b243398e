"""What `check` refuses of the cleanup that a pipeline owes."""

import pytest

from tests.config.config_material import Reads
from tests.row_ids import told_by

STEP = '[[steps]]\nname = "a"\nuses = "command"\nwith = { run = ["x"] }\n'
CASES = [
    ("cleanup = 'c'", "", []),
    ("cleanup = 'cc'", "", ['cleanup: there is no pipeline "cc"; did you mean c?']),
    ("cleanup = 'p'", "", ["cleanup: a pipeline cannot be its own cleanup"]),
    (
        "cleanup = 'c'",
        "cleanup = 'd'",
        ["cleanup: pipelines/c.toml has a `cleanup` of its own; what pays a debt may owe none"],
    ),
    (
        "cleanup = 'c'",
        "environments = ['e']",
        [
            "cleanup: pipelines/c.toml does not cover f, where this pipeline may run: "
            "add to its `environments`"
        ],
    ),
    ("environments = ['e']\ncleanup = 'c'", "environments = ['f', 'e']", []),
    (
        "cleanup = 'c'",
        "params = { x = { required = true }, y = { required = true }, z = {} }",
        [
            "cleanup: pipelines/c.toml requires x, y: give a value in "
            "cleanup = { pipeline = …, params = { … } }"
        ],
    ),
    ("cleanup = 'c'\nparams.x = {}", "params = { x = { required = true } }", []),
    (
        "cleanup = { pipeline = 'c', params = { xx = '1', y = 'b', w = '${params.v}' } }",
        "params = { x = {}, y = { pattern = 'a' }, w = {} }",
        [
            "cleanup.params.w: ${params.v}: the pipeline has no parameter v",
            "cleanup.params.xx: pipelines/c.toml has no such parameter; did you mean x?",
            'cleanup.params.y: pipelines/c.toml: parameter y: "b" does not match a',
        ],
    ),
    (
        "cleanup = { pipeline = 'c', params = { x = '${debt.job} ${steps.a.outputs.b}' } }",
        "params = { x = {} }",
        [
            "cleanup.params.x: ${debt.job}: this is read at submit, before anything is owed",
            "cleanup.params.x: ${steps.a.outputs.b}: step a has not ended when this is read",
        ],
    ),
    (
        "cleanup = { pipeline = 'c', params = { x = '${job.id} ${environment.name}' } }",
        "params = { x = {} }",
        [],
    ),
    (
        "cleanup = 'c'\nparams = { n = { type = 'boolean' }, l = { type = 'list' } }",
        "params = { n = { type = 'integer' }, l = {} }",
        [
            "cleanup: pipelines/c.toml: parameter l has the type string, l here has list: "
            "no value fits",
            "cleanup: pipelines/c.toml: parameter n has the type integer, n here has boolean: "
            "no value fits",
        ],
    ),
    (
        "cleanup = { pipeline = 'c', "
        "params = { n = '${params.m}', t = '${params.t}', f = 'yes' } }\n"
        "params = { m = { type = 'integer' }, t = { type = 'choice', choices = ['a', 'b'] } }",
        "params = { n = { type = 'integer', required = true }, f = { type = 'boolean' }, "
        "t = { type = 'choice', choices = ['a', 'c'] } }",
        [
            "cleanup.params.f: pipelines/c.toml: parameter f: "
            '"yes" is neither true nor false; did you mean true?',
            "cleanup.params.n: pipelines/c.toml: parameter n is required, m here may be left out: "
            "give it a default, or require it too",
            'cleanup.params.t: pipelines/c.toml: parameter t: "b" is none of "a", "c"',
        ],
    ),
    (
        "cleanup = { pipeline = 'c', "
        "params = { n = 3, f = true, l = ['a'], t = 5, s = '${params.n}' } }\n"
        "params = { n = { type = 'number' } }",
        "params = { n = { type = 'integer' }, f = { type = 'boolean' }, l = { type = 'list' }, "
        "t = {}, s = {} }",
        [],
    ),
    (
        "cleanup = { pipeline = 'c', params = { l = 'x${params.l}' } }\n"
        "params = { l = { type = 'list' } }",
        "params = { l = { type = 'list' } }",
        [
            "cleanup.params.l: ${params.l} is a list: it can stand alone in a setting of a step, "
            "not be part of a text"
        ],
    ),
    ("cleanup = {}", "", ["cleanup: `pipeline` is missing: expected a name"]),
    (
        "cleanup = 3",
        "",
        ['cleanup: expected a name or a table, got the number 3: write it in quotes: "3"'],
    ),
]


@pytest.mark.parametrize(("owing", "cleanup", "expected"), CASES, ids=told_by(CASES, 1, 2))
def test_cleanups(reads: Reads, owing: str, cleanup: str, expected: list[str]) -> None:
    from orchestrator.config import ConfigurationInvalid

    files = {
        "environments/e.toml": "",
        "environments/f.toml": "",
        "pipelines/p.toml": f'kind = "deploy"\n{owing}\n{STEP}',
        "pipelines/c.toml": f'kind = "cleanup"\n{cleanup}\n{STEP}',
        "pipelines/d.toml": f'kind = "cleanup"\n{STEP}',
    }
    found = []
    try:
        reads(files)
    except ConfigurationInvalid as invalid:
        found = [f"{m.key}: {m.text}" for m in invalid.mistakes]
        assert {m.file for m in invalid.mistakes} == {"pipelines/p.toml"}
    assert found == expected
