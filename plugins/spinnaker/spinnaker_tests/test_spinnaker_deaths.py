"""The daemon dies about every commit of its journal, and what Gate answers is lost besides."""

import pytest

from orchestrator.testing.suite_crashes import AFTER_EVERY_COMMIT, BEFORE_EVERY_COMMIT
from orchestrator.testing.suite_fate import Fate
from spinnaker_tests.spinnaker_bench import SpinnakerBench
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault

pytestmark = [
    pytest.mark.spinnaker,
    pytest.mark.parametrize(
        "fate", [AFTER_EVERY_COMMIT, BEFORE_EVERY_COMMIT], ids=["after", "before"]
    ),
]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.SLOW], ids=["cut", "slow"])
def test_of_a_start(bench: SpinnakerBench, fate: Fate, fault: Fault) -> None:
    gate = bench.material.gate
    with gate.fault(fault, Call.TRIGGER), gate.fault(Fault.GATE_503, Call.SEARCH, times=2):
        ended = bench.finished(job := bench.begin(bench.material.succeeding(), fate))
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]
    execution = bench.material.only()
    assert execution["status"] == "SUCCEEDED"
    assert bench.step(job)["outputs"]["execution"] == execution["id"]
    assert len(gate.asked(Call.TRIGGER)) == 1


def test_of_a_stop(bench: SpinnakerBench, fate: Fate) -> None:
    gate = bench.material.gate
    job = bench.begin(bench.material.working())
    bench.until_running()
    with (
        gate.fault(Fault.CUT_AFTER, Call.CANCEL),
        gate.fault(Fault.GATE_503, Call.EXECUTION, times=3),
    ):
        bench.restart(fate)
        bench.cancel(job)
        ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert bench.material.only()["status"] == "CANCELED"
    assert len(gate.asked(Call.TRIGGER)) == 1
