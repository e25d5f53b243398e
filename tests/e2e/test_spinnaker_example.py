"""config/examples/spinnaker, run as it is on the real Orca, with the pipelines that it brings."""

import pytest

from tests.e2e.e2e_bench import until
from tests.e2e.spinnaker_shop import PATIENCE, Shop

pytestmark = [pytest.mark.slow, pytest.mark.spinnaker]


def test_deploys_and_what_they_owe(shop: Shop) -> None:
    """Deploys that succeed, fail and warn, and what they owe."""
    good, bad = shop.deploy("version=v2"), shop.deploy("version=v3", "fail=Canary")
    red, smoke = shop.deploy("version=v4", "fail=Test 2b"), shop.deploy("version=v5", "fail=Smoke")
    assert shop.step(good)["conclusion"] == "success"
    assert shop.step(good)["outputs"]["image"] == "shop:v2"
    assert shop.step(bad)["reason"].startswith("the canary is no good")
    assert 'stage "Test 2b" TERMINAL' in shop.step(red)["reason"]
    assert shop.step(smoke)["conclusion"] == "warning"
    assert shop.cleanups() == [good, bad, red, smoke]
    assert shop.names() == ["Deploy", "Clean Up"] * 4
    assert "v3: failure, image shop:v3, http" in shop.says("log", str(bad), "report")


def test_the_roll_out_is_asked_for(shop: Shop) -> None:
    """The roll-out is asked for, and a stop is one in Spinnaker."""
    job = shop.deploy("version=v2", "ask=yes")
    until("it is asked for", lambda: f"approve {job}" in shop.says("approvals"), PATIENCE)
    assert "The canary of v2 is good. Shall it be rolled out?" in shop.says("approvals")
    shop.says("approve", str(job), "deploy", "--comment", "looks good")
    assert shop.step(job)["conclusion"] == "success"
    stopped = shop.deploy("version=v3", "ask=yes")
    until("it is asked for", lambda: f"approve {stopped}" in shop.says("approvals"), PATIENCE)
    shop.says("cancel", str(stopped), "--reason", "wrong version", "--wait")
    assert shop.step(stopped)["conclusion"] == "cancelled"
    [execution] = [
        one
        for one in shop.gate.bed.executions(shop.gate.application)
        if one["id"] == shop.step(stopped)["outputs"]["execution"]
    ]
    assert execution["status"] == "CANCELED"
    assert "wrong version" in execution["cancellationReason"]
    assert shop.cleanups() == [job, stopped]
