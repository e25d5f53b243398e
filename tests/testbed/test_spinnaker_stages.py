"""Stages end as they are asked to; what that means for a pipeline is Orca's own doing."""

import pytest

from tests.testbed.spinnaker.spinnaker_bed import Bed, stage_of
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict

pytestmark = pytest.mark.spinnaker


@pytest.mark.parametrize(
    ("status", "execution"),
    [
        ("SUCCEEDED", "SUCCEEDED"),
        ("FAILED_CONTINUE", "SUCCEEDED"),
        ("STOPPED", "SUCCEEDED"),
        ("TERMINAL", "TERMINAL"),
    ],
)
def test_a_verdict(spinnaker: Bed, gate: Gate, status: str, execution: str) -> None:
    gate.configure(pipeline("deploy", verdict("test", status)))
    done = spinnaker.wait_until_complete(gate.start_by_hand("deploy"))
    assert (stage_of(done, "test")["status"], done["status"]) == (status, execution)


def test_a_stage_that_is_not_enabled(spinnaker: Bed, gate: Gate) -> None:
    never = {"type": "expression", "expression": "${false}"}
    gate.configure(pipeline("deploy", verdict("test", stageEnabled=never), verdict("release")))
    done = spinnaker.wait_until_complete(gate.start_by_hand("deploy"))
    assert stage_of(done, "test")["status"] == "SKIPPED"
    assert stage_of(done, "release")["status"] == done["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("fail", "go_on", "others_first", "seen"),
    [
        (True, False, False, ("TERMINAL", "NOT_STARTED", "TERMINAL")),
        (False, True, False, ("FAILED_CONTINUE", "SUCCEEDED", "SUCCEEDED")),
        (False, False, False, ("STOPPED", "NOT_STARTED", "SUCCEEDED")),
        (False, False, True, ("STOPPED", "NOT_STARTED", "TERMINAL")),
    ],
)
def test_what_a_failed_stage_does_to_its_pipeline(
    spinnaker: Bed,
    gate: Gate,
    fail: bool,
    go_on: bool,
    others_first: bool,
    seen: tuple[str, str, str],
) -> None:
    canary = verdict(
        "canary",
        "TERMINAL",
        failPipeline=fail,
        continuePipeline=go_on,
        completeOtherBranchesThenFail=others_first,
    )
    gate.configure(pipeline("deploy", canary, verdict("release")))
    done = spinnaker.wait_until_complete(gate.start_by_hand("deploy"))
    stages = (stage_of(done, "canary")["status"], stage_of(done, "release")["status"])
    assert (*stages, done["status"]) == seen


def test_a_pipeline_that_excludes_itself(spinnaker: Bed, gate: Gate) -> None:
    gate.configure(pipeline("deploy", verdict("test", hold=True), limitConcurrent=True))
    first = gate.start_by_hand("deploy")
    spinnaker.wait_until_stage(first, "test", "RUNNING")
    second = gate.start_by_hand("deploy")
    assert spinnaker.execution(second)["status"] == "NOT_STARTED"
    spinnaker.release(first, "test")
    spinnaker.wait_until_stage(second, "test", "RUNNING")
    assert spinnaker.execution(first)["status"] == "SUCCEEDED"
    spinnaker.release(second, "test")
    spinnaker.wait_until_complete(second)
