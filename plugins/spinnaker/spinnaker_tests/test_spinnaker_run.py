"""One execution: started, followed, told of, stopped, and looked after."""

import pytest

from spinnaker_tests.spinnaker_bench import SpinnakerBench
from tests.testbed.spinnaker.spinnaker_faults import Call
from tests.testbed.spinnaker.spinnaker_pipelines import verdict, wait

pytestmark = pytest.mark.spinnaker


def test_a_success(bench: SpinnakerBench) -> None:
    place = bench.material
    wanted = {"found": {"stage": "second", "key": "answer"}}
    settings = place.succeeding() | {"outputs": wanted, "ui": "https://deck.example/"}
    ended = bench.finished(job := bench.begin(settings))
    execution = place.only()
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]
    assert execution["status"] == "SUCCEEDED"
    page = f"/#/applications/{place.gate.application}/executions/details/{execution['id']}"
    assert bench.step(job)["outputs"] == {
        "execution": execution["id"],
        "url": f"https://deck.example{page}",
        "status": "SUCCEEDED",
        "found": 42,
    }
    said = bench.log(job)
    for line in ('stage "first" began', 'stage "first" SUCCEEDED after', "execution SUCCEEDED"):
        assert said.count(line) == 1, said


def test_a_failure(bench: SpinnakerBench) -> None:
    place = bench.material
    settings = place.of(wait("Bake", 0), verdict("Canary", "TERMINAL"), wait("Deploy", 0))
    ended = bench.finished(job := bench.begin(settings))
    assert ended["conclusion"] == "failure"
    assert not ended["dirty"]
    assert bench.step(job)["reason"].startswith('stage "Canary" TERMINAL'), bench.log(job)


def test_a_stop(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.working())
    bench.until_running()
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    execution = place.only()
    assert execution["status"] == "CANCELED"
    assert f"job {job}" in execution["cancellationReason"]
    assert len(place.gate.asked(Call.CANCEL)) == 1


def test_a_force(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(verdict("stays", hold=True, stubborn=True)))
    id = bench.until_running()
    bench.cancel(job)
    place.gate.wait_for_requests(Call.CANCEL)
    bench.cancel(job, force=True)
    bench.until_phase(job, "cleaning_up")
    place.bed.release(id, "stays")
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"], bench.log(job)
    assert place.live() == []


def test_a_restart(bench: SpinnakerBench) -> None:
    """The same execution is followed, and nothing is said twice."""
    place = bench.material
    job = bench.begin(place.of(verdict("first", hold=True), wait("second", 0)))
    id = bench.until_running()
    bench.until("the stage is told of", lambda: 'stage "first" began' in bench.log(job))
    # It is told first and remembered then: by the next look surely.
    place.gate.wait_for_requests(Call.EXECUTION, len(place.gate.asked(Call.EXECUTION)) + 1)
    bench.restart()
    place.bed.release(id, "first")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert place.only()["id"] == id
    assert bench.log(job).count('stage "first" began') == 1
    assert len(place.gate.asked(Call.TRIGGER)) == 1
