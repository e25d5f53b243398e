"""The first ten minutes of somebody who has just installed it, typed as they would type it."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.e2e_bench import WAITS, Installation, command, one_step


def test_from_init_to_events(installation: Installation) -> None:
    said = installation.run("init", str(installation.directory))
    assert "orchestrator serve --config" in said.stderr
    main = installation.directory / "orchestrator.toml"
    paths = f'state_dir = "{installation.state}"\nsocket = "{installation.socket}"\n'
    main.write_text(paths + main.read_text())
    pipeline = installation.directory / "pipelines" / "hello.toml"
    pipeline.write_text(pipeline.read_text().replace('["sleep", "5"]', '["sleep", "0.1"]'))
    assert installation.run("check", "--config", str(installation.directory)).returncode == 0
    assert installation.run("status").returncode == 5
    installation.start()

    assert "hello-cleanup" in installation.says("pipelines")
    assert "command" in installation.says("plugins")
    assert "Hello, staging: v1.0.0" in installation.says(
        "submit", "hello", "staging", "-p", "version=v1.0.0", "--follow"
    )
    assert "success" in installation.says("show", "1")
    assert "Hello, staging: v1.0.0" in installation.says("log", "1")
    cleanup = installation.json("jobs", "--kind", "cleanup")["jobs"][0]
    assert installation.run("wait", str(cleanup["id"])).returncode == 0
    log = installation.says("log", str(cleanup["id"]), "tidy")
    assert "tidying up after v1.0.0, deployed by job 1" in log
    assert installation.json("environment", "staging")["debts"] == []
    types = [event["type"] for event in installation.events()]
    for wanted in ("job_submitted", "job_admitted", "debt_incurred", "debt_paid", "job_finished"):
        assert wanted in types, types
    assert installation.stop() == 0


@pytest.mark.slow
def test_a_parameter_says_what_would_match(installation: Installation) -> None:
    """A parameter that does not match says what would."""
    installation.says("init", str(installation.directory))
    main = installation.directory / "orchestrator.toml"
    main.write_text(f'state_dir = "{installation.state}"\nsocket = "{installation.socket}"\n')
    installation.start()
    refused = installation.run("submit", "hello", "staging", "-p", "version=1")
    assert refused.returncode == 2
    assert "v1.2.3" in refused.stderr
    unknown = installation.run("submit", "helo", "staging", "-p", "version=v1.0.0")
    assert unknown.returncode == 13
    assert "did you mean hello?" in unknown.stderr


def every_ending(gate: Path) -> dict[str, str]:
    """A pipeline for each way to end."""
    dirty = command("").removesuffix(" }") + ', cleanup = ["sh", "-c", "echo still here; exit 1"] }'
    return {
        "environments/staging.toml": "",
        "environments/production.toml": "",
        "pipelines/good.toml": one_step('print("done well")'),
        "pipelines/bad.toml": one_step("sys.exit(3)"),
        "pipelines/stays.toml": one_step(WAITS, gate),
        "pipelines/slow.toml": one_step(WAITS, gate, step='timeout = "0.5s"\n'),
        "pipelines/dirty.toml": 'kind = "deploy"\n[[steps]]\nname = "work"\nuses = "command"\n'
        f"with = {dirty}\n",
    }


@pytest.fixture
def endings(installation: Installation, tmp_path: Path) -> Installation:
    """The same, with a daemon that serves it."""
    installation.write(every_ending(tmp_path / "gate"))
    installation.start()
    return installation


@pytest.mark.slow
def test_every_exit_status_of_a_job(endings: Installation) -> None:
    assert endings.run("submit", "good", "staging", "--wait").returncode == 0
    assert endings.run("submit", "bad", "staging", "--wait").returncode == 1
    assert endings.run("submit", "slow", "staging", "--wait").returncode == 8
    stays = endings.submit("stays", "staging")
    endings.at_work(stays)
    queued = endings.submit("good", "staging")
    assert endings.run("wait", str(queued), "--timeout", "0.1s").returncode == 124
    assert endings.run("cancel", str(queued), "--wait").returncode == 0
    cancelled = endings.run("cancel", str(stays), "--reason", "wrong version", "--wait")
    assert cancelled.returncode == 0, "as it was asked to"
    assert endings.run("wait", str(stays)).returncode == 4
    assert endings.run("submit", "dirty", "production", "--wait").returncode == 7
    assert endings.run("wait", "1", "2", "3").returncode == 1
    assert endings.run("show", "4711").returncode == 13
    assert endings.run("cancel", "1").returncode == 13
    assert endings.run("submit", "good").returncode == 2


@pytest.mark.slow
def test_why_a_job_waits(endings: Installation) -> None:
    first = endings.submit("stays", "staging", "--reason", "release one")
    second = endings.submit("good", "staging")
    endings.at_work(first)
    explained = endings.says("explain", str(second))
    assert f"job {first}" in explained
    assert "staging" in endings.says("status")
    environment = endings.json("environment", "staging")
    assert (environment["running"], environment["queued"]) == ([first], [second])
    endings.says("drain", "--reason", "maintenance")
    third = endings.submit("good", "production")
    blockers = endings.json("explain", str(third))["blockers"]
    assert [blocker["type"] for blocker in blockers] == ["drain"]
    endings.says("resume")
    assert endings.run("wait", str(third)).returncode == 0


@pytest.mark.slow
def test_a_quarantine_and_how_it_is_lifted(endings: Installation) -> None:
    endings.run("submit", "dirty", "staging", "--wait")
    environment = endings.json("environment", "staging")
    assert "still here" in environment["quarantine"]["found"]
    waits = endings.submit("good", "staging")
    blockers = endings.json("explain", str(waits))["blockers"]
    assert "quarantine" in [blocker["type"] for blocker in blockers]
    endings.says("recheck", "staging")
    assert endings.json("environment", "staging")["quarantine"] is not None
    assert endings.run("waive", "staging").returncode == 2
    endings.says("waive", "staging", "--reason", "looked myself")
    assert endings.run("wait", str(waits)).returncode == 0


@pytest.mark.slow
def test_dry_run_retry_output_and_result_file(endings: Installation, tmp_path: Path) -> None:
    assert "work" in endings.says("submit", "good", "staging", "--dry-run")
    assert endings.json("jobs")["jobs"] == []
    result = tmp_path / "result"
    endings.run("submit", "bad", "staging", "--wait", "--result-file", str(result))
    assert "conclusion=failure" in result.read_text().splitlines()
    again = int(endings.says("retry", "1").split()[0])
    assert endings.finished(again)["retry_of"] == 1
    same = [endings.submit("good", "staging", "--key", "build 7") for _ in range(2)]
    assert same[0] == same[1]
    assert endings.run("submit", "bad", "staging", "--key", "build 7").returncode == 13


@pytest.mark.slow
def test_follow_shows_a_log_while_it_grows(endings: Installation, tmp_path: Path) -> None:
    job = endings.submit("stays", "staging")
    endings.at_work(job)
    with endings.spawn("log", str(job), "-f") as following:
        (tmp_path / "gate").touch()
        assert following.wait(60) == 0
    events = endings.spawn("events", "-f", "--json", "--since", "0")
    assert events.stdout is not None
    first = json.loads(events.stdout.readline())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", first["at"])
    events.terminate()
    events.communicate()


@pytest.mark.slow
def test_configuration_mistakes_are_told_with_their_lines(installation: Installation) -> None:
    installation.write(
        {"pipelines/web.toml": 'kind = "deplyo"\n[[steps]]\nname = "a"\nusess = 1\n'}
    )
    refused = installation.run("check", "--config", str(installation.directory))
    assert refused.returncode == 2
    said = refused.stdout + refused.stderr
    assert re.search(r"pipelines/web.toml:1: kind: .*deploy", said), said
    assert re.search(r"pipelines/web.toml:4: .*usess", said), said
