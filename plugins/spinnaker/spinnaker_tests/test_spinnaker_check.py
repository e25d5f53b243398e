"""What a check finds, and which setting it names."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from orchestrator_spinnaker import check

from orchestrator.plugin import Secret
from spinnaker_tests.spinnaker_steps import PIPELINE, SOON, Steps, errors, patience, warnings
from tests.testbed.spinnaker.spinnaker_gate import Call, Fault, Gate
from tests.testbed.spinnaker.spinnaker_pipelines import parameter, pipeline, verdict
from tests.testbed.spinnaker.spinnaker_users import ADA

pytestmark = pytest.mark.spinnaker


@pytest.fixture(autouse=True)
def configured(gate: Gate) -> None:
    gate.configure(
        pipeline(PIPELINE, verdict("Bake"), parameterConfig=[parameter("version", "v1")]),
        pipeline("Clean Up", verdict("clean")),
    )


async def test_a_good_step(steps: Steps) -> None:
    app = steps.gate.application
    step = steps.step(
        conflicts=[f"{app}/Clean Up", f"{app}/{app}-Clean%20Up"],
        parameters={"version": "v2"},
        outputs={"image": {"stage": "Bake", "key": "image"}},
    )
    assert await check.problems(step) == ()
    assert await check.problems(steps.step(pipeline=f"{app}-{PIPELINE}")) == (), "its id"


@pytest.mark.parametrize(
    ("settings", "setting", "text"),
    [
        ({"pipeline": "deplyo"}, "pipeline", 'has no pipeline "deplyo"; did you mean "Deploy"?'),
        ({"pipeline": "zzz"}, "pipeline", 'has no pipeline "zzz"'),
        ({"application": "nowhere"}, "pipeline", '"nowhere" has no pipelines, or Gate does not'),
        ({"conflicts": ["{app}/Cleanup"]}, "conflicts", 'did you mean "Clean Up"?'),
        ({"parameters": {"versoin": "1"}}, "parameters.versoin", 'did you mean "version"?'),
    ],
)
async def test_what_does_not_fit(
    steps: Steps, settings: Mapping[str, Any], setting: str, text: str
) -> None:
    app = steps.gate.application
    given = json.loads(json.dumps(settings).replace("{app}", app))
    ((found, said),) = errors(await check.problems(steps.step(**given)))
    assert found == setting
    assert text in said


async def test_everything_is_found_at_once(steps: Steps) -> None:
    step = steps.step(
        parameters={"a": 1, "b": 2}, conflicts=["x/y"], outputs={"o": {"stage": "bake", "key": "k"}}
    )
    problems = await check.problems(step)
    assert [setting for setting, _ in errors(problems)] == [
        "conflicts",
        "parameters.a",
        "parameters.b",
    ]
    ((setting, text),) = warnings(problems)
    assert setting == "outputs.o"
    assert text.endswith('has no stage "bake"; did you mean "Bake"?')


async def test_a_disabled_pipeline(steps: Steps) -> None:
    steps.gate.configure(pipeline(PIPELINE, verdict("Bake"), disabled=True))
    ((setting, text),) = errors(await check.problems(steps.step()))
    assert (setting, text) == (
        "pipeline",
        f"{steps.gate.application}/{PIPELINE} is disabled in Spinnaker",
    )


async def test_triggers_are_warned_of(steps: Steps) -> None:
    app = steps.gate.application
    cron, git = {"type": "cron", "enabled": True}, {"type": "git", "enabled": True}
    off = {"type": "jenkins", "enabled": False}
    steps.gate.configure(
        pipeline(PIPELINE, verdict("Bake"), triggers=[git, cron, cron, off]),
        pipeline("Clean Up", verdict("clean"), triggers=[cron]),
    )
    problems = await check.problems(steps.step(conflicts=[f"{app}/Clean Up"]))
    end = "it without us, at any time"
    assert problems and warnings(problems) == [
        (
            "pipeline",
            f"{app}/Deploy has an enabled cron trigger and git trigger, which start {end}",
        ),
        ("conflicts", f"{app}/Clean Up has an enabled cron trigger, which starts {end}"),
    ]


async def test_what_spinnaker_cancels_and_shows_is_warned_of(steps: Steps) -> None:
    limits = {"limitConcurrent": True, "keepWaitingPipelines": False}
    given = [parameter("version", "v1"), parameter("more"), parameter("open")]
    steps.gate.configure(pipeline(PIPELINE, verdict("Bake"), parameterConfig=given, **limits))
    hush = Secret.of("token", "hush")
    step = steps.step(parameters={"version": hush, "more": [{"a": hush}], "open": ["b"]})
    problems = await check.problems(step)
    settings = ["parameters.version", "parameters.more", "pipeline"]
    assert [setting for setting, _ in warnings(problems)] == settings
    assert "`keepWaitingPipelines`" in problems[2].text
    assert "hush" not in repr(problems)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault.GATE_500, "answered 500 to GET /applications/"),
        (Fault.GATE_502, "answered 502 to GET /applications/"),
        (Fault.HUNG, f"no answer within {SOON} s to GET /applications/"),
        (Fault.CUT_BEFORE, "the connection was cut"),
        (Fault.NOT_JSON, "its answer is a web page: is that the address of Gate, not of Deck?"),
        (Fault.TRUNCATED, "the connection was cut"),
        (Fault.LOGIN, "asks for a login (302 to /login)"),
    ],
)
async def test_a_gate_that_fails(steps: Steps, fault: Fault, text: str) -> None:
    with steps.gate.fault(fault, Call.CONFIG):
        ((_, said),) = errors(await check.problems(steps.step(request_timeout=patience(fault))))
    assert text in said
    assert "{" not in said
    assert "<" not in said


def test_check_online_says_it_on_the_command_line(tmp_path: Path, gate: Gate) -> None:
    """What people give only when they submit is not judged."""
    asks = [parameter("version", required=True)]
    gate.configure(pipeline(PIPELINE, verdict("Bake"), parameterConfig=asks))
    (tmp_path / "password").write_text(ADA.password)
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "environments").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "orchestrator.toml").write_text(
        f'state_dir = "{tmp_path}/state"\n[secrets.gate]\nfile = "{tmp_path}/password"\n'
    )
    (tmp_path / "environments" / "staging.toml").write_text("")
    given = tmp_path / "pipelines" / "web.toml"
    given.write_text(
        f"""
        kind = "deploy"
        [[steps]]
        name = "deploy"
        uses = "spinnaker"
        [steps.with]
        gate = "{gate.url}"
        application = "{gate.application}"
        pipeline = "Deplyo"
        auth.basic = {{ username = "{ADA.name}", password = {{ secret = "gate" }} }}
        parameters = {{ version = "${{params.version}}" }}
        [params.version]
        type = "string"
        """
    )
    wrong = check_online(tmp_path)
    assert wrong.returncode == 2, wrong.stdout + wrong.stderr
    said = f'application "{gate.application}" has no pipeline "Deplyo"; did you mean "Deploy"?'
    assert f"step deploy in staging: with.pipeline: {said}" in wrong.stdout + wrong.stderr
    given.write_text(given.read_text().replace("Deplyo", "Deploy"))
    right = check_online(tmp_path)
    assert right.returncode == 0, right.stdout + right.stderr


def check_online(directory: Path) -> subprocess.CompletedProcess[str]:
    """`orchestrator check --online`, as a person types it."""
    orchestrator = Path(sys.executable).with_name("orchestrator")
    return subprocess.run(
        [orchestrator, "check", "--online", "--config", directory],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": str(directory)},
    )
