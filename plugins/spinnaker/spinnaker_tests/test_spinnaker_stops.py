"""Stopping an execution in whatever it is; and what its cleanup says."""

import pytest
from orchestrator_spinnaker.adapter import SpinnakerAdapter

from spinnaker_tests.spinnaker_bench import BriefAdapter, SpinnakerBench
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_pipelines import verdict, wait

pytestmark = pytest.mark.spinnaker


def test_one_that_finishes_first_is_a_success(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(verdict("held", hold=True)) | {"request_timeout": "1s"})
    id = bench.until_running()
    with place.gate.fault(Fault.HUNG, Call.CANCEL):
        bench.cancel(job)
        place.gate.wait_for_requests(Call.CANCEL)
        place.bed.release(id, "held")
        ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]


def test_asked_is_not_stopped(bench: SpinnakerBench) -> None:
    """The flag `canceled` is there at once."""
    place = bench.material
    job = bench.begin(place.of(verdict("slow", hold=True, stubborn=100)))
    id = bench.until_running()
    bench.cancel(job)
    execution = place.bed.wait_for(id, lambda one: bool(one["canceled"]))
    assert execution["status"] == "RUNNING"
    bench.until_waiting(job, "Spinnaker to stop the execution")
    assert bench.step(job)["phase"] == "cancelling"
    place.bed.release(id, "slow")
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert place.only()["status"] == "CANCELED"
    assert len(place.gate.asked(Call.CANCEL)) == 1


def test_a_paused_one(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.working())
    id = bench.until_running()
    with place.gate.client() as client:
        client.put(f"/pipelines/{id}/pause").raise_for_status()
    bench.until_waiting(job, "paused by ada in Spinnaker")
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert place.only()["status"] == "CANCELED"


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.GATE_500, Fault.HUNG, Fault.LOGIN])
def test_gate_answers_badly(bench: SpinnakerBench, fault: Fault) -> None:
    place = bench.material
    job = bench.begin(place.working() | {"request_timeout": "1s"})
    bench.until_running()
    with place.gate.fault(fault, Call.CANCEL, times=1):
        bench.cancel(job)
        ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert place.only()["status"] == "CANCELED"


def test_gate_is_away(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.working())
    bench.until_running()
    place.gate.down()
    bench.cancel(job)
    bench.until_waiting(job, "Gate at")
    place.gate.up()
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert place.only()["status"] == "CANCELED"


def test_killed_while_it_stops(bench: SpinnakerBench) -> None:
    """Asked once by all daemons together."""
    place = bench.material
    job = bench.begin(place.of(verdict("slow", hold=True, stubborn=100)))
    id = bench.until_running()
    bench.cancel(job)
    bench.until_waiting(job, "Spinnaker to stop the execution")
    bench.restart()
    bench.until_waiting(job, "Spinnaker to stop the execution")
    place.bed.release(id, "slow")
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert len(place.gate.asked(Call.CANCEL)) == 1
    assert bench.log(job).count("Spinnaker was asked to stop it") == 1


def test_cancelled_in_spinnaker(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.working())
    id = bench.until_running()
    with place.gate.client() as client:
        client.put(f"/pipelines/{id}/cancel", params={"reason": "no"}).raise_for_status()
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure", bench.log(job)
    assert bench.step(job)["reason"] == "cancelled in Spinnaker by ada: no"


def test_its_timeout(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.working() | {"timeout": "1s"})
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure", bench.log(job)
    assert bench.step(job)["reason"] == "it ran longer than its timeout of 1s"
    assert place.only()["status"] == "CANCELED"
    assert place.only()["cancellationReason"].endswith(f"(job {job})")
    assert not ended["dirty"]


def test_a_forced_one_that_stays(bench: SpinnakerBench) -> None:
    """Cleanup asks again, waits, and says what to type."""
    place = bench.material
    bench.adapter = BriefAdapter
    job = bench.begin(place.of(verdict("slow", hold=True, stubborn=1000)))
    id = bench.until_running()
    bench.cancel(job)
    bench.until_waiting(job, "Spinnaker to stop the execution")
    bench.cancel(job, force=True)
    ended = bench.finished(job)
    assert ended["dirty"], bench.log(job)
    quarantine = bench.environment()["quarantine"]
    url = f"{place.gate.url}/pipelines/{id}"
    assert url in quarantine["found"]
    assert quarantine["commands"] == [f"curl -X PUT '{url}/cancel?reason=by+hand'"]
    place.bed.release(id, "slow")
    place.bed.wait_until_complete(id)
    bench.upgrade(SpinnakerAdapter)
    bench.recheck()
    assert bench.environment()["quarantine"] is None


def test_gate_is_away_in_cleanup(bench: SpinnakerBench) -> None:
    place = bench.material
    bench.adapter = BriefAdapter
    job = bench.begin(place.working())
    id = bench.until_running()
    bench.until_followed(job)
    place.gate.down()
    bench.cancel(job)
    bench.until_phase(job, "cancelling")
    bench.cancel(job, force=True)
    ended = bench.finished(job)
    assert ended["dirty"], bench.log(job)
    quarantine = bench.environment()["quarantine"]
    assert "could not be found out" in quarantine["found"]
    assert f"curl {place.gate.url}/pipelines/{id}" in quarantine["commands"]
    place.gate.up()
    bench.upgrade(SpinnakerAdapter)
    bench.recheck()
    assert bench.environment()["quarantine"] is None
    assert place.only()["status"] == "CANCELED"


def test_one_that_fails_first(bench: SpinnakerBench) -> None:
    """A failure before the cancel took effect is a failure."""
    place = bench.material
    stages = (verdict("bad", "TERMINAL", hold=True, after=()), wait("long", 1000, after=()))
    job = bench.begin(place.of(*stages) | {"request_timeout": "1s"})
    id = bench.until_running()
    with place.gate.fault(Fault.HUNG, Call.CANCEL):
        bench.cancel(job)
        place.gate.wait_for_requests(Call.CANCEL)
        place.bed.release(id, "bad")
        bench.finished(job)
    assert bench.step(job)["conclusion"] == "failure", bench.log(job)
    assert bench.step(job)["reason"].startswith('stage "bad" TERMINAL')
