"""The lines of a step's log that tell of stages: in which order, and by which names."""

from orchestrator_spinnaker.executions import Execution, Stage, Status
from orchestrator_spinnaker.stages import happened

DONE = Status.SUCCEEDED


def lines(*stages: Stage) -> list[str]:
    execution = Execution("it", "shop", Status.RUNNING, stages=stages)
    return [one.line for one in happened(execution)]


def stage(
    name: str, status: Status, start: int | None = None, end: int | None = None, of: str = ""
) -> Stage:
    return Stage(
        name, "wait", name, status, start_time=start, end_time=end, parent_stage_id=of or None
    )


def test_parts_stand_within_their_whole() -> None:
    """Parts are named with their whole and stand within it."""
    whole = stage("Canary", DONE, 1000, 9000)
    part = stage("Check", DONE, 1000, 9000, of="Canary")
    inner = stage("Ask", Status.RUNNING, 2000, of="Check")
    assert lines(inner, part, whole) == [
        'stage "Canary" began',
        'stage "Canary" > "Check" began',
        'stage "Canary" > "Check" > "Ask" began',
        'stage "Canary" > "Check" SUCCEEDED after 8s',
        'stage "Canary" SUCCEEDED after 8s',
    ]


def test_what_takes_no_time_begins_before_it_ends() -> None:
    whole, part = stage("a", DONE, 1, 1), stage("b", DONE, 1, 1, of="a")
    told = lines(part, whole)
    assert [told.index(line) for line in ('stage "a" began', 'stage "a" > "b" began')] == [0, 1]


def test_what_never_began_is_told_at_last() -> None:
    """What never began is told of when it is over."""
    assert lines(stage("skipped", Status.SKIPPED), stage("next", Status.NOT_STARTED)) == [
        'stage "skipped" SKIPPED'
    ]


def test_parents_in_a_circle_do_not_hang() -> None:
    assert len(lines(stage("a", DONE, 1, 2, of="b"), stage("b", DONE, 1, 2, of="a"))) == 4
