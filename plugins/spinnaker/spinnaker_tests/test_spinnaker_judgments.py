"""Manual judgment stages: asked and answered here, or noticed when they are answered elsewhere."""

import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from spinnaker_tests.spinnaker_bench import SpinnakerBench
from tests import myself
from tests.testbed.spinnaker.spinnaker_bed import Bed, Execution, stage_of
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_front import Answer, Backend, Request
from tests.testbed.spinnaker.spinnaker_pipelines import judgment, verdict, wait

pytestmark = pytest.mark.spinnaker

USER = myself.NAME
"""Who answers here."""
INSTRUCTIONS = "<p>Look at <b>the canary</b> &amp; decide.</p><script>x</script><ul><li>CPU</ul>"


def ok(**more: Any) -> dict[str, Any]:
    """A judgment."""
    return judgment("ok", instructions=INSTRUCTIONS, **more)


def judge_in_spinnaker(bed: Bed, execution: Execution, name: str, verdict: str) -> None:
    """As Spinnaker's own page does it."""
    path = f"{bed.orca}/pipelines/{execution['id']}/stages/{stage_of(execution, name)['id']}"
    answer = bed._client.patch(
        path, json={"judgmentStatus": verdict}, headers={"X-SPINNAKER-USER": "bob"}
    )
    answer.raise_for_status()


def asked_again(bench: SpinnakerBench) -> list[dict[str, Any]]:
    """Questions of which an answer has chosen nothing."""
    return [one for one in bench.asked() if "chose none" in one["message"]]


def test_a_yes_with_an_input(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok(inputs=("Roll out", "Roll back")), wait("after", 0)))
    (asked,) = bench.until_asked()
    assert asked["message"].splitlines() == [
        'Spinnaker asks for a judgment in stage "ok"',
        "Look at the canary & decide.",
        "CPU",
        "inputs: Roll out, Roll back (choose one: "
        f'orchestrator approve {job} step --comment "Roll out")',
        f"{place.gate.url}/pipelines/{place.only()['id']}",
    ]
    bench.say(job, "roll BACK: not today")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    context = stage_of(place.only(), "ok")["context"]
    assert (context["judgmentStatus"], context["judgmentInput"]) == ("continue", "Roll back")
    assert len(place.gate.asked(Call.STAGE)) == 1
    assert ": continue, Roll back" in bench.log(job)
    assert "was judged in Spinnaker" not in bench.log(job)


def test_a_no(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok(), wait("after", 0)))
    bench.until_asked()
    bench.say(job, "not today", yes=False)
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure", bench.log(job)
    reason = bench.step(job)["reason"]
    assert reason == f'stage "ok" TERMINAL: judged to stop by {USER} (job {job}): not today'


def test_a_yes_without_a_choice(bench: SpinnakerBench) -> None:
    """A yes that does not choose is asked for again."""
    place = bench.material
    job = bench.begin(place.of(ok(inputs=("yes", "no"))))
    bench.until_asked()
    bench.say(job, "no objections")
    bench.until("it is asked again", lambda: bool(asked_again(bench)))
    bench.process.kill()
    bench.start()
    (again,) = bench.until_asked()
    assert "(the comment chose none; choose one: orchestrator approve" in again["message"]
    assert place.gate.asked(Call.STAGE) == []
    bench.say(job, "yes")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert stage_of(place.only(), "ok")["context"]["judgmentInput"] == "yes"
    assert bench.log(job).count("chose none of its inputs") == 1


def test_judged_in_spinnaker_meanwhile(bench: SpinnakerBench) -> None:
    """What was asked again is judged in Spinnaker meanwhile."""
    place = bench.material
    job = bench.begin(place.of(ok(inputs=("yes", "no")), verdict("after", hold=True)))
    bench.until_asked()
    bench.say(job)
    bench.until("it is asked again", lambda: bool(asked_again(bench)))
    succeed_judged_without_a_daemon(bench, job)


def test_a_no_need_not_choose(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok(inputs=("yes", "no"))))
    bench.until_asked()
    bench.say(job, "no objections, but later", yes=False)
    assert bench.finished(job)["conclusion"] == "failure", bench.log(job)
    assert "judgmentInput" not in stage_of(place.only(), "ok")["context"]


def test_judged_in_spinnaker(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok(), verdict("after", hold=True)))
    bench.until_asked()
    judge_in_spinnaker(place.bed, place.only(), "ok", "continue")
    bench.until("nobody is asked any more", lambda: not bench.asked())
    place.bed.wait_until_stage(place.only()["id"], "after", "RUNNING")
    place.bed.release(place.only()["id"], "after")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert 'stage "ok" was judged in Spinnaker by bob: continue' in bench.log(job)
    assert place.gate.asked(Call.STAGE) == []


def test_judged_in_spinnaker_while_no_daemon_runs(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok(), verdict("after", hold=True)))
    bench.until_asked()
    succeed_judged_without_a_daemon(bench, job)
    assert bench.log(job).count("was judged in Spinnaker by bob: continue") == 1


def succeed_judged_without_a_daemon(bench: SpinnakerBench, job: int) -> None:
    """Somebody judges `ok` in Spinnaker before the next daemon, which takes the question back."""
    place = bench.material
    bench.process.kill()
    judge_in_spinnaker(place.bed, place.only(), "ok", "continue")
    id = place.only()["id"]
    place.bed.wait_until_stage(id, "after", "RUNNING")
    bench.start()
    bench.until("nobody is asked any more", lambda: not bench.asked())
    place.bed.release(id, "after")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_a_look_between_start_and_running(
    bench: SpinnakerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orca stores when a stage began before it stores that it runs."""
    answer = Backend.answer
    looks = count()

    def begins(self: Backend, request: Request) -> Answer:
        told = answer(self, request)
        if request.call is not Call.EXECUTION or b'"startTime"' not in told.body:
            return told
        execution = json.loads(told.body)
        if stage_of(execution, "ok").get("startTime") and next(looks) == 0:
            stage_of(execution, "ok")["status"] = "NOT_STARTED"
        return replace(told, body=json.dumps(execution).encode())

    monkeypatch.setattr(Backend, "answer", begins)
    place = bench.material
    job = bench.begin(place.of(ok(), verdict("after", hold=True)))
    bench.until_asked()
    judge_in_spinnaker(place.bed, place.only(), "ok", "continue")
    bench.until("nobody is asked any more", lambda: not bench.asked())
    assert 'stage "ok" was judged in Spinnaker by bob: continue' in bench.log(job)
    place.bed.wait_until_stage(place.only()["id"], "after", "RUNNING")
    place.bed.release(place.only()["id"], "after")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_a_pause_while_it_asks(bench: SpinnakerBench) -> None:
    """It is asked all the same, and the answer counts when the execution is resumed."""
    place = bench.material
    job = bench.begin(place.of(ok(), wait("after", 0)))
    bench.until_asked()
    id = place.only()["id"]
    with place.gate.client() as client:
        client.put(f"/pipelines/{id}/pause").raise_for_status()
        place.bed.wait_until_stage(id, "ok", "PAUSED")
        looks = len(place.gate.asked(Call.EXECUTION))
        place.gate.wait_for_requests(Call.EXECUTION, looks + 2)
        assert bench.asked()
        bench.say(job)
        place.gate.wait_for_requests(Call.STAGE)
        client.put(f"/pipelines/{id}/resume").raise_for_status()
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert "was judged in Spinnaker" not in bench.log(job)


def test_several_at_once(bench: SpinnakerBench) -> None:
    place = bench.material
    first, second = (judgment(name, after=()) for name in ("first", "second"))
    job = bench.begin(place.of(first, second))
    for _ in range(2):
        bench.until_asked()
        before = len(place.gate.asked(Call.STAGE))
        bench.say(job)
        place.gate.wait_for_requests(Call.STAGE, before + 1)
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert len(place.gate.asked(Call.STAGE)) == 2


def test_a_stop_while_it_asks(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok()))
    bench.until_asked()
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert place.only()["status"] == "CANCELED"


def test_nobody_judges_in_time(bench: SpinnakerBench) -> None:
    settings = bench.material.of(ok()) | {"judgment": {"expires": "1s"}}
    ended = bench.finished(job := bench.begin(settings))
    assert ended["conclusion"] == "failure", bench.log(job)
    assert "nobody judged it in time: stop" in bench.log(job)
    assert f"judged to stop by nobody in time (job {job})" in bench.step(job)["reason"]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.GATE_500], ids=lambda one: one.name)
def test_the_answer_to_a_judgment_is_lost(bench: SpinnakerBench, fault: Fault) -> None:
    gate = bench.material.gate
    job = bench.begin(bench.material.of(ok(), wait("after", 0)))
    bench.until_asked()
    with gate.fault(fault, Call.STAGE, times=1):
        bench.say(job)
        assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_killed_while_it_judges(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    job = bench.begin(bench.material.of(ok(), verdict("after", hold=True)))
    bench.until_asked()
    with gate.fault(Fault.ANSWER_HELD, Call.STAGE):
        bench.say(job)
        gate.wait_for_requests(Call.STAGE)
        bench.restart()
    id = bench.material.only()["id"]
    bench.material.bed.wait_until_stage(id, "after", "RUNNING")
    bench.material.bed.release(id, "after")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert len(gate.asked(Call.STAGE)) == 1


def test_only_people_in_spinnaker_judge(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok()) | {"on_manual_judgment": "wait"})
    bench.until_waiting(job, 'judgment of stage "ok" in Spinnaker: http')
    assert bench.asked() == []
    judge_in_spinnaker(place.bed, place.only(), "ok", "continue")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert 'stage "ok" was judged in Spinnaker by bob: continue' in bench.log(job)


def test_nobody_is_to_judge(bench: SpinnakerBench) -> None:
    place = bench.material
    job = bench.begin(place.of(ok()) | {"on_manual_judgment": "fail"})
    ended = bench.finished(job)
    assert ended["conclusion"] == "failure", bench.log(job)
    assert bench.step(job)["reason"] == (
        'stage "ok" asks for a manual judgment, which is not to be waited for here'
    )
    assert place.only()["status"] == "CANCELED"
    assert not ended["dirty"]


def test_a_stop_waits_for_the_judgment(bench: SpinnakerBench) -> None:
    """Orca may store it over a cancel of the same moment, and then the execution never ends."""
    gate = bench.material.gate
    settings = bench.material.of(ok(), wait("after", 1000)) | {"request_timeout": "60s"}
    job = bench.begin(settings)
    bench.until_asked()
    with gate.fault(Fault.ANSWER_HELD, Call.STAGE):
        bench.say(job)
        gate.wait_for_requests(Call.STAGE)
        bench.cancel(job)
        bench.until_waiting(job, "Gate to take the judgment")
        gate.wait_for_requests(Call.EXECUTION, len(gate.asked(Call.EXECUTION)) + 2)
        assert gate.asked(Call.CANCEL) == []
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert bench.material.only()["status"] == "CANCELED"


def test_nothing_is_judged_after_a_stop(bench: SpinnakerBench) -> None:
    """It was answered just before, and Gate did not take it."""
    gate = bench.material.gate
    job = bench.begin(bench.material.of(ok(), wait("after", 1000)))
    bench.until_asked()
    with gate.fault(Fault.GATE_503, Call.STAGE), gate.fault(Fault.GATE_503, Call.CANCEL):
        bench.say(job)
        gate.wait_for_requests(Call.STAGE)
        bench.cancel(job)
        gate.wait_for_requests(Call.CANCEL, 2)
        judged = len(gate.asked(Call.STAGE))
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert len(gate.asked(Call.STAGE)) == judged
