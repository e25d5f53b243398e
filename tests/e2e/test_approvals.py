"""Approvals by several users, with real pipelines, over the death of the daemon."""

import signal
import subprocess

import pytest

from tests import needs
from tests.e2e.e2e_bench import Installation, command, until
from tests.e2e.other_people import DAEMON, NOBODY

pytestmark = [pytest.mark.slow, needs.ROOT, needs.OTHER_USERS]

ROLES = """
[roles]
viewer = ["*"]
submitter = ["nobody"]
approver = ["nobody", "daemon"]
admin = ["root"]
"""
APPLY = f"""
[[steps]]
name = "apply"
uses = "command"
with = {command("print('applied')")}
"""
WEB = f"""
kind = "deploy"
[[before]]
name = "build"
uses = "command"
with = {command("print('built')")}
[approval]
count = 2
expires = "1h"
{APPLY}
[[finally]]
name = "report"
uses = "command"
with = {command("print('reported')")}
"""
STAGED = f"""
kind = "deploy"
[[steps]]
name = "canary"
uses = "command"
with = {command("print('canary')")}
[[steps]]
name = "verify"
uses = "approval"
with = {{ message = "is the canary well?", not_submitter = true, expires = "1h" }}
{APPLY}
"""
HASTY = f"""
kind = "deploy"
[[steps]]
name = "verify"
uses = "approval"
with = {{ expires = 0.2 }}
outcomes = {{ "status expired" = "warn" }}
{APPLY}
"""


@pytest.fixture
def shared(public: Installation) -> Installation:
    public.write(
        {
            "environments/production.toml": '[approval]\nroles = ["admin"]\n',
            "environments/staging.toml": "",
            "environments/impatient.toml": '[approval]\nexpires = "0.2s"\n',
            "pipelines/web.toml": WEB,
            "pipelines/staged.toml": STAGED,
            "pipelines/hasty.toml": HASTY,
            "pipelines/plain.toml": f'kind = "deploy"\n{APPLY}',
        },
        ROLES,
    )
    public.start()
    return public


def submit(here: Installation, pipeline: str, environment: str = "staging") -> int:
    """Nobody submits."""
    return int(said(here.run("submit", pipeline, environment, prefix=NOBODY)))


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done
    return done.stdout


def until_asked(here: Installation, job: int) -> None:
    def asked() -> bool:
        found = here.client.get("/v1/approvals")["approvals"]
        return any(one["job"] == job for one in found)

    until(f"job {job} awaits an approval", asked)


def test_two_people_approve(shared: Installation) -> None:
    """Two people approve over the death of the daemon."""
    job = str(submit(shared, "web"))
    until_asked(shared, int(job))
    mine = said(shared.run("approvals", prefix=NOBODY))
    assert f"job {job}" in mine and "orchestrator approve" in mine
    first = said(shared.run("approve", job, "--comment", "fine", prefix=NOBODY))
    assert first == "approved; it still needs approval by approver (1 of 2)\n"
    again = shared.run("approve", job, prefix=NOBODY)
    assert (again.returncode, "a yes counts once" in again.stderr) == (13, True)
    shared.kill()
    shared.start()
    assert "(1 of 2)" in said(shared.run("show", job, prefix=DAEMON))
    assert shared.says("status").count("awaiting approval") == 1
    second = said(shared.run("approve", job, prefix=DAEMON))
    assert second.startswith("approved; job 1 ")
    ended = shared.finished(int(job))
    assert ended["conclusion"] == "success"
    assert [approval["by"]["user"] for approval in ended["approvals"]] == ["nobody", "daemon"]
    late = shared.run("approve", job, prefix=DAEMON)
    assert (late.returncode, "it is finished (success)" in late.stderr) == (13, True)


def test_an_environment_adds_its_own_approval(shared: Installation) -> None:
    job = str(submit(shared, "web", "production"))
    until_asked(shared, int(job))
    said(shared.run("approve", job, prefix=NOBODY))
    left = said(shared.run("approve", job, prefix=DAEMON))
    assert left == "approved; it still needs approval by admin\n"
    assert shared.run("approve", job, prefix=DAEMON).returncode == 3
    shared.says("approve", job)
    assert shared.finished(int(job))["conclusion"] == "success"


def test_a_no_ends_the_job(shared: Installation) -> None:
    """A no ends the job, and its `finally` steps run."""
    waiting = shared.spawn("submit", "web", "staging", "--wait")
    until_asked(shared, 1)
    refused = said(shared.run("reject", "1", "--comment", "not on a friday", prefix=DAEMON))
    assert refused.startswith("rejected: job 1 ends as rejected")
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 6
    assert "awaits approval by approver (0 of 2)" in err
    assert "rejected by daemon" in out and "not on a friday" in out
    steps = {step["name"]: step["conclusion"] for step in shared.job(1)["steps"]}
    assert steps == {"build": "success", "apply": "not_run", "report": "success"}


def test_nobody_approves_in_time(shared: Installation) -> None:
    job = submit(shared, "plain", "impatient")
    assert shared.finished(job)["conclusion"] == "expired"
    assert shared.run("wait", str(job)).returncode == 6


def test_a_step_asks_somebody_else(shared: Installation) -> None:
    """A step asks somebody else while its environment is held."""
    job = str(submit(shared, "staged"))
    until_asked(shared, int(job))
    behind = submit(shared, "plain")
    assert shared.job(behind)["blockers"][0]["id"] == int(job)
    answers = f"orchestrator approve {job} verify, or: orchestrator reject {job} verify"
    for one, asks in ((job, "  1  step verify awaits approval"), (str(behind), "awaits approval")):
        explained = said(shared.run("explain", one, prefix=DAEMON))
        assert asks in explained and explained.rstrip().endswith(answers), explained
    own = shared.run("approve", job, prefix=NOBODY)
    assert (own.returncode, "not_submitter" in own.stderr) == (3, True)
    theirs = said(shared.run("approvals", prefix=DAEMON))
    assert "is the canary well?" in theirs
    assert "staging is held by the job meanwhile" in theirs
    shared.kill()
    shared.start()
    done = said(shared.run("approve", job, "verify", "--comment", "it is", prefix=DAEMON))
    assert done == f"approved; step verify of job {job} goes on\n"
    ended = shared.finished(int(job))
    verify = next(step for step in ended["steps"] if step["name"] == "verify")
    assert verify["outputs"] == {"approved_by": "daemon", "comment": "it is"}
    assert shared.finished(behind)["conclusion"] == "success"


def test_a_step_is_refused_or_expires(shared: Installation) -> None:
    refused = submit(shared, "staged")
    until_asked(shared, refused)
    said(shared.run("reject", str(refused), prefix=DAEMON))
    ended = shared.finished(refused)
    assert (ended["conclusion"], ended["steps"][1]["reason"]) == ("failure", "rejected by daemon")
    ended = shared.finished(submit(shared, "hasty"))
    assert (ended["conclusion"], ended["warnings"]) == ("success", 1)


def test_interrupting_who_waits_for_an_approval_cancels(shared: Installation) -> None:
    waiting = shared.spawn("submit", "web", "staging", "--wait")
    until_asked(shared, 1)
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 4
    assert shared.job(1)["conclusion"] == "cancelled"


def test_check_says_why_an_approval_step_must_expire(shared: Installation) -> None:
    shared.write(
        {
            "environments/staging.toml": "",
            "pipelines/web.toml": 'kind = "deploy"\n[[steps]]\nname = "v"\nuses = "approval"\n',
        },
        ROLES,
    )
    found = shared.run("check", "--config", str(shared.directory))
    assert found.returncode == 2
    assert "`expires` is missing: an approval inside a run holds the environment" in found.stdout
