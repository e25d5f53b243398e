"""A whole directory that is right, key by key."""

from pathlib import Path

import msgspec

from orchestrator.config import fingerprint
from orchestrator.core.language.definition import (
    CleanupReference,
    Configuration,
    EnvironmentDefinition,
    OutcomeRule,
    Parameter,
    Roles,
    Source,
    StepDefinition,
    StopRules,
)
from orchestrator.core.language.words import Outcome, StopPolicy
from tests.config.config_material import Reads

FILES = {
    "orchestrator.toml": """
state_dir = "state"
socket = "/tmp/o.sock"
capacity = 3
pass_env = ["HTTPS_PROXY", "AWS_*"]
allow_env = ["LD_PRELOAD"]
[roles]
viewer = ["*"]
submitter = ["@developers", "ada"]
[kinds.test]
excludes = ["deploy"]
[kinds.cleanup]
excludes = ["deploy", "cleanup", "test"]
""",
    "environments/staging.toml": "",
    "environments/eu/production.toml": """
locks = ["shared-vpc"]
vars = { region = "eu-west-2", zones = ["a", "b"], net = { cidr = "10/8" } }
env = { AWS_PROFILE = "production", LD_PRELOAD = "x.so" }
[roles]
admin = ["root"]
""",
    "pipelines/team/web.toml": r"""
kind = "deploy"
description = "Plan, ship, smoke"
environments = ["eu/production"]
cleanup = { pipeline = "web-cleanup", params = { version = "x-${params.version}" } }
stop = { applying = "nobody", queued = "owner" }
timeout = "2h"
force_after = 90
env = { REGION = "${environment.vars.region}" }

[source]
path = "../infra"

[params.version]
pattern = '^v\d+\.\d+\.\d+$'
required = true
example = "v1.2.3"
[params.note]
default = "none"

[[steps]]
name = "plan"
uses = "ship"
with = { action = "plan", dir = "${params.version}", parallelism = "${params.note}" }

[[steps]]
name = "apply"
uses = "ship"
timeout = "1h30m"
cleanup_timeout = "10s"
grace = "1d"
with = { action = "apply", vars = { v = "${params.version}", plan = "${steps.plan.outputs.p}" } }

[[steps]]
name = "smoke"
uses = "command"
touches = false
with.run = ["./smoke.sh", "$${HOME}", "${environment.vars.net.cidr}", "job-${job.id}"]
env = { BY = "${job.submitter}" }
""",
    "pipelines/web-cleanup.toml": """
kind = "cleanup"
stop = "admins"
[params.version]
required = true
[[steps]]
name = "undo"
uses = "command"
with = { run = ["./undo.sh", "${params.version}", "${debt.job}"] }
""",
}


def test_main_file(reads: Reads, tmp_path: Path) -> None:
    configuration = reads(FILES)
    assert configuration.state_dir == str(tmp_path / "state")
    assert configuration.socket == "/tmp/o.sock"
    assert configuration.capacity == 3
    assert configuration.pass_env == ("HTTPS_PROXY", "AWS_*")
    assert configuration.allow_env == ("LD_PRELOAD",)
    assert configuration.roles == Roles(viewer=("*",), submitter=("@developers", "ada"))
    assert configuration.kinds == {
        "deploy": ("deploy", "cleanup"),
        "cleanup": ("deploy", "cleanup", "test"),
        "test": ("deploy",),
    }


def test_environments(reads: Reads) -> None:
    environments = reads(FILES).environments
    assert environments["staging"] == EnvironmentDefinition(
        name="staging", origin="environments/staging.toml"
    )
    assert environments["eu/production"] == EnvironmentDefinition(
        name="eu/production",
        locks=("shared-vpc",),
        vars={"region": "eu-west-2", "zones": ["a", "b"], "net": {"cidr": "10/8"}},
        env={"AWS_PROFILE": "production", "LD_PRELOAD": "x.so"},
        roles=Roles(admin=("root",)),
        origin="environments/eu/production.toml",
    )


def test_pipeline(reads: Reads, tmp_path: Path) -> None:
    pipeline = reads(FILES).pipelines["team/web"]
    assert (pipeline.kind, pipeline.origin) == ("deploy", "pipelines/team/web.toml")
    assert pipeline.environments == ("eu/production",)
    assert pipeline.cleanup == CleanupReference("web-cleanup", {"version": "x-${params.version}"})
    assert pipeline.stop == StopRules(queued=StopPolicy.OWNER, applying=StopPolicy.NOBODY)
    assert (pipeline.timeout, pipeline.force_after) == (7200.0, 90.0)
    assert pipeline.source == Source(str(tmp_path / "../infra"))
    assert pipeline.params == (
        Parameter("version", required=True, pattern=r"^v\d+\.\d+\.\d+$", example="v1.2.3"),
        Parameter("note", default="none"),
    )
    assert pipeline.env == {"REGION": "${environment.vars.region}"}


def test_steps_hold_what_the_file_says(reads: Reads) -> None:
    """Steps hold what the file says, else the adapter's traits."""
    plan, apply, smoke = reads(FILES).pipelines["team/web"].steps
    assert plan == StepDefinition(
        name="plan",
        uses="ship",
        config={"action": "plan", "dir": "${params.version}", "parallelism": "${params.note}"},
        touches=False,
        grace=None,
        default_outcomes=(OutcomeRule("exit 2", Outcome.CONTINUE),),
    )
    assert (apply.touches, apply.timeout, apply.grace, apply.cleanup_timeout) == (
        True,
        5400.0,
        86400.0,
        10.0,
    )
    assert (apply.needs, smoke.needs) == (("plan",), ("apply",))
    assert (apply.has_acquire, apply.has_cleanup) == (True, True)
    assert (smoke.has_acquire, smoke.has_cleanup) == (False, False)
    assert (smoke.touches, smoke.grace, smoke.env) == (False, 60.0, {"BY": "${job.submitter}"})


def test_defaults_of_an_almost_empty_directory(reads: Reads) -> None:
    configuration = reads({})
    assert configuration.state_dir == "/home/ada/.local/state/orchestrator"
    assert configuration.socket == "/run/user/1000/orchestrator/orchestrator.sock"
    assert configuration.roles is None
    assert configuration.capacity == 8
    assert set(configuration.kinds) == {"deploy", "cleanup"}


def test_a_bare_cleanup_name(reads: Reads) -> None:
    """A bare cleanup name maps parameters of the same name."""
    text = FILES["pipelines/team/web.toml"].replace(
        'cleanup = { pipeline = "web-cleanup", params = { version = "x-${params.version}" } }',
        'cleanup = "web-cleanup"',
    )
    configuration = reads({**FILES, "pipelines/team/web.toml": text})
    assert configuration.pipelines["team/web"].cleanup == CleanupReference(
        "web-cleanup", {"version": "${params.version}"}
    )


def test_the_fingerprint_follows_content_not_form(reads: Reads) -> None:
    before = fingerprint(reads(FILES))
    commented = {**FILES, "environments/staging.toml": "# nothing here\nlocks = []\n"}
    assert fingerprint(reads(commented)) == before
    changed = {**FILES, "environments/staging.toml": 'locks = ["vpc"]'}
    assert fingerprint(reads(changed)) != before


def test_it_survives_the_journal(reads: Reads) -> None:
    configuration = reads(FILES)
    encoded = msgspec.json.encode(configuration)
    assert msgspec.json.decode(encoded, type=Configuration) == configuration


def test_an_allowed_variable_is_passed_on(reads: Reads) -> None:
    """A variable that is allowed may be passed on."""
    text = 'allow_env = ["HELM_*"]\npass_env = ["HELM_*", "HELM_DEBUG", "TF_*"]'
    assert reads({"orchestrator.toml": text}).pass_env == ("HELM_*", "HELM_DEBUG", "TF_*")
