"""What `check` refuses of the cleanup that a pipeline owes."""

import pytest

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
    ("cleanup = {}", "", ["cleanup: `pipeline` is missing: expected a name"]),
    (
        "cleanup = 3",
        "",
        ['cleanup: expected a name or a table, got the number 3: write it in quotes: "3"'],
    ),
]


@pytest.mark.parametrize(("owing", "cleanup", "expected"), CASES)
def test_cleanups(reads, owing: str, cleanup: str, expected: list[str]) -> None:
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
