"""What the end of an execution means: in words for rules, and for people."""

from typing import Any

import pytest
from orchestrator_spinnaker import results
from orchestrator_spinnaker.executions import Execution, Stage, Status
from orchestrator_spinnaker.judgments import chosen_input
from orchestrator_spinnaker.plain import plain
from orchestrator_spinnaker.settings import StageOutput
from orchestrator_spinnaker.times import duration

from orchestrator.plugin import Result
from tests.row_ids import told_by

MARK = "job 7)"


def stage(name: str, status: str, end: int = 1, **more: Any) -> Stage:
    """One that has ended."""
    return Stage(id=name, type="wait", name=name, status=Status(status), end_time=end, **more)


def execution(status: str, *stages: Stage, **more: Any) -> Execution:
    """One that has ended."""
    return Execution(id="X", application="app", status=Status(status), stages=stages, **more)


def result(ended: Execution, *, why: str | None = None) -> Result:
    """What it means for a step."""
    return results.result(ended, {}, asked=MARK, why=why)


def test_the_worst_comes_first() -> None:
    ended = execution(
        "TERMINAL",
        stage("Bake", "SUCCEEDED", 1),
        stage("Tests", "FAILED_CONTINUE", 2),
        stage("Canary", "TERMINAL", 4),
        stage("analysis", "TERMINAL", 3, parent_stage_id="Canary"),
        stage("Other", "CANCELED", 5),
        stage("Never", "NOT_STARTED"),
    )
    assert result(ended).statuses == (
        'stage "Canary" TERMINAL',
        'stage "analysis" TERMINAL',
        'stage "Other" CANCELED',
        'stage "Tests" FAILED_CONTINUE',
        'stage "Bake" SUCCEEDED',
        "TERMINAL",
    )


def test_of_two_failures_the_first_comes_first() -> None:
    ended = execution("TERMINAL", stage("b", "TERMINAL", 9), stage("a", "TERMINAL", 3))
    assert result(ended).statuses[0] == 'stage "a" TERMINAL'
    assert result(ended).reason == 'stage "a" TERMINAL'


def test_a_failure_that_went_on() -> None:
    ended = execution("SUCCEEDED", stage("a", "SUCCEEDED"), stage("b", "FAILED_CONTINUE"))
    assert result(ended).succeeded
    assert result(ended).statuses[-2:] == ("FAILED_CONTINUE", "SUCCEEDED")
    assert result(ended).reason == 'stage "b" FAILED_CONTINUE'


def test_a_branch_that_was_halted() -> None:
    ended = execution(
        "SUCCEEDED",
        stage("a", "FAILED_CONTINUE", 1),
        stage("ok?", "STOPPED", 2, context={"judgmentStatus": "stop", "lastModifiedBy": "ada"}),
        stage("after", "NOT_STARTED"),
    )
    assert result(ended).succeeded
    assert result(ended).statuses[-3:] == ("STOPPED", "FAILED_CONTINUE", "SUCCEEDED")
    told = 'stage "ok?" STOPPED: judged to stop by ada; stage "a" FAILED_CONTINUE'
    assert result(ended).reason == told


@pytest.mark.parametrize("status", ["TERMINAL", "CANCELED", "STOPPED", "SKIPPED"])
def test_all_else_is_no_success(status: str) -> None:
    assert not result(execution(status)).succeeded


CAUSES: list[tuple[dict[str, Any], str]] = [
    ({"exception": {"details": {"errors": ["no quota", "b"], "error": "x"}}}, "no quota"),
    ({"exception": {"details": {"errors": [], "error": "boom"}}}, "boom"),
    ({"exception": {"details": {"errors": [" a\n  b\t"]}}}, "a b"),
    ({"exception": "odd", "failureMessage": "told so"}, "told so"),
    ({"context": {"expression": False, "failureMessage": "score 3"}}, "score 3"),
    ({"judgmentStatus": "stop", "lastModifiedBy": "ada"}, "judged to stop by ada"),
    ({"judgmentStatus": "stop"}, "judged to stop"),
    (
        {"judgmentStatus": "stop", "orchestratorJudgment": {"by": "bob (job 1)", "startTime": 1}},
        "judged to stop",  # it was started anew since
    ),
    ({"judgmentStatus": "continue"}, ""),
    ({"exception": {"details": {"errors": [None, 3], "error": None}}}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("context", "cause"), CAUSES, ids=told_by(CAUSES, 0))
def test_causes(context: dict[str, Any], cause: str) -> None:
    assert results.cause(stage("a", "TERMINAL", context=context)) == cause


def test_a_long_cause_is_cut() -> None:
    told = results.cause(stage("a", "TERMINAL", context={"failureMessage": "x" * 1000}))
    assert len(told) == results.LONGEST_CAUSE
    assert told.endswith("…")


def test_a_part_speaks_for_the_whole() -> None:
    """What a part says is said of the whole."""
    part = stage("p", "TERMINAL", parent_stage_id="Canary", context={"failureMessage": "score 3"})
    ended = execution("TERMINAL", stage("Canary", "TERMINAL"), part)
    assert result(ended).reason == 'stage "Canary" TERMINAL: score 3'


def test_who_cancelled() -> None:
    by_hand = execution("CANCELED", canceled=True, canceled_by="bob", cancellation_reason="no")
    assert result(by_hand).reason == "cancelled in Spinnaker by bob: no"
    assert result(by_hand).stopped
    ours = execution("CANCELED", canceled=True, canceled_by="gate", cancellation_reason="x (job 7)")
    assert result(ours).reason == ""
    assert result(ours, why="it ran too long").reason == "it ran too long"
    assert result(execution("CANCELED")).reason == "cancelled in Spinnaker"


def test_a_stop_that_came_too_late() -> None:
    """Even one that comes when the result is known here, and the daemon has not read it yet."""
    assert result(execution("SUCCEEDED", canceled=True)).stopped is False
    assert result(execution("TERMINAL", canceled=True)).stopped is False
    assert result(execution("SUCCEEDED")).stopped is False


def test_outputs_of_stages() -> None:
    ended = execution(
        "SUCCEEDED",
        stage("a", "SUCCEEDED", context={"x": 1, "y": 2}, outputs={"x": 10}),
        stage("b", "SUCCEEDED", outputs={"z": None}),
    )
    wanted = {
        "x": StageOutput("a", "x"),
        "y": StageOutput("a", "y"),
        "z": StageOutput("b", "z"),
        "no": StageOutput("b", "x"),
    }
    found, missing = results.stage_outputs(ended, wanted)
    assert found == {"x": 10, "y": 2, "z": None}
    assert missing == {"no": wanted["no"]}


CHOICES = [
    ("Roll out", "Roll out"),
    ("roll OUT ", "Roll out"),
    ("roll back: its figures: bad", "Roll back"),
    ("Roll back; roll back: I think so too; all is said", "Roll back"),
    ("Roll back; Roll out", None),
    ("please roll back, now", None),
    ("no need to roll out", None),
    (": Roll out", None),
    ("", None),
]


@pytest.mark.parametrize(("comment", "chosen"), CHOICES)
def test_inputs(comment: str, chosen: str | None) -> None:
    assert chosen_input(["Roll out", "Roll back"], comment) == chosen


def test_an_input_that_holds_another() -> None:
    """A comment that is an input that holds another."""
    assert chosen_input(["go", "go on"], "Go on") == "go on"
    assert chosen_input(["10", "10:30"], "10:30") == "10:30"
    assert chosen_input(["10", "10:30"], "10:30: not before") == "10:30"
    assert chosen_input(["a", "a; b"], "a; b") == "a; b"
    assert chosen_input(["a", "A"], "A") == "A"


def test_html_as_text() -> None:
    assert plain("a<br/>b &lt;c&gt;<p>d</p><style>e</style>\n\n<li>f") == "a\nb <c>\nd\nf"
    assert plain("no <b>end") == "no end"


def test_durations() -> None:
    said = [duration(one) for one in (-1, 0.04, 0.42, 2, 12.3, 64, 3725)]
    assert said == ["0s", "0s", "0.4s", "2s", "12s", "1m 04s", "1h 02m"]
