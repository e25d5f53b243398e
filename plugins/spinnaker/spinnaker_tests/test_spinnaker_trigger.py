"""Never two executions for one attempt, whatever is lost on the way; and no answer is guessed."""

import json
from datetime import UTC, datetime

import pytest

from orchestrator.testing.suite_fate import Fate
from spinnaker_tests.spinnaker_bench import SpinnakerBench
from tests.testbed.spinnaker.spinnaker_faults import Call, Fault
from tests.testbed.spinnaker.spinnaker_front import Answer, Backend, Request
from tests.testbed.spinnaker.spinnaker_pipelines import pipeline, wait
from tests.testbed.spinnaker.spinnaker_users import BOB

pytestmark = pytest.mark.spinnaker

ANSWER_IS_LOST = (Fault.CUT_AFTER, Fault.TRUNCATED, Fault.NOT_JSON)
NEVER = {"settle": "1s"}
"""For what never arrives: all else has more time, for this host may be slow."""
NEVER_ARRIVES = (Fault.CUT_BEFORE, Fault.GATE_500, Fault.GATE_503, Fault.ORCA_DOWN)


def name(fault: Fault) -> str:
    """Of a test's parameter."""
    return fault.name


@pytest.mark.parametrize("fault", ANSWER_IS_LOST, ids=name)
def test_an_answer_is_lost(bench: SpinnakerBench, fault: Fault) -> None:
    gate = bench.material.gate
    with gate.fault(fault, Call.TRIGGER):
        ended = bench.finished(job := bench.begin(bench.material.succeeding()))
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1
    assert "whether the pipeline was started is not known" in bench.log(job)


def test_an_answer_takes_too_long(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    with gate.fault(Fault.ANSWER_HELD, Call.TRIGGER):
        job = bench.begin(bench.material.succeeding() | {"request_timeout": "1s"})
        ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


def test_a_start_takes_effect_late(bench: SpinnakerBench) -> None:
    """Orca was frozen: it stores the execution long after we gave the post up."""
    gate = bench.material.gate
    settings = bench.material.succeeding() | {"request_timeout": "1s", "settle": "60s"}
    with gate.fault(Fault.HUNG, Call.TRIGGER):
        job = bench.begin(settings)
        gate.wait_for_requests(Call.SEARCH, 2)
        assert bench.material.runs() == 0
        bench.until_waiting(job, "what came of the start")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


@pytest.mark.parametrize("fault", NEVER_ARRIVES, ids=name)
def test_a_start_never_arrives(bench: SpinnakerBench, fault: Fault) -> None:
    """Nobody can know that, so it is never posted again: lost, with where to look."""
    gate = bench.material.gate
    with gate.fault(fault, Call.TRIGGER):
        ended = bench.finished(job := bench.begin(bench.material.succeeding() | NEVER))
    assert ended["conclusion"] == "lost", bench.log(job)
    assert ended["dirty"]
    assert "/executions/search?trigger=" in bench.step(job)["reason"]
    assert len(gate.asked(Call.TRIGGER)) == 1
    assert bench.material.runs() == 0
    quarantine = str(bench.environment()["quarantine"])
    assert f"curl '{gate.url}/applications/" in quarantine
    assert "orchestrator recheck here" in quarantine


def test_when_a_lost_start_is_clean(bench: SpinnakerBench) -> None:
    """A lost start is clean once it can't come any more."""
    gate = bench.material.gate
    with gate.fault(Fault.CUT_BEFORE, Call.TRIGGER):
        bench.finished(job := bench.begin(bench.material.succeeding() | NEVER))
    bench.recheck()
    assert bench.environment()["quarantine"] is not None
    file = bench.scratch(job) / "attempt.json"
    noted = json.loads(file.read_bytes())
    file.write_text(json.dumps(noted | {"posted": noted["posted"] - 700}))
    with gate.fault(Fault.GATE_500, Call.SEARCH):
        bench.post("/v1/environments/here/recheck")
        gate.wait_for_requests(Call.SEARCH, len(gate.asked(Call.SEARCH)) + 2)
        assert bench.environment()["quarantine"] is not None
    bench.until("it is clean", lambda: bench.environment()["quarantine"] is None)


def test_a_start_that_the_search_does_not_find(
    bench: SpinnakerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an Orca on redis may lose it; the pipeline's own list has it."""
    answer = Backend.answer

    def finds_nothing(self: Backend, request: Request) -> Answer:
        return Answer.of(200, []) if request.call is Call.SEARCH else answer(self, request)

    monkeypatch.setattr(Backend, "answer", finds_nothing)
    with bench.material.gate.fault(Fault.CUT_AFTER, Call.TRIGGER):
        ended = bench.finished(job := bench.begin(bench.material.succeeding()))
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]
    assert bench.material.runs() == 1


def test_searching_has_to_wait_too(bench: SpinnakerBench) -> None:
    """`settle` counts from the first search that Gate has answered."""
    gate = bench.material.gate
    settings = bench.material.succeeding() | {"settle": "0.5s"}
    with gate.fault(Fault.CUT_AFTER, Call.TRIGGER), gate.fault(Fault.GATE_500, Call.SEARCH):
        job = bench.begin(settings)
        bench.until_waiting(job, "Gate at")
        gate.wait_for_requests(Call.SEARCH, 3)  # a second and a half
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


def test_a_session_ends_before_the_search(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    with gate.fault(Fault.CUT_AFTER, Call.TRIGGER), gate.fault(Fault.LOGIN, Call.SEARCH):
        job = bench.begin(bench.material.succeeding())
        bench.until_waiting(job, "Gate at")
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)


def test_gate_refuses(bench: SpinnakerBench) -> None:
    """Then nothing was started, which needs no looking."""
    gate = bench.material.gate
    password = {"username": BOB.name, "password": BOB.password}
    settings = bench.material.succeeding() | {"auth": {"basic": password}}
    ended = bench.finished(job := bench.begin(settings))
    assert ended["conclusion"] == "failure", bench.log(job)
    assert not ended["dirty"]
    assert "403" in bench.step(job)["reason"]
    assert bench.material.runs() == len(gate.asked(Call.SEARCH)) == 0


def test_killed_before_the_answer(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    with gate.fault(Fault.ANSWER_HELD, Call.TRIGGER):
        job = bench.begin(bench.material.succeeding())
        bench.until_at_work()
        bench.restart()
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


def test_killed_and_the_start_comes_late(bench: SpinnakerBench) -> None:
    """Killed before the answer, and the start comes late."""
    gate = bench.material.gate
    with gate.fault(Fault.HUNG, Call.TRIGGER):
        job = bench.begin(bench.material.succeeding() | {"settle": "60s"})
        gate.wait_for_requests(Call.TRIGGER)
        bench.restart()
        bench.until_waiting(job, "what came of the start")
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


@pytest.mark.parametrize("commit", range(3, 9))
def test_killed_around_the_start(bench: SpinnakerBench, commit: int) -> None:
    """One that was certainly not posted is not lost."""
    gate = bench.material.gate
    job = bench.begin(bench.material.succeeding(), Fate(die_after=commit))
    ended = bench.finished(job)
    assert ended["conclusion"] == "success", bench.log(job)
    assert not ended["dirty"]
    assert bench.material.runs() == len(gate.asked(Call.TRIGGER)) == 1


def test_two_with_our_id(bench: SpinnakerBench) -> None:
    """It can't be, and is not passed over."""
    place = bench.material
    place.gate.configure(pipeline("other", wait("long", 1000)))
    cut = place.gate.fault(Fault.CUT_AFTER, Call.TRIGGER, times=1)
    with cut, place.gate.fault(Fault.GATE_500, Call.SEARCH):
        job = bench.begin(place.of(wait("short", 0)))
        bench.until_at_work()
        first = place.bed.wait_until_complete(place.only()["id"])
        with place.gate.client() as client:
            path = f"/pipelines/{place.gate.application}/other"
            again = {"type": "manual", "correlationId": first["trigger"]["correlationId"]}
            client.post(path, json=again).raise_for_status()
    ended = bench.finished(job)
    assert ended["conclusion"] == "lost", bench.log(job)
    assert ended["dirty"]
    assert "one start made 2 executions" in bench.step(job)["reason"]
    assert place.live() == []


def test_force_while_nothing_is_known(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    with (
        gate.fault(Fault.CUT_AFTER, Call.TRIGGER),
        gate.fault(Fault.GATE_500, Call.SEARCH, Call.EXECUTION) as away,
    ):
        job = bench.begin(bench.material.working())
        bench.until_waiting(job, "Gate at")
        bench.cancel(job)
        bench.until_phase(job, "cancelling")
        bench.cancel(job, force=True)
        bench.until_phase(job, "cleaning_up")
        gate.faults.lift(away)
        ended = bench.finished(job)
    assert not ended["dirty"], bench.log(job)
    (execution,) = bench.material.executions()
    assert execution["status"] == "CANCELED"


def test_a_stop_while_the_start_is_searched(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    with gate.fault(Fault.CUT_AFTER, Call.TRIGGER), gate.fault(Fault.GATE_500, Call.SEARCH):
        job = bench.begin(bench.material.working())
        bench.until_waiting(job, "Gate at")
        bench.cancel(job)
        bench.until_phase(job, "cancelling")
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]
    assert bench.material.only()["status"] == "CANCELED"


def test_nothing_was_ever_posted(bench: SpinnakerBench) -> None:
    """Then cleanup has nothing to ask Gate for."""
    gate = bench.material.gate
    gate.down()
    job = bench.begin(bench.material.succeeding())
    bench.until_waiting(job, "Gate at")
    bench.cancel(job)
    ended = bench.finished(job)
    assert ended["conclusion"] == "cancelled", bench.log(job)
    assert not ended["dirty"]


def test_gate_comes_back(bench: SpinnakerBench) -> None:
    gate = bench.material.gate
    gate.down()
    job = bench.begin(bench.material.succeeding())
    bench.until_waiting(job, "Gate at")
    gate.up()
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == 1


def test_too_many_requests_are_waited_out(bench: SpinnakerBench) -> None:
    """Gate has not taken the start, and says so: it may be posted again."""
    gate = bench.material.gate
    with gate.fault(Fault.GATE_429, Call.TRIGGER):
        job = bench.begin(bench.material.succeeding())
        bench.until_waiting(job, "answered 429 to POST")
        gate.wait_for_requests(Call.TRIGGER, 2)
    assert bench.finished(job)["conclusion"] == "success", bench.log(job)
    assert bench.material.runs() == 1


def test_when_it_was_posted_is_written_down(bench: SpinnakerBench) -> None:
    before = datetime.now(UTC).timestamp()
    bench.finished(job := bench.begin(bench.material.succeeding()))
    noted = json.loads((bench.scratch(job) / "attempt.json").read_bytes())
    assert before <= noted["posted"] <= datetime.now(UTC).timestamp()
    assert noted["execution"] == bench.material.only()["id"]
