"""What people are asked, their answers, and jobs that prepare."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.commands import Caller
from orchestrator.core.language.definition import (
    ApprovalRule,
    Configuration,
    EnvironmentDefinition,
    PipelineDefinition,
    Roles,
    StepDefinition,
)
from orchestrator.core.language.words import Role, Section
from tests import myself
from tests.api.api_bench import ApiBench, configuration, open_bench

ADA = Caller(uid=54321, user="ada")
BOB = Caller(uid=54322, user="bob")
ASKS = {"message": "release?", "expires": "4h", "roles": ["approver"], "count": 2}
BUILD = StepDefinition("build", "gate", {"text": "+3 ~1 -0"}, section=Section.BEFORE, touches=False)
APPLY = StepDefinition("apply", "gate", touches=False)
REPORT = StepDefinition("report", "gate", section=Section.FINALLY, touches=False)


def asking(*names: str) -> tuple[StepDefinition, ...]:
    return tuple(
        StepDefinition(name, "approval", ASKS, touches=False, takes_slot=False, has_cleanup=False)
        for name in names
    )


def settings(root: Path) -> Configuration:
    """`web` is built, approved, applied; `staged` asks in a step, `twice` in two."""

    def pipeline(name: str, *steps: StepDefinition, **fields: Any) -> PipelineDefinition:
        return PipelineDefinition(name=name, kind="deploy", steps=steps, **fields)

    rule = ApprovalRule(count=2, not_submitter=True, expires=3600.0)
    strict = ApprovalRule(roles=(Role.ADMIN,))
    pipelines = (
        pipeline("web", BUILD, APPLY, REPORT, approval=rule),
        pipeline("staged", *asking("verify"), APPLY),
        pipeline("twice", *asking("a", "b")),
        pipeline("plain", APPLY),
    )
    return configuration(
        root,
        pipelines={one.name: one for one in pipelines},
        environments={
            "prod": EnvironmentDefinition("prod"),
            "strict": EnvironmentDefinition("strict", approval=strict),
        },
        roles=Roles(("*",), ("*",), ("ada", "bob", myself.NAME), (myself.NAME,)),
    )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[ApiBench]:
    async with open_bench(tmp_path, settings(tmp_path)) as opened:
        yield opened


async def prepared(bench: ApiBench, **fields: Any) -> dict[str, Any]:
    """A job of `web` whose build is done, and which awaits its approvals."""
    job = (await bench.submit(pipeline="web", **fields))["id"]
    bench.gate.open(job, "build")
    return await bench.until(job, lambda seen: seen["awaits"])


async def test_a_job_that_prepares_says_so_everywhere(bench: ApiBench) -> None:
    job = await bench.submit(pipeline="web")
    await bench.gate.at_work(1, "build")
    assert (job["phase"], job["awaits"], job["blockers"]) == ("preparing", [], [])
    assert [one["id"] for one in (await bench.get("/v1/jobs?phase=preparing"))["jobs"]] == [1]
    assert (await bench.get("/v1/jobs?phase=queued"))["jobs"] == []
    status = await bench.get("/v1/status")
    assert [one["id"] for one in status["preparing"]] == [1]
    assert (status["running"], status["queued"], status["approvals"]) == ([], [], [])
    shown = await bench.get("/v1/environments/prod")
    assert (shown["preparing"], shown["running"], shown["queued"]) == ([1], [], [])
    explained = await bench.get("/v1/jobs/1/explain")
    assert explained["phase"] == "preparing" and explained["since"] and explained["place"] is None
    assert [(step["name"], step["lift"]) for step in explained["steps"]] == [("build", None)]
    assert (await bench.get("/v1/jobs/1"))["steps"][0]["phase"] == "applying"


async def test_what_awaits_an_approval(bench: ApiBench) -> None:
    job = await prepared(bench, reason="release")
    [awaited] = job["awaits"]
    assert (awaited["step"], awaited["message"]) == (None, None)
    assert awaited["since"] < awaited["expires_at"]
    [rule] = awaited["rules"]
    assert (rule["for"], rule["count"], rule["given"]) == ("pipeline", 2, 0)
    assert rule["not_submitter"] is True
    [blocker] = job["blockers"]
    assert blocker["type"] == "approval"
    [found] = (await bench.get("/v1/approvals"))["approvals"]
    assert {name: found[name] for name in awaited} == awaited
    assert (found["job"], found["pipeline"], found["reason"]) == (1, "web", "release")
    assert found["summaries"] == [{"step": "build", "text": "+3 ~1 -0"}]
    assert (found["may_answer"], found["holds_environment"]) == (False, False)  # its own job
    assert (await bench.get("/v1/status"))["approvals"] == [found]


async def test_an_approved_job_goes_on(bench: ApiBench) -> None:
    await prepared(bench)
    problem = await bench.post("/v1/jobs/1/approve", {}, status=403)
    assert (problem["type"], "not_submitter" in problem["detail"]) == ("own-job", True)
    await bench.engine.answer(cmd.Approve(ADA, 1, comment="fine"))
    job = await bench.get("/v1/jobs/1")
    [given] = job["approvals"]
    assert given["by"] == {"uid": ADA.uid, "user": "ada"}
    assert (given["comment"], given["for"], given["step"]) == ("fine", ["pipeline"], None)
    assert job["awaits"][0]["rules"][0]["given"] == 1
    await bench.engine.answer(cmd.Approve(BOB, 1))
    await bench.gate.at_work(1, "apply")
    problem = await bench.post("/v1/jobs/1/approve", {}, status=409)
    assert (problem["type"], problem["phase"]) == ("nothing-to-approve", "running")


async def test_a_rejected_job_ends_so_after_its_handlers(bench: ApiBench) -> None:
    await prepared(bench)
    job = await bench.post("/v1/jobs/1/reject", {"comment": "not on a friday"})
    assert (job["phase"], job["started_at"], job["awaits"]) == ("cancelling", None, [])
    await bench.gate.at_work(1, "report")
    bench.gate.open(1, "report")
    job = await bench.finished(1)
    assert job["conclusion"] == "rejected"
    assert job["steps"][1]["conclusion"] == "not_run"
    assert job["steps"][1]["reason"] == f"the job was rejected by {myself.NAME}"
    assert (job["cancel"]["cause"], job["cancel"]["reason"]) == ("rejection", "not on a friday")
    problem = await bench.post("/v1/jobs/1/approve", {}, status=409)
    assert "it is finished (rejected)" in problem["detail"]
    assert (await bench.post("/v1/jobs/7/approve", {}, status=404))["type"] == "unknown-job"


async def test_a_cancel_while_preparing(bench: ApiBench) -> None:
    await bench.submit(pipeline="web")
    await bench.gate.at_work(1, "build")
    job = await bench.post("/v1/jobs/1/cancel", {"reason": "wrong"})
    assert (job["phase"], job["cancel"]["reason"]) == ("cancelling", "wrong")
    await bench.gate.at_work(1, "report")
    bench.gate.open(1, "report")
    assert (await bench.finished(1))["conclusion"] == "cancelled"


async def test_a_step_that_asks(bench: ApiBench) -> None:
    await bench.submit(pipeline="staged")
    job = await bench.until(1, lambda seen: seen["awaits"])
    assert job["steps"][0]["waiting_for"] == "approval by approver (0 of 2)"
    [found] = (await bench.get("/v1/approvals"))["approvals"]
    assert job["steps"][0]["waiting_since"] == found["since"]
    assert (found["step"], found["message"]) == ("verify", "release?")
    assert (found["may_answer"], found["holds_environment"]) == (True, True)
    job = await bench.post("/v1/jobs/1/approve", {"comment": "fine"})
    assert [(approval["step"], approval["for"]) for approval in job["approvals"]] == [
        ("verify", ["step"])
    ]
    assert job["steps"][0]["waiting_for"] == "approval by approver (1 of 2)"
    problem = await bench.post("/v1/jobs/1/approve", {"step": "verify"}, status=409)
    assert problem["type"] == "approved-already"
    [found] = (await bench.get("/v1/approvals"))["approvals"]
    assert found["may_answer"] is False
    await bench.engine.answer(cmd.Approve(ADA, 1, "verify", "me too"))
    await bench.gate.at_work(1, "apply")
    verify = (await bench.get("/v1/jobs/1"))["steps"][0]
    assert verify["outputs"] == {"approved_by": f"{myself.NAME}, ada", "comment": "fine; me too"}


async def test_who_waits_learns_what_answers(bench: ApiBench) -> None:
    """Who waits for a job that asks learns what answers it."""
    await bench.submit(pipeline="staged")
    await bench.until(1, lambda seen: seen["awaits"])
    await bench.submit(pipeline="plain")
    [blocker] = (await bench.get("/v1/jobs/2/explain"))["blockers"]
    assert (blocker["type"], blocker["id"]) == ("job", 1)
    assert blocker["lift"] == (
        "its step verify awaits approval by approver (0 of 2): "
        "orchestrator approve 1 verify, or: orchestrator reject 1 verify"
    )


async def test_which_step_is_meant(bench: ApiBench) -> None:
    await bench.submit(pipeline="twice")
    job = await bench.until(1, lambda seen: len(seen["awaits"]) == 2)
    explained = await bench.get("/v1/jobs/1/explain")
    assert (explained["phase"], explained["since"]) == ("running", job["started_at"])
    assert (explained["blockers"], explained["awaits"]) == ([], job["awaits"])
    assert [(step["waiting_for"], step["lift"]) for step in explained["steps"]] == [
        (
            "approval by approver (0 of 2)",
            f"orchestrator approve 1 {name}, or: orchestrator reject 1 {name}",
        )
        for name in ("a", "b")
    ]
    problem = await bench.post("/v1/jobs/1/approve", {}, status=409)
    assert (problem["type"], "a, b" in problem["detail"]) == ("step-not-named", True)
    problem = await bench.post("/v1/jobs/1/approve", {"step": "c"}, status=404)
    assert problem["type"] == "unknown-step"
    await bench.post("/v1/jobs/1/reject", {"step": "a", "comment": "no"})
    await bench.post("/v1/jobs/1/reject", {"step": "b"})
    job = await bench.finished(1)
    assert (job["conclusion"], job["steps"][0]["reason"]) == (
        "failure",
        f"rejected by {myself.NAME}: no",
    )


async def test_a_plugin_may_deny_an_answer(bench: ApiBench) -> None:
    await prepared(bench)
    bench.home.denied.add("reject")
    problem = await bench.post("/v1/jobs/1/reject", {}, status=403)
    assert problem["type"] == "denied-by-plugin"


async def test_a_job_awaits_the_environments_approval(
    bench: ApiBench,
) -> None:
    """A job without steps before awaits the environment's approval."""
    job = await bench.submit(pipeline="plain", environment="strict")
    assert (job["phase"], job["awaits"][0]["rules"][0]["for"]) == ("preparing", "environment")
    assert [step["phase"] for step in job["steps"]] == ["pending"]
    explained = await bench.get("/v1/jobs/1/explain")
    assert explained["blockers"][0]["lift"].startswith("orchestrator approve 1")
    problem = await bench.post("/v1/jobs/1/retry", {}, status=409)
    assert problem["phase"] == "preparing"
    job = await bench.post("/v1/jobs/1/reject", {})
    assert (job["phase"], job["conclusion"]) == ("finished", "rejected")
    assert [step["conclusion"] for step in job["steps"]] == ["not_run"]


async def test_what_a_job_would_meet(bench: ApiBench) -> None:
    """A dry run says what a job would meet once it is ready."""
    await bench.submit(pipeline="plain", environment="prod")
    async with bench.client() as client:
        body = {"pipeline": "web", "environment": "prod", "dry_run": True}
        [blocker] = (await client.post("/v1/jobs", json=body)).json()["blockers"]
    assert (blocker["type"], blocker["id"]) == ("job", 1)
    assert (await bench.get("/v1/jobs?phase=preparing"))["jobs"] == []


async def test_mistakes_in_an_answer_are_named(bench: ApiBench) -> None:
    await bench.submit(pipeline="web")
    problem = await bench.post("/v1/jobs/1/approve", {"coment": "x"}, status=400)
    assert "coment" in problem["detail"]
