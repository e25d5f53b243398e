"""Files mangled at random give ConfigurationInvalid and nothing else, at lines that exist."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from orchestrator.config import ConfigurationInvalid, read
from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry
from tests.config.mangling import mistakes_in
from tests.seed_budget import examples

MAIN = """capacity = 3
pass_env = ["A", "B_*"]
[roles]
viewer = ["*"]
[kinds.test]
excludes = ["deploy"]
"""
ENVIRONMENT = """locks = ["vpc"]
vars = { region = "x", net = { cidr = "y" } }
[env]
AWS_PROFILE = "p-${environment.name}"
"""
PIPELINE = """kind = "deploy"
cleanup = { pipeline = "p", params = { v = "${params.v}" } }
stop = { applying = "nobody" }
timeout = "1h30m"
[params.v]
pattern = '^v(a|b)+$'
required = true
example = "va"
[[steps]]
name = "one"
uses = "ship"
with = { action = "plan", dir = "${params.v}", vars = { a = 1 } }
[[steps]]
name = "two"
uses = "command"
[steps.with]
run = [
  "x", # a comment
  "${steps.one.outputs.y}",
]
[steps.env]
A = "${environment.vars.region}"
"""
PIECES = st.sampled_from(
    [
        "[",
        "]",
        "[[steps]]\n",
        "[params.v]\n",
        "= 3\n",
        "{",
        "}",
        '"',
        "'",
        "${",
        "\n",
        ".",
        ",",
        "a = 1\n",
        "with",
        "nan",
        "1979-05-27",
        "[steps.with]\n",
        "\\u0000",
        "x.y.z",
        "'''",
        "\r",
        "steps",
        "true",
        "#",
        "[]",
        "{}",
        "\x0c",
        "é",
        "\u2028",
        "[steps.env.'é\"']\n",
    ]
) | st.text(max_size=3)


@st.composite
def mangled(draw: st.DrawFn, text: str) -> str:
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(PIECES) + text[end:]
    return text


@examples("mangled files", *HealthCheck)
@given(main=mangled(MAIN), environment=mangled(ENVIRONMENT), pipeline=mangled(PIPELINE))
def test_mangled(
    registry: Registry, host: Host, main: str, environment: str, pipeline: str
) -> None:
    files = {
        "orchestrator.toml": main,
        "environments/e.toml": environment,
        "pipelines/p.toml": pipeline,
    }
    mistakes_in(files, registry, host)


@examples("mangled bytes", *HealthCheck)
@given(raw=st.binary(max_size=60))
def test_bytes(registry: Registry, host: Host, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "orchestrator.toml").write_bytes(raw)
        try:
            read(Path(place), registry, host)
        except ConfigurationInvalid as invalid:
            assert invalid.mistakes
