"""A step's settings against its adapter, references, and plugins that fail."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.config import ConfigurationInvalid, read
from orchestrator.config.document import Document
from orchestrator.config.reading import Reader
from orchestrator.plugin import Adapter, Result, Step
from orchestrator.plugin.registry import LoadedPlugin, PluginProblem, Registry
from tests.config.config_material import Mistakes, Reads

SETTINGS = [
    ('{ action = "plan" }', []),
    ('{ action = "${params.v}", parallelism = "${params.v}", targets = "${params.v}" }', []),
    ('{ action = "plan", targets = ["${params.v}", "a-${params.v}"] }', []),
    ('{ action = "plan", vars = { a = 1, b = "${params.v}", c = "x${params.v}" } }', []),
    ("{}", ['with: `action` is missing: expected one of "plan", "apply"']),
    (
        '{ action = "plam", dri = "${params.v}" }',
        [
            'with.action: expected one of "plan", "apply", got "plam"; did you mean plan?',
            "with.dri: unknown key; did you mean dir?",
        ],
    ),
    ('{ action = "a${params.v}" }', []),
    (
        '{ action = "plan", parallelism = "n${params.v}" }',
        ['with.parallelism: expected a whole number, got "n${params.v}"'],
    ),
    (
        '{ action = "plan", vars = { a = "${params.v}", b = [1] } }',
        ["with.vars.b: expected a string or a whole number, got a list"],
    ),
    (
        '{ action = "plan", targets = [1, "${params.v}"] }',
        ['with.targets[0]: expected a string, got the number 1: write it in quotes: "1"'],
    ),
    ('{ action = "plan", parallelism = 0 }', ["with: parallelism must be 1 or more"]),
    (
        '{ action = "plan", dir = "literal", targets = ["${params.v}"] }',
        ["with: targets: write them out"],
    ),
    (
        '{ action = "plan", dir = "explode" }',
        ["with: plugin ships failed to judge these settings: RuntimeError: the boat sank"],
    ),
    (
        '{ action = "plan", dir = "${params.w}" }',
        ["with.dir: ${params.w}: the pipeline has no parameter w"],
    ),
    (
        '{ action = "plan", dir = "${environment.vars.regoin}" }',
        [
            "with.dir: ${environment.vars.regoin}: no regoin in the vars of environment e; "
            "did you mean region?"
        ],
    ),
    (
        '{ action = "plan", dir = "${environment.vars.zone}" }',
        ["with.dir: ${environment.vars.zone}: no zone in the vars of environment f"],
    ),
    (
        '{ action = "plan", dir = "${steps.one.outputs.x}" }',
        ["with.dir: ${steps.one.outputs.x}: step one has not ended when this is read"],
    ),
    (
        '{ action = "plan", dir = "${params.v" }',
        ["with.dir: ${params.v: the closing } is missing (a literal ${ is $${)"],
    ),
    (
        '{ action = "plan", dir = "${job.conclusion}" }',
        [
            "with.dir: ${job.conclusion} is not known before the steps have ended: "
            "read it in `finally` or `on_…`"
        ],
    ),
    (
        '{ action = "plan", dir = "${pools.x.name}" }',
        ["with.dir: ${pools.x.name}: `pools` is not built yet"],
    ),
]


@pytest.mark.parametrize(("settings", "expected"), SETTINGS)
def test_settings(reads: Reads, settings: str, expected: list[str]) -> None:
    files = {
        "environments/e.toml": "vars = { region = 'x', zone = 'y' }",
        "environments/f.toml": "vars = { region = 'x', regoin = 'z' }",
        "pipelines/p.toml": 'kind = "deploy"\n[params.v]\n[[steps]]\nname = "one"\n'
        f'uses = "ship"\nwith = {settings}\n',
    }
    found = []
    try:
        reads(files)
    except ConfigurationInvalid as invalid:
        found = [f"{m.key}: {m.text}" for m in invalid.mistakes]
        assert {(m.file, m.line) for m in invalid.mistakes} == {("pipelines/p.toml", 6)}
    assert found == [f"steps.one.{text}" for text in expected]


def test_whose_outputs_a_step_reads(mistakes: Mistakes) -> None:
    """A step reads outputs of those above it only."""
    found = mistakes(
        {
            "pipelines/p.toml": 'kind = "deploy"\n'
            + "".join(
                f'[[steps]]\nname = "{name}"\nuses = "command"\nwith = {{ run = ["{ref}"] }}\n'
                for name, ref in [
                    ("build", "${steps.deploy.outputs.x}"),
                    ("deploy", "${steps.build.outputs.x.y}"),
                    ("smoke", "${steps.biuld.outputs.x} ${steps.deploy.exit}"),
                ]
            )
        }
    )
    assert [f"{m.line}: {m.text}" for m in found] == [
        "5: ${steps.deploy.outputs.x}: step deploy has not ended when this is read",
        "13: ${steps.biuld.outputs.x}: there is no step biuld; did you mean build?",
        "13: ${steps.deploy.exit}: only steps.NAME.outputs.X can be read",
    ]


class Account(msgspec.Struct, frozen=True, tag_field="type", tag="account"):
    id: str


class Token(msgspec.Struct, frozen=True, tag_field="type", tag="token"):
    value: str
    age: int = 0


class Nested(msgspec.Struct, frozen=True, rename="kebab"):
    login_with: Account | Token
    ports: list[int] = []
    matrix: dict[str, list[Account]] = {}
    pair: tuple[str, int] | None = None
    anything: Any = None


NESTED = [
    ({"login-with": {"type": "token", "value": "x"}}, []),
    ({"login-with": "${params.v}", "pair": "${params.v}", "ports": ["${params.v}", 1]}, []),
    ({"login-with": {"type": "account", "id": "${params.v}"}, "anything": [1, {"a": "${x"}]}, []),
    (
        {"login-with": {"type": "token", "value": "${params.v}", "agee": 1}},
        ["login-with.agee: unknown key; did you mean age?"],
    ),
    (
        {"login-with": {"type": "account", "id": "x"}, "ports": ["${params.v}", "x"]},
        ['ports[1]: expected a whole number, got "x"'],
    ),
    (
        {"login-with": 3, "matrix": {"a": [{"type": "account"}]}},
        [
            "login-with: expected a table, got the number 3",
            "matrix.a[0]: `id` is missing: expected a string",
        ],
    ),
]


@pytest.mark.parametrize(("value", "expected"), NESTED)
def test_any_msgspec_type_can_be_settings(value: dict[str, Any], expected: list[str]) -> None:
    document = Document("p.toml")
    document.parsed, document.data = True, value
    read_value = Reader(document, wildcards=True).table(Nested, value)
    assert [f"{m.key}: {m.text}" for m in document.mistakes()] == expected
    assert isinstance(read_value, Nested)


class Settings(msgspec.Struct, frozen=True):
    pass


class Broken(Adapter[Settings]):
    name = "broken"
    config_type = Settings

    def traits(self, config: Settings) -> Any:
        return {"touches": False}

    async def apply(self, step: Step[Settings]) -> Result:
        return Result()


def test_a_plugin_that_gives_something_else(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").touch()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.toml").write_text(
        'kind = "deploy"\n[[steps]]\nname = "a"\nuses = "broken"\n[[steps]]\nname = "b"\n'
        'uses = "gone"\n'
    )
    gone = PluginProblem("gone-plugin", "could not be loaded: ImportError: no")
    registry = Registry(
        adapters={"broken": Broken()},
        plugins=(
            LoadedPlugin("breakers", None, ("broken",)),
            LoadedPlugin("gone-plugin", None, (), gone),
        ),
        authorize=lambda user, action, target: None,
    )
    with pytest.raises(ConfigurationInvalid) as caught:
        read(tmp_path, registry)
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "pipelines/p.toml:2: steps.a.with: plugin breakers: traits() of adapter broken gave dict, "
        "not orchestrator.plugin.Traits",
        'pipelines/p.toml:7: steps.b.uses: no adapter is named "gone" (installed: broken); '
        "not loaded: gone-plugin (orchestrator plugins)",
        "pipelines/p.toml:7: steps.b.uses: "
        "plugin gone-plugin: could not be loaded: ImportError: no",
    ]
