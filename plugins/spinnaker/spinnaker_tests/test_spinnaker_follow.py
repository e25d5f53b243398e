"""Following an execution through all that may happen to it, and to Gate."""

from copy import deepcopy
from typing import Any

import pytest
from orchestrator_spinnaker.executions import Execution, Status
from orchestrator_spinnaker.others import ran_beside

from spinnaker_tests.spinnaker_bench import SpinnakerBench
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_gate import Gate
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, verdict, wait

pytestmark = pytest.mark.spinnaker

TROUBLE = (Fault.ORCA_DOWN, Fault.GATE_503, Fault.CUT_BEFORE, Fault.NOT_JSON, Fault.LOGIN)


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda one: one.name)
def test_trouble_is_waited_out(bench: SpinnakerBench, fault: Fault) -> None:
    place = bench.material
    job = bench.begin(place.of(verdict("held", hold=True), wait("after", 0)))
    id = bench.until_running()
    bench.until_followed(job)
    with place.gate.fault(fault):
        bench.until_waiting(job, "Gate at")
        place.bed.release(id, "held")
        place.bed.wait_until_complete(id)
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert 'stage "after" SUCCEEDED' in bench.log(job)


def test_a_gate_that_hangs(bench: SpinnakerBench) -> None:
    place = bench.material
    settings = place.of(verdict("held", hold=True)) | {"request_timeout": "1s"}
    job = bench.begin(settings)
    id = bench.until_running()
    with place.gate.fault(Fault.HUNG, Call.EXECUTION):
        bench.until_waiting(job, "Gate at")
        place.bed.release(id, "held")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_a_call_is_waited_for_visibly(bench: SpinnakerBench) -> None:
    """A call without an answer yet is waited for visibly."""
    place = bench.material
    settings = place.of(verdict("held", hold=True)) | {"request_timeout": "1h"}
    said = f"Gate at {place.gate.url} to answer"
    with place.gate.fault(Fault.ANSWER_HELD, Call.TRIGGER):
        job = bench.begin(settings)
        bench.until_waiting(job, said)
    bench.until("it goes on", lambda: bench.step(job)["waiting_for"] is None)
    with place.gate.fault(Fault.HUNG, Call.EXECUTION):
        bench.until_waiting(job, said)
    bench.until("it goes on", lambda: bench.step(job)["waiting_for"] is None)
    place.bed.release(place.only()["id"], "held")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert place.runs() == 1


def test_its_progress(bench: SpinnakerBench) -> None:
    place = bench.material
    stages = (
        wait("Bake", 0),
        verdict("Canary", hold=True, after=("Bake",)),
        verdict("Tests", hold=True, after=("Bake",)),
        wait("Deploy", 0, after=("Canary", "Tests")),
    )
    job = bench.begin(place.of(*stages))

    def progress() -> Any:
        return bench.step(job)["progress"]

    bench.until("two at work", lambda: (progress() or {}).get("text") == "Canary, Tests")
    assert (progress()["done"], progress()["total"]) == (1, 4)
    for name in ("Canary", "Tests"):
        place.bed.release(place.only()["id"], name)
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_one_that_vanishes(bench: SpinnakerBench) -> None:
    """Its end is not guessed."""
    place = bench.material
    job = bench.begin(place.of(verdict("held", hold=True)) | {"settle": "1s"})
    id = bench.until_running()
    bench.until_followed(job)
    with place.gate.fault(Fault.GATE_503, Call.EXECUTION), place.gate.client() as client:
        bench.until_waiting(job, "Gate at")
        place.bed.release(id, "held")
        place.bed.wait_until_complete(id)
        client.delete(f"/pipelines/{id}").raise_for_status()
    ended = bench.finished(job)
    assert ended["conclusion"] == "lost", bench.log(job)
    assert ended["dirty"]
    found = bench.environment()["quarantine"]["found"]
    assert f"Spinnaker knows of execution {id} no more ({place.gate.url}/pipelines/{id})" in found


def test_a_failure_that_goes_on_is_a_warning(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(verdict("Tests", "FAILED_CONTINUE"), wait("after", 0)))
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert ended["warnings"] == 1
    assert bench.step(job)["conclusion"] == "warning"
    assert bench.step(job)["reason"] == 'stage "Tests" FAILED_CONTINUE'


NEVER = {"type": "expression", "expression": "false"}
OUTCOMES = [
    ('\'stage "Canary" TERMINAL\' = "warn"', verdict("Canary", "TERMINAL"), "warning"),
    ('\'stage "Bake" TERMINAL\' = "warn"', verdict("Canary", "TERMINAL"), "failure"),
    ('"status TERMINAL" = "halt"', verdict("Canary", "TERMINAL"), "halted"),
    ('"status FAILED_CONTINUE" = "fail"', verdict("Tests", "FAILED_CONTINUE"), "failure"),
    ('"status STOPPED" = "continue"', verdict("Tests", "STOPPED"), "success"),
    ('"status STOPPED" = "fail"', verdict("Tests", "STOPPED"), "failure"),
    ('"status SKIPPED" = "fail"', verdict("Tests", "STOPPED"), "warning"),
    ('\'stage "Tests" SUCCEEDED\' = "halt"', verdict("Tests"), "halted"),
    ('"status CANCELED" = "warn"', verdict("Tests", "CANCELED"), "warning"),
    ('\'stage "Tests" SKIPPED\' = "halt"', verdict("Tests", stageEnabled=NEVER), "halted"),
]


def test_outcome_rules(bench: SpinnakerBench) -> None:
    place = bench.material
    rules = [rule for rule, _, _ in OUTCOMES]
    jobs = bench.begin_all(
        [
            place.of(wait("Bake", 0), deepcopy(stage), name=f"it-{number}")
            for number, (_, stage, _) in enumerate(OUTCOMES)
        ],
        [f"{{ {rule} }}" for rule in rules],
    )
    for job in jobs:
        bench.finished(job)
    seen = [bench.step(job)["conclusion"] for job in jobs]
    told = "\n".join(map(bench.log, jobs))
    wanted = [conclusion for _, _, conclusion in OUTCOMES]
    assert dict(zip(rules, seen, strict=True)) == dict(zip(rules, wanted, strict=True)), told
    assert 'stage "Tests" SKIPPED' in bench.log(jobs[-1])


def test_a_cause_in_the_reason(bench: SpinnakerBench) -> None:
    place = bench.material
    ended = bench.finished(job := bench.begin(place.of(wait("Bake", "no number"))))
    assert ended["conclusion"] == "failure"
    reason = bench.step(job)["reason"]
    assert reason.startswith('stage "Bake" TERMINAL: '), reason
    assert "Unable to map context" in reason
    assert "\n" not in reason


def test_a_missing_output(bench: SpinnakerBench) -> None:
    place = bench.material
    wanted = {"outputs": {"gone": {"stage": "first", "key": "nothing"}}}
    ended = bench.finished(job := bench.begin(place.succeeding() | wanted))
    assert ended["conclusion"] == "success"
    assert 'output gone: stage "first" has no output "nothing"' in bench.log(job)
    assert "gone" not in bench.step(job)["outputs"]


def start_as_a_job(gate: Gate, pipeline: str) -> str:
    """As a job of another environment does; the execution's id."""
    body = {"type": "manual", "parameters": {}, "correlationId": f"orchestrator-{gate.application}"}
    with gate.client() as client:
        answer = client.post(f"/pipelines/{gate.application}/{pipeline}", json=body)
    id: str = answer.raise_for_status().json()["ref"].rpartition("/")[2]
    return id


def test_somebody_starts_another_beside_it(bench: SpinnakerBench) -> None:
    """Warned of once each, whatever becomes of the daemon."""
    place = bench.material
    place.gate.configure(pipeline("clean", wait("long", 1000)))
    conflicts = [f"{place.gate.application}/clean"]
    settings = place.of(verdict("held", hold=True)) | {"conflicts": conflicts}
    job = bench.begin(settings)
    bench.until_followed(job)
    ours = place.only()["id"]
    others = [place.gate.start_by_hand("it"), start_as_a_job(place.gate, "clean")]
    bench.until("it is warned", lambda: bench.job(job)["warnings"] == len(others))
    looks = len(place.gate.asked(Call.EXECUTION))
    place.gate.wait_for_requests(Call.EXECUTION, looks + 2)
    bench.restart()
    looks = len(place.gate.asked(Call.EXECUTIONS))
    place.gate.wait_for_requests(Call.EXECUTIONS, looks + 1)
    place.bed.release(ours, "held")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    said = bench.log(job)
    assert said.count("runs beside this one, started by ada in Spinnaker") == 1
    assert said.count("runs beside this one, started by ada for another job: environments") == 1
    assert all(f"warning: execution {other} of" in said for other in others)
    assert ended["warnings"] == len(others)


def looked_after_the_start(gate: Gate) -> bool:
    calls = [request.call for request in list(gate.requests)]
    return Call.TRIGGER in calls and Call.EXECUTIONS in calls[calls.index(Call.TRIGGER) :]


def test_another_that_came_and_went_between_two_looks(bench: SpinnakerBench) -> None:
    place = bench.material
    place.gate.configure(pipeline("clean", wait("short", 0)))
    conflicts = [f"{place.gate.application}/clean"]
    settings = place.of(verdict("held", hold=True)) | {"conflicts": conflicts, "poll": "100s"}
    job = bench.begin(settings)
    ours = bench.until_running()
    bench.until("there was a look for others", lambda: looked_after_the_start(place.gate))
    other = place.gate.start_by_hand("clean")
    place.bed.wait_until_complete(other)
    place.bed.release(ours, "held")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert ended["warnings"] == 1
    assert f"warning: execution {other} of" in bench.log(job)
    assert bench.log(job).count("beside this one, started by ada in Spinnaker") == 1


OWN = Execution("own", "shop", Status.SUCCEEDED, start_time=10, end_time=20)


@pytest.mark.parametrize(
    ("start", "end", "beside"),
    [
        (12, 15, True),
        (5, 11, True),
        (19, 25, True),
        (5, 25, True),
        (15, None, True),
        (None, None, False),
        (5, 10, False),
        (20, 25, False),
    ],
)
def test_what_ran_beside_ours(start: int | None, end: int | None, beside: bool) -> None:
    other = Execution("other", "shop", Status.SUCCEEDED, start_time=start, end_time=end)
    assert ran_beside(other, OWN) is beside
    assert not ran_beside(OWN, OWN)


def test_one_that_spinnaker_lets_wait(bench: SpinnakerBench) -> None:
    """Another was started between our look and our start; it can be stopped all the same."""
    place = bench.material
    place.gate.configure(pipeline("it", verdict("held", hold=True), limitConcurrent=True))
    with place.gate.fault(Fault.HUNG, Call.TRIGGER, times=1):
        job = bench.begin(place.settings("it"))
        place.gate.wait_for_requests(Call.TRIGGER)
        other = place.gate.start_by_hand("it")
        place.bed.wait_until_stage(other, "held", "RUNNING")
    bench.until_waiting(job, "Spinnaker to begin the execution")
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert [one["id"] for one in place.live()] == [other]
