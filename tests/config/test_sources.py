"""`[source] git`: the step that it makes, and what is wrong with such a table."""

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given

from orchestrator.builtin.git import GitAdapter
from orchestrator.config import ConfigurationInvalid, read
from orchestrator.config.paths import Host
from orchestrator.core.language.definition import RetryPolicy, Source
from orchestrator.core.language.words import Section
from orchestrator.plugin.registry import Registry
from tests.config.config_material import Mistakes, Reads
from tests.config.test_mangled_files import mangled
from tests.seed_budget import examples

STEP = '[[{}]]\nname = "{}"\nuses = "command"\nwith = {{ run = ["{}"] }}\n'
PARAMS = "[params.version]\n"


@pytest.fixture(scope="session")
def registry(registry: Registry) -> Registry:
    adapters = {**registry.adapters, "git": GitAdapter()}
    return msgspec.structs.replace(registry, adapters=adapters)


def written(source: str, *steps: str, main: str = "") -> dict[str, str]:
    blocks = steps or (STEP.format("steps", "apply", "x"),)
    text = f'kind = "deploy"\n[source]\n{source}\n{PARAMS}' + "".join(blocks)
    return {"pipelines/p.toml": text, "environments/e.toml": "", "orchestrator.toml": main}


def test_all_others_wait_for_it(reads: Reads) -> None:
    """It makes a step that all others wait for."""
    files = written(
        'git = "git@host:infra.git"\nref = "${params.version}"\n',
        STEP.format("before", "lint", "${steps.source.outputs.commit}"),
        STEP.format("before", "build", "x"),
        STEP.format("before", "test", "x") + "needs = []\n",
        STEP.format("before", "scan", "x") + 'needs = ["source"]\n',
        STEP.format("steps", "apply", "${steps.source.outputs.describe}")
        + 'needs = ["source", "build"]\n',
    )
    pipeline = reads(files).pipelines["p"]
    assert [(one.name, one.section, one.needs) for one in pipeline.steps] == [
        ("source", Section.BEFORE, ()),
        ("lint", Section.BEFORE, ("source",)),
        ("build", Section.BEFORE, ("lint",)),
        ("test", Section.BEFORE, ("source",)),
        ("scan", Section.BEFORE, ("source",)),
        ("apply", Section.STEPS, ()),
    ]
    step = pipeline.steps[0]
    assert step.config == {
        "url": "git@host:infra.git",
        "ref": "${params.version}",
        "submodules": True,
        "directory": ".",
        "written_in": "pipelines/p.toml: source",
    }
    assert (step.uses, step.touches, step.has_acquire, step.has_cleanup) == (
        "git",
        False,
        False,
        True,
    )
    assert (step.timeout, step.retry) == (600.0, None)
    assert pipeline.source == Source(git="git@host:infra.git")


def test_every_setting(reads: Reads, tmp_path: Path) -> None:
    files = written(
        """
        git = "ssh://git@host/infra.git"
        ref = "HEAD"
        submodules = false
        directory = "sub/dir"
        ssh_key = { secret = "deploy-key" }
        known_hosts = "hosts"
        timeout = "1m"
        retry = { attempts = 3 }
        """,
        main='[secrets.deploy-key]\nfile = "key"\n',
    )
    pipeline = reads(files).pipelines["p"]
    assert pipeline.steps[0].config == {
        "url": "ssh://git@host/infra.git",
        "ref": "HEAD",
        "submodules": False,
        "directory": "sub/dir",
        "ssh_key": {"secret": "deploy-key"},
        "known_hosts": str(tmp_path / "hosts"),
        "written_in": "pipelines/p.toml: source",
    }
    assert (pipeline.steps[0].timeout, pipeline.steps[0].retry) == (60.0, RetryPolicy(3))
    assert pipeline.source.directory == "sub/dir"


def test_paths_are_those_of_the_configuration(reads: Reads, tmp_path: Path) -> None:
    for git, found in (("infra", tmp_path / "infra"), ("~/infra", "/home/ada/infra")):
        steps = reads(written(f'git = "{git}"')).pipelines["p"].steps
        assert steps[0].config["url"] == str(found)


@pytest.mark.parametrize(
    ("source", "key", "text"),
    [
        ('git = "/x"\npath = "/y"', "source.path", "either `path`"),
        ('ref = "main"', "source.ref", "only a source with `git` has this"),
        ('path = "/y"\ndirectory = "x"', "source.directory", "only a source with `git`"),
        ('timeout = "1m"', "source.timeout", "only a source with `git` has this"),
        ('git = "ext::sh -c x"', "source.git", "run a program"),
        ('git = "--upload-pack=x"', "source.git", "no address"),
        ('git = "ftp://host/x"', "source.git", "ftp:// is not used"),
        ('git = "https://a:b@host/x"', "source.git", "could read this password"),
        ('git = "${params.version}"', "source.git", "references are not read here"),
        ('git = "/x"\nref = "-x"', "source.ref", "can't be the name of a branch"),
        ('git = "/x"\nref = ""', "source.ref", '`ref` is empty; "HEAD" is'),
        ('git = "/x"\nref = "${params.versoin}"', "source.ref", "did you mean version?"),
        ('git = "/x"\nref = "${steps.apply.outputs.x}"', "source.ref", "has not ended"),
        ('git = "/x"\ndirectory = "../y"', "source.directory", "neither absolute nor"),
        ('git = "/x"\nssh_key = { secret = "k" }', "source.ssh_key.secret", 'no secret "k"'),
        ('git = "/x"\nssh_key = "text"', "source.ssh_key", 'expected { secret = "NAME" }'),
        ('git = "/x"\ntimeout = 0', "source.timeout", "a limit of 0"),
        ('git = "/x"\nretry = { attempts = 2, on = ["success"] }', "source.retry.on[0]", "well"),
        ('git = "/x"\nbinary = "/tmp/git"', "source.binary", "unknown key"),
    ],
)
def test_mistakes(mistakes: Mistakes, source: str, key: str, text: str) -> None:
    [mistake] = mistakes(written(source))
    assert mistake.key == key
    assert text in mistake.text
    assert mistake.line > 2


@pytest.mark.parametrize("section", ["before", "steps", "finally"])
def test_its_name_is_taken(mistakes: Mistakes, section: str) -> None:
    own = STEP.format(section, "source", "x")
    steps = (own,) if section == "steps" else (own, STEP.format("steps", "apply", "x"))
    [mistake] = mistakes(written('git = "/x"', *steps))
    assert (mistake.key, "makes a step of this name" in mistake.text) == (
        f"{section}.source.name",
        True,
    )


def test_without_git_the_name_is_free(reads: Reads) -> None:
    steps = reads(written("", STEP.format("steps", "source", "x"))).pipelines["p"].steps
    assert [step.name for step in steps] == ["source"]


def test_a_secret_parameter_is_no_ref(mistakes: Mistakes) -> None:
    files = written('git = "/x"\nref = "${params.version}"')
    files["pipelines/p.toml"] = files["pipelines/p.toml"].replace(
        PARAMS, f"{PARAMS}secret = true\n"
    )
    [mistake] = [one for one in mistakes(files) if one.key.startswith("source")]
    assert (mistake.key, "is a secret" in mistake.text) == ("source.ref", True)


WHOLE = """kind = "deploy"
[source]
git = "ssh://git@host:22/infra.git"
ref = "v-${params.version}"
submodules = true
directory = "live/x"
ssh_key = { secret = "k" }
known_hosts = "hosts"
timeout = "1m"
retry = { attempts = 2, backoff = "1s" }
[params.version]
[[before]]
name = "one"
uses = "command"
needs = ["source"]
with = { run = ["${steps.source.outputs.commit}"] }
[[steps]]
name = "two"
uses = "command"
with = { run = ["x"] }
"""


@examples("mangled source", *HealthCheck)
@given(pipeline=mangled(WHOLE))
def test_mangled_sources(registry: Registry, host: Host, pipeline: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "pipelines").mkdir()
        (root / "orchestrator.toml").write_text('[secrets.k]\nfile = "k"\n')
        raw = pipeline.encode("utf-8", "surrogatepass")
        (root / "pipelines" / "p.toml").write_bytes(raw)
        try:
            read(root, registry, host)
        except ConfigurationInvalid as invalid:
            for mistake in invalid.mistakes:
                assert 1 <= mistake.line <= max(1, len(pipeline.split("\n")))
                assert str(mistake).isprintable()
