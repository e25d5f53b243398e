"""Success, failure or stopped: what terraform's exit means."""

import pytest
from orchestrator_terraform.events import Changes, Diagnostic, Event, Tally
from orchestrator_terraform.results import apply_result, plan_result

from orchestrator.plugin import Exit


def counted(*, summary: Changes | None = None, error: str = "", interrupted: bool = False) -> Tally:
    said = Tally()
    if summary is not None:
        said.add(Event("change_summary", changes=summary))
    if error:
        said.add(Event("diagnostic", diagnostic=Diagnostic("error", error)))
    if interrupted:
        said.add(Event("log", message="\nInterrupt received.\nPlease wait"))
    return said


@pytest.mark.parametrize(
    ("exit", "said", "stopping", "succeeded", "stopped"),
    [
        (Exit(0), counted(), False, True, None),
        (Exit(0), counted(interrupted=True), True, True, False),
        (Exit(1), counted(error="execution halted", interrupted=True), True, False, True),
        (Exit(1), counted(error="no quota"), True, False, False),
        (Exit(1), counted(error="no quota"), False, False, None),
        (Exit(None, "SIGKILL"), counted(), True, False, None),
    ],
    ids=[
        "finished",
        "finished though asked to stop",
        "stopped",
        "failed though asked to stop",
        "failed",
        "killed",
    ],
)
def test_finished_first_stopped_and_failed_are_told_apart(
    exit: Exit, said: Tally, stopping: bool, succeeded: bool, stopped: bool | None
) -> None:
    result = apply_result(exit, said, stopping=stopping)
    assert (result.succeeded, result.stopped) == (succeeded, stopped)


@pytest.mark.parametrize(
    ("code", "succeeded", "summary"),
    [(0, True, "no changes"), (2, True, "+3 ~1 -0"), (1, False, "")],
)
def test_a_plan_succeeds_with_0_and_with_2(code: int, succeeded: bool, summary: str) -> None:
    said = counted(summary=Changes(add=3, change=1))
    result = plan_result(Exit(code), said, stopping=False)
    assert (result.exit, result.succeeded, result.summary) == (code, succeeded, summary)


def test_a_plan_that_finished_first() -> None:
    """A plan that finished before the stop reached it is a success."""
    result = plan_result(Exit(2), counted(interrupted=True), stopping=True)
    assert (result.succeeded, result.stopped) == (True, False)


def test_a_stale_plan_is_said_to_be_one() -> None:
    result = apply_result(Exit(1), counted(error="Saved plan is stale"), stopping=False)
    assert result.statuses == ("stale_plan",)
    assert "plan again" in result.reason


def test_a_binary_that_cannot_be_started_says_why() -> None:
    result = apply_result(Exit(127, error="no terraform on PATH"), Tally(), stopping=False)
    assert result.reason == "no terraform on PATH"
