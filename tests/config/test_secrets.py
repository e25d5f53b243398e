"""`[secrets.X]`, where they may be named, and what an adapter is given of them."""

from typing import Any

import msgspec
import pytest

from orchestrator.config.settings import SecretValues, resolve_settings
from orchestrator.core.language.definition import (
    CredentialSecret,
    FileSecret,
    PluginSecret,
    SecretUse,
)
from orchestrator.core.values.references import JobFacts, Scope
from orchestrator.plugin import Adapter, AdapterError, Result, Secret, Step
from orchestrator.plugin.registry import LoadedPlugin, Registry
from tests.config.config_material import Mistakes, Reads


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""
    token: str | Secret = ""
    headers: dict[str, str | Secret] = {}
    keys: tuple[str | Secret, ...] = ()
    vars: dict[str, Any | Secret] = {}
    free: dict[str, Any] = {}
    many: int | str = 0


class Caller(Adapter[Call]):
    name = "call"
    config_type = Call

    async def apply(self, step: Step[Call]) -> Result:
        return Result(exit=0)


class Vault:
    name = "vault"

    async def read(self, settings: Any) -> str:
        return ""


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry(
        adapters={"call": Caller()},
        plugins=(LoadedPlugin("calls", "1.0", ("call",)),),
        authorize=lambda user, action, target: None,
        secrets={"vault": Vault()},
    )


MAIN = "[secrets.token]\nfile = 'secrets/token'\n"
PIPELINE = "kind = 'deploy'\n[params.p]\nsecret = true\n[[steps]]\nname = 's'\nuses = 'call'\n"


def test_each_source_is_read(reads: Reads) -> None:
    text = (
        MAIN
        + "[secrets.c]\ncredential = 'cred'\n[secrets.v]\nplugin = 'vault'\npath = 'kv'\nage = 3\n"
    )
    secrets = reads({"orchestrator.toml": text}).secrets
    assert isinstance(secrets["token"], FileSecret)
    assert secrets["token"].path.endswith("/secrets/token")
    assert secrets["c"] == CredentialSecret("cred")
    assert secrets["v"] == PluginSecret("vault", {"path": "kv", "age": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[secrets.x]\n", "secrets.x: says from nowhere: exactly one of"),
        (
            "[secrets.x]\nfile='a'\ncredential='b'\n",
            "gives file and credential: exactly",
        ),
        ("[secrets.x]\nfile='a'\npath='b'\n", "secrets.x.path: unknown key"),
        ("[secrets.x]\nplugin='vault2'\n", 'secrets by the name "vault2"; did you mean vault?'),
        ("[secrets.x]\ncredential='a/b'\n", "the name of a credential, without `/`"),
        ("secrets = 3\n", "secrets: expected a table"),
    ],
)
def test_mistakes_in_the_main_file(mistakes: Mistakes, text: str, said: str) -> None:
    [found] = mistakes({"orchestrator.toml": text})
    assert said in str(found)


@pytest.mark.parametrize(
    "written",
    [
        "token = { secret = 'token' }",
        "headers = { a = { secret = 'token' }, b = 'plain' }",
        "keys = [{ secret = 'token' }, 'plain']",
        "vars = { a = { b = [{ secret = 'token' }] }, secret = 'plain' }",
        "token = '${params.p}'",
        "free = { a = { secret = 'none of ours' } }",
    ],
)
def test_a_setting_takes_a_secret(reads: Reads, written: str) -> None:
    """A setting that may be a secret takes one."""
    text = PIPELINE + f"with = {{ {written} }}\nenv = {{ T = {{ secret = 'token' }} }}\n"
    found = reads({"orchestrator.toml": MAIN, "pipelines/p.toml": text})
    assert found.pipelines["p"].steps[0].config


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("url = { secret = 'token' }", "steps.s.with.url: this setting can't be a secret"),
        ("many = { secret = 'token' }", "steps.s.with.many: this setting can't be a secret"),
        ("free = { a = { secret = 'token' } }", "steps.s.with.free.a: this setting can't be a"),
        ("token = { secret = 'tokn' }", 'there is no secret "tokn"; did you mean token?'),
        ("vars = { a = [{ secret = 'tokn' }] }", "vars.a[0].secret: there is no secret"),
        ("url = '${params.p}'", "${params.p} is a secret, and this setting can't be"),
        ("token = 'x-${params.p}'", "${params.p} is a secret, and this setting can't be"),
        ("free = { a = ['${params.p}'] }", "scripts have it as $ORCHESTRATOR_PARAM_P"),
    ],
)
def test_what_may_be_no_secret_refuses_one(mistakes: Mistakes, written: str, said: str) -> None:
    text = PIPELINE + f"with = {{ {written} }}\n"
    [found] = mistakes({"orchestrator.toml": MAIN, "pipelines/p.toml": text})
    assert said in str(found)


def test_names_in_env_are_kept_as_names(reads: Reads) -> None:
    env = "env = { T = { secret = 'token' } }\n"
    found = reads(
        {
            "orchestrator.toml": MAIN,
            "environments/e.toml": env,
            "pipelines/p.toml": env + PIPELINE + env,
        }
    )
    pipeline = found.pipelines["p"]
    for one in (found.environments["e"].env, pipeline.env, pipeline.steps[0].env):
        assert one == {"T": SecretUse("token")}


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("[params.p]\nsecret = true\ntype = 'integer'\n", "params.p.type: a secret is a string"),
        (
            "[params.p]\nsecret = true\ndefault = 'abcd'\n",
            "a secret has no default",
        ),
    ],
)
def test_mistakes_in_secret_parameters(mistakes: Mistakes, params: str, said: str) -> None:
    text = "kind = 'deploy'\n" + params + "[[steps]]\nname = 's'\nuses = 'call'\n"
    assert any(said in str(mistake) for mistake in mistakes({"pipelines/p.toml": text}))


def test_a_condition_reads_no_secret(mistakes: Mistakes) -> None:
    text = PIPELINE + "when = '${params.p} == \"guess\"'\n"
    [found] = mistakes({"pipelines/p.toml": text})
    assert "${params.p} is a secret, which no condition can read" in str(found)


@pytest.mark.parametrize(
    ("mapping", "secret", "said"),
    [
        (
            "{ pipeline = 'c', params = { q = '${params.p}' } }",
            "false",
            "is no secret, and this gives",
        ),
        ("{ pipeline = 'c', params = { q = 'plain' } }", "true", "only a secret parameter of this"),
        ("{ pipeline = 'c', params = { q = 'x${params.p}' } }", "true", "only a secret parameter"),
    ],
)
def test_a_cleanup_gets_secrets_in_secret_parameters(
    mistakes: Mistakes, mapping: str, secret: str, said: str
) -> None:
    cleanup = (
        f"kind = 'cleanup'\n[params.q]\nsecret = {secret}\n[[steps]]\nname = 's'\nuses = 'call'\n"
    )
    text = f"cleanup = {mapping}\n" + PIPELINE
    [found] = mistakes({"pipelines/p.toml": text, "pipelines/c.toml": cleanup})
    assert said in str(found)


def test_an_adapter_gets_values_that_only_reveal_tells() -> None:
    table = {
        "token": {"secret": "a"},
        "headers": {"h": {"secret": "b"}, "p": "plain"},
        "keys": ["${params.p}"],
        "vars": {"deep": [{"x": {"secret": "a"}}], "secret": "plain"},
        "free": {"x": {"secret": "a"}},
    }
    scope = Scope(job=JobFacts(1, "p", "e", "ada"), params={"p": "value-p"})
    values = SecretValues({"a": "value-a", "b": "value-b"}, {"p": "value-p"})
    config = resolve_settings(table, scope, Call, values)
    assert isinstance(config.token, Secret)
    assert config.token.reveal() == "value-a"
    assert isinstance(config.headers["h"], Secret)
    assert config.headers["h"].reveal() == "value-b"
    assert isinstance(config.keys[0], Secret)
    assert config.keys[0].reveal() == "value-p"
    deep = config.vars["deep"]
    assert isinstance(deep, list)
    assert deep[0]["x"].reveal() == "value-a"
    assert config.vars["secret"] == "plain"
    assert config.free == {"x": {"secret": "a"}}
    said = f"{config} {values} {msgspec.json.encode(config).decode()} {config.token!s}"
    assert "value-" not in said
    with pytest.raises(AdapterError, match="known only in a run"):
        Secret("a").reveal()
