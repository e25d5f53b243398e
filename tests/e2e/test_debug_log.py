"""`--log-level debug` tells a developer what the daemon decided and did, and no secret."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.e2e_bench import WAITS, Installation, one_step, until

pytestmark = pytest.mark.slow

SECRET = "correct-horse-battery"
PARAMETERS = '[params.token]\nsecret = true\n[params.open]\ndefault = "x"\n'

Line = dict[str, Any]


def lines(installation: Installation, event: str) -> list[Line]:
    """The lines of the daemon's log that tell one thing."""
    found = [json.loads(line) for line in installation.log.read_text().splitlines()]
    return [line for line in found if line["event"] == event]


def told(installation: Installation, event: str, holds: Callable[[Line], bool]) -> Line:
    """Such a line, as soon as it is there."""
    return until(event, lambda: next(filter(holds, lines(installation, event)), {}))


@pytest.fixture
def debugged(installation: Installation, tmp_path: Path) -> Installation:
    """A daemon that tells everything, with a pipeline that takes a secret and waits."""
    stays = one_step(WAITS, tmp_path / "gate", top=PARAMETERS)
    installation.write({"environments/staging.toml": "", "pipelines/stays.toml": stays})
    installation.start("--log-level", "debug")
    return installation


def submit(installation: Installation, tmp_path: Path) -> int:
    token = tmp_path / "token"
    token.write_text(SECRET)
    return installation.submit("stays", "staging", "-p", f"token=@{token}", "-p", "open=hidden-too")


def test_a_stop_from_command_to_process(debugged: Installation, tmp_path: Path) -> None:
    job = submit(debugged, tmp_path)
    debugged.at_work(job)
    debugged.says("cancel", str(job), "--reason", "wrong")
    debugged.finished(job)
    submitted = told(debugged, "decided", lambda line: line["command"] == "Submit")
    assert [text.split()[1:] for text in submitted["events"]][-1] == ["job_submitted", str(job)]
    started = told(debugged, "effects", lambda line: f"RunAttempt {job}/work/1" in line["begun"])
    assert started["environment"] == "staging"
    process = told(debugged, "process started", lambda line: line["job"] == job)
    assert (process["phase"], process["level"]) == ("apply", "debug")
    assert Path(process["record"], "status").exists()
    assert told(debugged, "asking to stop", lambda line: line["step"] == "work")
    signalled = told(debugged, "stop signal", lambda line: line["record"] == process["record"])
    assert signalled["signal"] == "SIGTERM"
    ended = told(debugged, "process ended", lambda line: line["record"] == process["record"])
    assert {"code", "signal"} <= set(ended)


def test_why_a_job_was_not_admitted(debugged: Installation, tmp_path: Path) -> None:
    first, second = submit(debugged, tmp_path), submit(debugged, tmp_path)
    line = told(debugged, "not admitted", lambda line: line["job"] == second)
    assert (line["blocker"], line["cause"]) == ("job", str(first))


def test_an_adopted_process_and_its_record(debugged: Installation, tmp_path: Path) -> None:
    job = submit(debugged, tmp_path)
    debugged.at_work(job)
    record = told(debugged, "process started", lambda line: line["job"] == job)["record"]
    debugged.kill()
    debugged.start("--log-level", "debug")
    assert told(debugged, "process adopted", lambda line: line["record"] == record)


def test_no_value_of_a_parameter(debugged: Installation, tmp_path: Path) -> None:
    job = submit(debugged, tmp_path)
    debugged.at_work(job)
    (tmp_path / "gate").touch()
    debugged.finished(job)
    told(debugged, "process ended", lambda line: line["job"] == job)
    text = debugged.log.read_text()
    assert SECRET not in text
    assert "hidden-too" not in text


def test_a_refusal_is_told_by_its_kind(debugged: Installation) -> None:
    assert debugged.run("submit", "stays", "nowhere").returncode == 13
    line = told(debugged, "rejected", lambda line: line["command"] == "Submit")
    assert line["kind"] == "unknown-environment"


@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_higher_level_tells_less(installation: Installation, tmp_path: Path, level: str) -> None:
    installation.write({"environments/staging.toml": "", "pipelines/a.toml": one_step("")})
    installation.start("--log-level", level)
    installation.finished(installation.submit("a", "staging"))
    installation.stop()
    levels = {json.loads(line)["level"] for line in installation.log.read_text().splitlines()}
    assert levels == ({"info"} if level == "info" else set())


def test_an_unknown_level_names_those_there_are(installation: Installation) -> None:
    installation.write({"environments/staging.toml": ""})
    config = str(installation.directory)
    refused = installation.run("serve", "--config", config, "--log-level", "loud")
    assert refused.returncode == 2
    for level in ("loud", "debug", "info", "warning", "error"):
        assert level in refused.stderr


def test_serve_hands_the_level_on(installation: Installation) -> None:
    installation.write({"environments/staging.toml": ""})
    serve = installation.spawn(
        "serve", "--config", str(installation.directory), "--log-level=debug"
    )
    assert serve.stderr is not None
    assert json.loads(serve.stderr.readline())["level"] == "debug"
    serve.terminate()
    serve.communicate()
