"""Typed parameters, conditions and the dry run, as people who submit jobs meet them."""

import json

import pytest

from tests.e2e.e2e_bench import Installation, command

pytestmark = pytest.mark.slow

SAYS = "print(sys.argv[1:], [os.environ[name] for name in sorted(os.environ) if 'PARAM' in name])"
ARGUMENTS = ("${params.regions}", "${params.count}", "n=${params.count}", "${params.force}")

PIPELINE = f"""
kind = "deploy"
cleanup.pipeline = "tidy"
cleanup.params = {{ count = "${{params.count}}", where = "${{params.regions}}" }}
env = {{ REGION = "${{environment.vars.region}}" }}

[params.count]
type = "integer"
min = 1
max = 10
[params.force]
type = "boolean"
[params.note]
pattern = "[a-z]+"
[params.regions]
type = "list"
choices = ["eu", "us", "ap"]
default = ["eu", "us"]
[params.tier]
type = "choice"
choices = ["dev", "prod"]
default = "dev"

[[steps]]
name = "say"
uses = "command"
with = {command(SAYS, *ARGUMENTS)}

[[steps]]
name = "prod-only"
needs = []
uses = "command"
env = {{ TOKEN = {{ secret = "cloud-token" }} }}
when = 'params.tier == "prod" or params.count > 5'
outcomes = {{ "exit 3" = {{ then = "warn", reason = "slow" }} }}
with = {command("print('prod')")}

[[steps]]
name = "after"
needs = ["say"]
uses = "command"
when = "steps.say.outputs.changes > 0"
with = {command("", "${steps.say.outputs.changes}", "${job.id}")}
"""
TIDY = f"""
kind = "cleanup"
[params.count]
type = "integer"
default = 4
[params.where]
type = "list"
[[steps]]
name = "tidy"
uses = "command"
with = {command(SAYS, "${params.where}", "${params.count}")}
"""
REFUSED = [
    ("count=11", "parameter count: 11 is more than 10"),
    ("count=x", 'parameter count: "x" is no whole number'),
    ("force=yes", 'parameter force: "yes" is neither true nor false; did you mean true?'),
    ("tier=prd", 'parameter tier: "prd" is none of "dev", "prod"; did you mean prod?'),
    ("regions=eu,ux", 'parameter regions: "ux" is none of "eu", "us", "ap"'),
]


@pytest.fixture
def daemon(installation: Installation) -> Installation:
    secret = installation.root / "token"
    secret.touch(0o600)
    secret.write_text("hunter2hunter2")
    installation.write(
        {
            "environments/staging.toml": 'vars = { region = "eu-west-2" }',
            "environments/guarded.toml": 'vars = { region = "x" }\n[approval]\nexpires = "4h"\n',
            "pipelines/web.toml": PIPELINE,
            "pipelines/tidy.toml": TIDY,
        },
        f'[secrets.cloud-token]\nfile = "{secret}"\n',
    )
    installation.start()
    return installation


def test_values_keep_their_types(
    daemon: Installation,
) -> None:
    """Values keep their types from the command line to the cleanup."""
    job = daemon.submit("web", "staging", "-p", "count=3", "-p", "regions=ap,eu")
    ended = daemon.finished(job)
    values = {"count": 3, "force": False, "note": "", "regions": ["ap", "eu"], "tier": "dev"}
    assert ended["params"] == values
    seen = ["3", "false", "", '["ap","eu"]', "dev"]
    said = f"{['ap', 'eu', '3', 'n=3', 'false']} {seen}\n"
    assert daemon.says("log", str(job), "say") == said
    reason = ended["steps"][1]["reason"]
    assert reason.startswith('when params.tier == "prod" or params.count > 5 is false (')
    daemon.until_idle()
    assert daemon.job(job + 1)["params"] == {"count": 3, "where": ["ap", "eu"]}
    assert (
        daemon.says("log", str(job + 1), "tidy") == "['ap', 'eu', '3'] ['3', '[\"ap\",\"eu\"]']\n"
    )
    listed = daemon.json("jobs", "--pipeline", "web")["jobs"]
    assert [one["params"] for one in listed] == [values]


def test_what_is_left_out_stays_out(daemon: Installation) -> None:
    """What is left out is left out of the cleanup and of a retry."""
    answer = daemon.client.post(
        "/v1/jobs",
        {"pipeline": "web", "environment": "staging", "params": {"force": True, "regions": []}},
    )
    values: dict[str, object] = {
        "count": None,
        "force": True,
        "note": "",
        "regions": [],
        "tier": "dev",
    }
    assert answer["params"] == values
    daemon.finished(answer["id"])
    daemon.until_idle()
    assert daemon.says("log", str(answer["id"]), "say").startswith("['', 'n=', 'true'] ")
    assert daemon.job(answer["id"] + 1)["params"] == {"count": 4, "where": []}
    again = daemon.json("retry", str(answer["id"]))
    assert again["params"] == values


@pytest.mark.parametrize(("given", "problem"), REFUSED)
def test_refused(daemon: Installation, given: str, problem: str) -> None:
    done = daemon.run("submit", "web", "staging", "-p", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: pipelines/web.toml: {problem}\n"


def test_all_that_is_wrong_is_told_at_once(daemon: Installation) -> None:
    given = [word for value, _ in REFUSED[1:] for word in ("-p", value)]
    done = daemon.run("submit", "web", "staging", *given, "-p", "teir=dev")
    assert (done.returncode, done.stdout) == (2, "")
    first, unknown, *told = done.stderr.splitlines()
    assert first == "error: several parameters are wrong, and nothing was submitted"
    assert "there is no parameter teir; did you mean tier?" in unknown
    assert told == [f"  pipelines/web.toml: {problem}" for _, problem in REFUSED[1:]]


def test_a_dry_run_queues_nothing(daemon: Installation) -> None:
    """A dry run says what would run, and queues nothing."""
    plan = daemon.json("submit", "web", "guarded", "-p", "count=3", "--dry-run")
    say, prod, after = plan["steps"]
    assert [(step["name"], step["turn"]) for step in plan["steps"]] == [
        *(("say", 1), ("prod-only", 1)),
        ("after", 2),
    ]
    assert say["with"]["run"][4:] == ["eu", "us", 3, "n=3", False]
    assert say["env"] == {"REGION": "x"}
    assert prod["env"] == {"REGION": "x", "TOKEN": "***"}
    assert prod["secrets"] == ["cloud-token"]
    assert prod["when"]["holds"] is False
    assert prod["outcomes"] == [{"match": "exit 3", "then": "warn", "reason": "slow", "skip": []}]
    assert after["when"]["holds"] is None
    assert after["later"] == ["${steps.say.outputs.changes}", "${job.id}"]
    assert plan["cleanup"] == {"pipeline": "tidy", "params": {"count": 3, "where": ["eu", "us"]}}
    [approval] = plan["approvals"]
    assert (approval["rule"], approval["expires"]) == ("environment", 14400.0)
    assert "hunter2" not in json.dumps(plan)
    shown = daemon.says("submit", "web", "guarded", "-p", "tier=prod", "--dry-run")
    assert 'is true (params.tier is "prod"; params.count is null)' in shown
    assert "approval by approver, expires after 4h 00m, asked by the environment" in shown
    assert daemon.json("jobs")["jobs"] == []
