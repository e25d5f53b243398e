"""Deploy, of twenty stages, and Clean Up in Spinnaker: no two of them are ever at work at once, and
what a deploy owes is paid however it ended. Judged by the times that the real Orca has of each.
"""

from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.e2e_bench import until
from tests.e2e.spinnaker_shop import PATIENCE, Shop
from tests.proof_lines import CountProof
from tests.seed_budget import Effort, effort
from tests.testbed.spinnaker.spinnaker_bed import COMPLETE, Execution
from tests.testbed.spinnaker.spinnaker_users import ADA

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spinnaker,
    pytest.mark.timeout(900),  # up to twenty executions, one after another
]
ALL_TESTS = ("Test 1a", "Test 1b", "Test 2a", "Test 2b", "Test 3a", "Test 3b")
SOME_TESTS = ("Test 1a", "Test 3b")
"""The stages that fail, in a proof and else."""
PROOF = "spinnaker-example"


@pytest.fixture
def shop(brisk_shop: Shop) -> Shop:
    """One that looks often."""
    return brisk_shop


def test_a_cleanup_is_owed_however_a_deploy_ends(shop: Shop, count_proof: CountProof) -> None:
    tests = ALL_TESTS if effort() is Effort.PROOF else SOME_TESTS
    good = shop.deploy("version=v1")
    red = {shop.deploy("version=v2", f"fail={stage}"): stage for stage in tests}
    bad = shop.deploy("version=v3", "fail=Canary")
    stopped = shop.deploy("version=v4", "seconds=60")
    assert shop.step(good)["conclusion"] == "success"
    for job, stage in red.items():
        assert shop.finished(job, PATIENCE)["conclusion"] == "failure"
        assert f'stage "{stage}" TERMINAL' in shop.step(job)["reason"]
    assert shop.step(bad)["reason"].startswith("the canary is no good")
    until_running(shop, "Deploy Canary", "v4")
    shop.says("cancel", str(stopped), "--wait")
    assert shop.step(stopped)["conclusion"] == "cancelled"
    assert shop.cleanups() == [good, *red, bad, stopped]
    statuses = [execution["status"] for execution in shop.executions()]
    assert statuses[::2] == ["SUCCEEDED", *["TERMINAL"] * (len(tests) + 1), "CANCELED"]
    assert set(statuses[1::2]) == {"SUCCEEDED"}
    assert shop.names() == ["Deploy", "Clean Up"] * (len(tests) + 3)
    none_overlap(shop, len(statuses))
    count_proof(PROOF, {"executions": len(statuses), "failing stages": len(tests)})


def test_five_deploys_behind_a_cleanup(shop: Shop) -> None:
    shop.set_pace("1")
    cleanup = shop.submit("clean-up", "staging", "-p", "version=v0")
    first = until_running(shop, "Reset Traffic", "v0")
    pause(shop, first)
    shop.set_pace("0")
    deploys = [shop.deploy(f"version=v{number}") for number in range(1, 6)]
    for job in deploys:
        assert shop.job(job)["phase"] == "queued"
        assert f"job {cleanup}" in shop.says("explain", str(job))
    assert shop.names() == ["Clean Up"]
    resume(shop, first)
    assert {shop.finished(job, PATIENCE)["conclusion"] for job in deploys} == {"success"}
    until("all is done", lambda: shop.idle, PATIENCE)
    assert shop.names() == ["Clean Up", *["Deploy", "Clean Up"] * 5]
    assert versions(shop, "Deploy") == ["v1", "v2", "v3", "v4", "v5"]
    assert versions(shop, "Clean Up") == ["v0", "v1", "v2", "v3", "v4", "v5"]
    none_overlap(shop, 11)


@pytest.mark.parametrize("pipeline", ["Deploy", "Clean Up"])
def test_what_somebody_started_by_hand_is_waited_for(shop: Shop, pipeline: str) -> None:
    """By a deploy and by a cleanup."""
    first = start_by_hand(shop, pipeline)
    deploy = shop.deploy("version=v1")
    until_waiting(shop, deploy, first)
    assert len(shop.executions()) == 1
    let_go(shop, pipeline, first)
    assert shop.step(deploy)["conclusion"] == "success"
    until("its cleanup is done", lambda: shop.idle, PATIENCE)
    second = start_by_hand(shop, pipeline)
    cleanup = shop.submit("clean-up", "staging", "-p", "version=v1")
    until_waiting(shop, cleanup, second)
    assert len(shop.executions()) == 4
    let_go(shop, pipeline, second)
    assert shop.step(cleanup, "clean-up")["conclusion"] == "success"
    assert shop.names() == [pipeline, "Deploy", "Clean Up", pipeline, "Clean Up"]
    none_overlap(shop, 5)


def test_a_cleanup_overtakes_no_queued_deploy(shop: Shop) -> None:
    """Somebody started it while ours was at work, so it waits in Spinnaker, and then begins."""
    ours = shop.deploy("version=v1", "ask=yes")
    until("it is asked for", lambda: f"approve {ours}" in shop.says("approvals"), PATIENCE)
    theirs = shop.gate.start_by_hand("Deploy", ADA, {"version": "v2", "seconds": "0", "ask": "yes"})
    assert shop.gate.bed.execution(theirs)["status"] == "NOT_STARTED"
    shop.says("approve", str(ours), "deploy")
    assert shop.step(ours)["conclusion"] == "success"
    found = until("the cleanup is at work", lambda: cleanups_of(shop, ours), PATIENCE)
    until_waiting(shop, found[0], theirs)
    judge(shop, theirs)
    assert shop.cleanups() == [ours]
    assert shop.names() == ["Deploy", "Deploy", "Clean Up"]
    none_overlap(shop, 3)


def none_overlap(shop: Shop, count: int) -> None:
    """There were so many, each over before the next began."""
    found = shop.executions()
    assert len(found) == count
    for one, other in pairwise(found):
        assert one["status"] in COMPLETE
        assert one["endTime"] <= other["startTime"], f"{one['id']} and {other['id']} overlap"
    assert len(shop.gate.bed.executions(shop.gate.application)) == count, "one has never begun"


def until_running(shop: Shop, stage: str, version: str) -> str:
    """Return the id of the execution with this version when the stage of this name runs in it."""

    def begun() -> list[str]:
        return [
            execution["id"] for execution in shop.executions() if version_of(execution) == version
        ]

    (id,) = until(f"one with {version} has begun", begun, PATIENCE)
    shop.gate.bed.wait_until_stage(id, stage, "RUNNING", timeout=PATIENCE)
    return id


def versions(shop: Shop, pipeline: str) -> list[str]:
    """What its executions were told to release."""
    return [
        version_of(execution) for execution in shop.executions() if execution["name"] == pipeline
    ]


def version_of(execution: dict[str, Any]) -> str:
    found: str = execution["trigger"]["parameters"]["version"]
    return found


def cleanups_of(shop: Shop, job: int) -> list[int]:
    """What this job owes and is at work."""
    found = shop.jobs(kind="cleanup")
    return [one["id"] for one in found if one["cleanup_for"] == job and one["phase"] == "running"]


def until_waiting(shop: Shop, job: int, execution: str) -> None:
    """Return when the job says that it waits for what somebody else has started."""

    def waits() -> bool:
        told = [step["waiting_for"] or "" for step in shop.job(job)["steps"]]
        return any(f"execution {execution} of" in text and "by ada" in text for text in told)

    until(f"job {job} waits for {execution}", waits, PATIENCE)


# --- somebody in Spinnaker ------------------------------------------------------------------


def start_by_hand(shop: Shop, pipeline: str) -> str:
    """It stays where it is until `let_go`: a Deploy at its judgment, a Clean Up paused."""
    if pipeline == "Deploy":
        asking = {"version": "v0", "seconds": "0", "ask": "yes"}
        return shop.gate.start_by_hand(pipeline, ADA, asking)
    id = shop.gate.start_by_hand(pipeline, ADA, {"version": "v0", "seconds": "1"})
    shop.gate.bed.wait_until_status(id, "RUNNING")
    pause(shop, id)
    return id


def let_go(shop: Shop, pipeline: str, id: str) -> None:
    if pipeline == "Deploy":
        judge(shop, id)
    else:
        resume(shop, id)


def pause(shop: Shop, id: str) -> None:
    with shop.gate.client(ADA) as client:
        client.put(f"/pipelines/{id}/pause").raise_for_status()
    shop.gate.bed.wait_for(id, is_at_rest)


def is_at_rest(execution: Execution) -> bool:
    """Resumed while a stage of it still runs, that one is paused after it, for good."""
    stages = {stage["status"] for stage in execution["stages"]}
    return execution["status"] == "PAUSED" and "RUNNING" not in stages


def resume(shop: Shop, id: str) -> None:
    with shop.gate.client(ADA) as client:
        client.put(f"/pipelines/{id}/resume").raise_for_status()


def judge(shop: Shop, id: str) -> None:
    """Let its roll-out begin."""
    execution = shop.gate.bed.wait_until_stage(id, "Roll Out?", "RUNNING", timeout=PATIENCE)
    (stage,) = (one for one in execution["stages"] if one["name"] == "Roll Out?")
    with shop.gate.client(ADA) as client:
        path = f"/pipelines/{id}/stages/{stage['id']}"
        client.patch(path, json={"judgmentStatus": "continue"}).raise_for_status()
