"""Mistakes in files, and the lines that people read."""

from pathlib import Path

import pytest

from orchestrator.config.paths import Host
from orchestrator.plugin.registry import Registry
from tests.config.config_material import Mistakes, Reads
from tests.row_ids import told_by

STEP = '[[steps]]\nname = "a"\nuses = "command"\nwith = { run = ["x"] }\n'
PIPELINE = 'kind = "deploy"\n' + STEP

MAIN = [
    ('state_dri = "x"', ["orchestrator.toml:1: state_dri: unknown key; did you mean state_dir?"]),
    (
        '\ncapacity = "8"\n',
        ['orchestrator.toml:2: capacity: expected a whole number, got "8"'],
    ),
    ("capacity = 0", ["orchestrator.toml:1: capacity: expected a whole number >= 1"]),
    (
        'pass_env = "PATH"',
        [
            'orchestrator.toml:1: pass_env: expected a list of strings, got "PATH": write ["PATH"]',
        ],
    ),
    (
        'pass_env = ["A", "B C",\n "*"]',
        [
            "orchestrator.toml:1: pass_env[1]: expected the name of a variable, or the start of "
            'one and `*`, got "B C"',
            "orchestrator.toml:2: pass_env[2]: expected the name of a variable, or the start of "
            'one and `*`, got "*"',
        ],
    ),
    (
        'pass_env = ["TF_CLI_ARGS*"]',
        [
            "orchestrator.toml:1: pass_env[0]: TF_CLI_ARGS* changes what tools do behind their "
            "arguments, so it is refused unless `allow_env` names it"
        ],
    ),
    (
        "[secrets.x]\nfile = 'y'\n[pools.y]\n",
        [
            "orchestrator.toml:3: pools: `pools` is not built yet",
        ],
    ),
    (
        "[kinds.test]\nexcludes = ['deplo']\n",
        [
            "orchestrator.toml:2: kinds.test.excludes[0]: "
            'there is no kind "deplo"; did you mean deploy?'
        ],
    ),
    (
        "[roles]\nadmin = ['a', '']\ncapacity = 3\n",
        [
            "orchestrator.toml:2: roles.admin[1]: "
            'expected a user name, a group as "@group", or "*", got ""',
            "orchestrator.toml:3: roles.capacity: no key of this table; `capacity` belongs to the "
            "file's top level: write it above `[roles]`, for what follows a header belongs to its "
            "table",
        ],
    ),
    (
        "[roles]\nsubmiter = ['x']",
        ["orchestrator.toml:2: roles.submiter: unknown key; did you mean submitter?"],
    ),
    (
        "socket = '" + "/x" * 60 + "'",
        [
            f"orchestrator.toml:1: socket: {'/x' * 60} is 120 bytes long; "
            "a unix socket's path has 107 at most"
        ],
    ),
    ("capacity = ", ["orchestrator.toml:1: invalid value, at the end of the file"]),
    ("a = 1\nb = = 2\n", ["orchestrator.toml:2: column 5: invalid value"]),
    ("a = 1\na = 2\n", ["orchestrator.toml:2: column 6: cannot overwrite a value"]),
    (
        "kinds = 99999999999999999999",
        [
            "orchestrator.toml:1: kinds: expected a table, got the number 99999999999999999999",
            "orchestrator.toml:1: kinds: the number does not fit in 64 bits",
        ],
    ),
]

ENVIRONMENT = [
    ('queue = "oldest_first"', ["environments/e.toml:1: queue: `queue` is not built yet"]),
    ("[[freeze]]\ncron = 'x'", ["environments/e.toml:1: freeze: `freeze` is not built yet"]),
    (
        "vars.since = 2026-01-01",
        [
            "environments/e.toml:1: vars.since: "
            "dates and times are not supported: write it in quotes"
        ],
    ),
    (
        "[vars]\nregion = 'x'\nlocks = ['vpc']\n",
        [
            "environments/e.toml:3: vars.locks: no key of this table; `locks` belongs to the "
            "file's top level: write it above `[vars]`, for what follows a header belongs to its "
            "table; if it is meant, write the table inline: vars = { locks = … }"
        ],
    ),
    (
        "vars = { a = 'x-${environment.name}' }",
        ["environments/e.toml:1: vars.a: references are not read here: write the value itself"],
    ),
    (
        "[env]\nLD_PRELOAD = 'x'\n'A-B' = 'y'\nPORT = 8080\nT = { secret = 's' }\n"
        "P = '${params.v}'",
        [
            "environments/e.toml:2: env.LD_PRELOAD: LD_PRELOAD changes what tools do behind their "
            "arguments, so it is refused unless `allow_env` in orchestrator.toml names it: "
            'allow_env = ["LD_PRELOAD"]',
            "environments/e.toml:3: env.A-B: "
            "the key should be the name of a variable: letters, digits and `_`",
            'environments/e.toml:4: env.PORT: expected a string or { secret = "NAME" }, '
            'got the number 8080: write it in quotes: "8080"',
            'environments/e.toml:5: env.T.secret: there is no secret "s"; [secrets.s] in '
            "orchestrator.toml makes one",
            "environments/e.toml:6: env.P: "
            "${params.v}: parameters belong to a pipeline, not to this file",
        ],
    ),
]

PIPELINES = [
    (
        "",
        [
            "pipelines/p.toml:1: `kind` is missing: expected "
            "a name of letters, digits, `-` and `_`, at most 100 long",
            "pipelines/p.toml:1: `steps` is missing: expected a list of tables",
        ],
    ),
    (
        'kind = "deploi"\n' + STEP,
        [
            'pipelines/p.toml:1: kind: there is no kind "deploi"; did you mean deploy?; '
            "[kinds.deploi] in orchestrator.toml adds it"
        ],
    ),
    ('kind = "deploy"\nsteps = []', ["pipelines/p.toml:2: steps: expected a list of length >= 1"]),
    (
        '[params.x]\nkind = "deploy"\n' + STEP,
        [
            "pipelines/p.toml:1: `kind` is missing: expected "
            "a name of letters, digits, `-` and `_`, at most 100 long",
            "pipelines/p.toml:2: params.x.kind: no key of this table; `kind` belongs to the file's "
            "top level: write it above `[params.x]`, for what follows a header belongs to its "
            "table",
        ],
    ),
    (
        PIPELINE + "[env]\ntimeout = '5m'\n",
        [
            "pipelines/p.toml:7: env.timeout: no key of this table; `timeout` belongs to the "
            "file's top level: write it above `[env]`, for what follows a header belongs to its "
            "table; if it is meant, write the table inline: env = { timeout = … }"
        ],
    ),
    (
        'kind = "deploy"\n[[steps]]\nname = "a"\nuses = "command"\n[steps.with]\nrun = ["x"]\n'
        'timeout = "5m"\n',
        [
            "pipelines/p.toml:7: steps.a.with.timeout: no key of this table; `timeout` belongs to "
            "`[[steps]]`: write it above `[steps.with]`, for what follows a header belongs to its "
            "table"
        ],
    ),
    (
        PIPELINE + 'environments = ["e"]\n',
        [
            "pipelines/p.toml:6: steps.a.environments: no key of this table; `environments` "
            "belongs to the file's top level: write it above `[[steps]]`, for what follows a "
            "header belongs to its table"
        ],
    ),
    (
        'environments = ["e", "ee"]\n' + PIPELINE,
        [
            'pipelines/p.toml:1: environments[1]: there is no environment "ee"; did you mean e?; '
            "a file environments/ee.toml makes one"
        ],
    ),
    (
        PIPELINE + STEP,
        ["pipelines/p.toml:7: steps.a.name: the step in line 3 has this name too"],
    ),
    (
        PIPELINE.replace('"command"', '"comand"'),
        [
            'pipelines/p.toml:4: steps.a.uses: no adapter is named "comand"; '
            "did you mean command? (installed: command, ship)"
        ],
    ),
    (
        'kind = "deploy"\n[[steps]]\nname = "a b"\nuses = 3\ntouches = "no"\nwhen = 3\n',
        [
            'pipelines/p.toml:3: steps."a b".name: expected '
            'a name of letters, digits, `-` and `_`, at most 100 long, got "a b"',
            'pipelines/p.toml:4: steps."a b".uses: expected a name, got the number 3: '
            'write it in quotes: "3"',
            'pipelines/p.toml:5: steps."a b".touches: expected true or false, got "no"',
            'pipelines/p.toml:6: steps."a b".when: expected a string, got the number 3: '
            'write it in quotes: "3"',
        ],
    ),
    (
        PIPELINE
        + "when = \"params.x && steps.b.outputs.y == 'z'\"\n"
        + STEP.replace('"a"', '"c"')
        + 'when = "steps.b.outputs.y or matrix.z"\n',
        [
            "pipelines/p.toml:6: steps.a.when: column 10: there is no &&; did you mean and?",
            "pipelines/p.toml:11: steps.c.when: ${matrix.z}: "
            "only a step with a `matrix` can read this",
            "pipelines/p.toml:11: steps.c.when: ${steps.b.outputs.y}: there is no step b",
        ],
    ),
    (
        'timeout = "5 minutes"\nforce_after = -1\n' + PIPELINE + "timeout = 0\ngrace = true\n",
        [
            'pipelines/p.toml:1: timeout: "5 minutes" is no duration: '
            'write "90s", "5m", "1h30m", "1d" or a number of seconds',
            "pipelines/p.toml:2: force_after: -1 is less than no time: a duration is 0 or more",
            "pipelines/p.toml:8: steps.a.timeout: "
            "a limit of 0 leaves no time at all; leave the key out for no limit",
            "pipelines/p.toml:9: steps.a.grace: this is no duration: "
            'write "90s", "5m", "1h30m", "1d" or a number of seconds',
        ],
    ),
    (
        'stop = "owners"\n' + PIPELINE,
        [
            'pipelines/p.toml:1: stop: expected one of "submitters", "owner", "admins", "nobody" '
            'or a table, got "owners"; did you mean owner?'
        ],
    ),
    (
        'stop = { applying = "nobdy", aplying = "nobody" }\n' + PIPELINE,
        [
            "pipelines/p.toml:1: stop.aplying: unknown key; did you mean applying?",
            'pipelines/p.toml:1: stop.applying: expected one of "submitters", "owner", "admins", '
            '"nobody", got "nobdy"; did you mean nobody?',
        ],
    ),
    (
        PIPELINE + "[source]\nref = 'y'\n",
        ["pipelines/p.toml:7: source.ref: only a source with `git` has this"],
    ),
    (
        PIPELINE + "[params.v]\ntype = 'secret'\npattern = '['\n[params.w]\npattern = 'v\\d'\n"
        "default = 'x'\nexample = 'y'\n",
        [
            'pipelines/p.toml:7: params.v.type: expected one of "string", "integer", "number", '
            '"boolean", "choice", "list", got "secret"',
            'pipelines/p.toml:11: params.w.default: "x" does not match v\\d',
            'pipelines/p.toml:12: params.w.example: "y" does not match v\\d',
        ],
    ),
    (
        PIPELINE + "[params.v]\npattern = '['\n",
        [
            "pipelines/p.toml:7: params.v.pattern: this is no regular expression of Python: "
            "unterminated character set at position 0",
        ],
    ),
    (
        PIPELINE + "[params.a-b]\n[params.a_b]\nrequired = true\ndefault = 'x'\n",
        [
            "pipelines/p.toml:7: params.a_b: scripts would see it and a-b as "
            "ORCHESTRATOR_PARAM_A_B",
            "pipelines/p.toml:9: params.a_b.default: a required parameter is always given, "
            "so its default is never used: drop one of them",
        ],
    ),
    (
        "pools = { a = 1 }\n" + PIPELINE,
        ["pipelines/p.toml:1: pools: `pools` is not built yet"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), MAIN)
def test_in_the_main_file(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    assert [str(mistake) for mistake in mistakes({"orchestrator.toml": text})] == expected


@pytest.mark.parametrize(("text", "expected"), ENVIRONMENT)
def test_in_an_environment(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    assert [str(mistake) for mistake in mistakes({"environments/e.toml": text})] == expected


@pytest.mark.parametrize(("text", "expected"), PIPELINES, ids=told_by(PIPELINES, 0, 1))
def test_in_a_pipeline(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    files = {"environments/e.toml": "", "pipelines/p.toml": text}
    assert [str(mistake) for mistake in mistakes(files)] == expected


def test_every_mistake_of_every_file_at_once(mistakes: Mistakes) -> None:
    found = mistakes(
        {
            "orchestrator.toml": "capacity = -1\nretention = {}",
            "environments/a.toml": "x = 1",
            "environments/b.toml": "[",
            "pipelines/z.toml": "kind = 3",
        }
    )
    assert [(m.file, m.line, m.key) for m in found] == [
        ("environments/a.toml", 1, "x"),
        ("environments/b.toml", 1, ""),
        ("orchestrator.toml", 1, "capacity"),
        ("orchestrator.toml", 2, "retention"),
        ("pipelines/z.toml", 1, ""),
        ("pipelines/z.toml", 1, "kind"),
    ]


def test_one_broken_file_makes_no_mistakes_elsewhere(mistakes: Mistakes) -> None:
    found = mistakes(
        {
            "orchestrator.toml": "[",
            "environments/e.toml": "[",
            "pipelines/c.toml": "[",
            "pipelines/p.toml": 'environments = ["e"]\ncleanup = "c"\n'
            + PIPELINE.replace("deploy", "test").replace('"x"', '"${environment.vars.x}"')
            + "env = { LD_PRELOAD = 'x' }",
        }
    )
    assert [m.file for m in found] == [
        "environments/e.toml",
        "orchestrator.toml",
        "pipelines/c.toml",
    ]


def test_a_file_that_is_not_utf8(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "e.toml").write_bytes(b"# fine\n# caf\xe9\n")
    [mistake] = mistakes({})
    assert str(mistake) == ("environments/e.toml:2: this is not UTF-8: save the file as UTF-8")


def test_what_is_no_readable_file(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "environments" / "folder.toml").mkdir(parents=True)
    (tmp_path / "environments" / "gone.toml").symlink_to("nowhere")
    (tmp_path / "environments" / "ok.toml").symlink_to("/dev/zero")
    assert [str(mistake) for mistake in mistakes({})] == [
        "environments/gone.toml:1: cannot be read: No such file or directory",
        "environments/ok.toml:1: cannot be read: it is not a regular file",
    ]


def test_no_configuration_at_all(tmp_path: Path, registry: Registry, host: Host) -> None:
    from orchestrator.config import ConfigurationInvalid, read

    with pytest.raises(ConfigurationInvalid) as caught:
        read(tmp_path / "nowhere", registry, host)
    [mistake] = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("orchestrator.toml", 1)
    assert "orchestrator init" in mistake.text


def test_names_of_files(mistakes: Mistakes) -> None:
    found = mistakes({"environments/a b.toml": "", "environments/x/-y.toml": ""})
    assert [str(mistake) for mistake in found] == [
        'environments/a b.toml:1: "a b" is no name: use letters, digits, `-`, `_` and `.`, '
        "beginning with a letter or a digit",
        'environments/x/-y.toml:1: "-y" is no name: use letters, digits, `-`, `_` and `.`, '
        "beginning with a letter or a digit",
    ]


def test_a_misspelled_folder(mistakes: Mistakes) -> None:
    [mistake] = mistakes({"pipeline/p.toml": ""})
    assert str(mistake) == ("orchestrator.toml:1: pipeline/ is not read; did you mean pipelines/?")


def test_hidden_files_are_left_alone(reads: Reads) -> None:
    assert reads({"environments/.#e.toml": "[", "environments/.git/x.toml": "["})
