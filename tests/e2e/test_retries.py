"""A step that is tried again, through the real daemon and its end."""

import pytest

from tests.e2e.e2e_bench import Installation, until

pytestmark = pytest.mark.slow

PIPELINE = """
kind = "deploy"
[params.good]
default = "1"
[params.wait]
default = ""
[[steps]]
name = "work"
uses = "command"
retry = {retry}
{more}
with = {{ script = '''
echo "this is attempt $ORCHESTRATOR_ATTEMPT"
[ "$ORCHESTRATOR_ATTEMPT" -ge "$ORCHESTRATOR_PARAM_GOOD" ] || exit 75
''' }}
[[steps]]
name = "after"
uses = "command"
with = {{ run = ["true"] }}
"""


def served(installation: Installation, retry: str, more: str = "") -> Installation:
    text = PIPELINE.format(retry=retry, more=more)
    installation.write({"environments/staging.toml": "", "pipelines/p.toml": text})
    installation.start()
    return installation


def test_each_attempt_has_its_log(installation: Installation) -> None:
    """Each attempt has its log, and the last one counts."""
    served(installation, "{ attempts = 3 }", 'outcomes = { "exit 75" = "warn" }')
    followed = installation.run("submit", "p", "staging", "-p", "good=3", "--follow", "--strict")
    assert followed.returncode == 0, followed.stderr
    for number in (1, 2, 3):
        one = installation.says("log", "1", "work", "--attempt", str(number))
        assert one == f"this is attempt {number}\n"
        assert one in followed.stdout
    assert installation.says("log", "1", "work") == "this is attempt 3\n"
    step = installation.job(1)["steps"][0]
    assert (step["attempt"], step["attempts"], step["conclusion"]) == (3, 3, "success")
    assert "in attempt 3 of 3" in installation.says("show", "1")
    warned = installation.run("submit", "p", "staging", "-p", "good=9", "--wait", "--strict")
    assert warned.returncode == 10
    step = installation.job(2)["steps"][0]
    assert (step["attempt"], step["conclusion"], step["exit"]) == (3, "warning", 75)
    kinds = [event["type"] for event in installation.events() if event["job"] == 2]
    assert kinds.count("step_retry_scheduled") == 2


def waits(installation: Installation, job: int) -> bool:
    return installation.job(job)["steps"][0]["next_attempt_at"] is not None


def test_a_wait_outlives_a_daemon_that_is_killed(installation: Installation) -> None:
    served(installation, '{ attempts = 2, backoff = "2s" }')
    assert installation.submit("p", "staging", "-p", "good=2") == 1
    until("the first attempt has failed", lambda: waits(installation, 1))
    due = installation.job(1)["steps"][0]["next_attempt_at"]
    installation.kill()
    installation.start()
    assert installation.finished(1)["conclusion"] == "success"
    assert installation.job(1)["steps"][0]["started_at"] >= due


def test_what_waits_says_until_when(installation: Installation) -> None:
    """What waits says until when, and can be cancelled."""
    served(installation, '{ attempts = 5, backoff = "1h" }')
    assert installation.submit("p", "staging", "-p", "good=2") == 1
    until("the first attempt has failed", lambda: waits(installation, 1))
    step = installation.job(1)["steps"][0]
    assert (step["phase"], step["attempt"], step["exit"]) == ("pending", 1, 75)
    shown = installation.says("show", "1")
    assert "attempt 1 of 5 failed (exit 75), the next begins at" in shown
    assert installation.says("log", "1", "work") == "this is attempt 1\n"
    assert "this is attempt 1" in installation.says("log", "1")
    ended = installation.run("cancel", "1", "--reason", "enough", "--wait")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    step = installation.job(1)["steps"][0]
    assert step["conclusion"] == "cancelled"
    assert step["reason"].endswith(": enough, before attempt 2 of 5")
