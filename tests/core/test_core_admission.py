"""Who may run beside whom, and in which order those that wait begin."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.world.world import symmetric
from tests.core.core_setup import API, E2E, ROOT, WEB, WEB_CLEANUP, config, pipeline, submit, whole
from tests.core.core_story import Story, given, like


def of_kinds(first: str, second: str, kinds: dict[str, tuple[str, ...]]) -> Story:
    """A job of one kind, then one of another in the same environment."""
    pipelines = (pipeline("one", first), pipeline("other", second))
    configuration = config(*pipelines, kinds=kinds)
    return given(configuration, submit("one"), submit("other"))


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("deploy", "deploy", False),
        ("deploy", "cleanup", False),
        ("cleanup", "deploy", False),
        ("cleanup", "cleanup", False),
        ("deploy", "test", False),  # test excludes deploy: said on one side, true on both
        ("test", "deploy", False),
        ("test", "test", True),
        ("test", "cleanup", True),
        ("cleanup", "test", True),
        ("audit", "deploy", True),
    ],
)
def test_which_kinds_run_together(first: str, second: str, together: bool) -> None:
    """Two jobs run together if neither kind excludes the other."""
    kinds = {
        "deploy": ("deploy", "cleanup"),
        "cleanup": ("deploy", "cleanup"),
        "test": ("deploy",),
        "audit": (),
    }
    story = of_kinds(first, second, kinds)
    assert story.running() == ([1, 2] if together else [1])


def test_exclusion_is_symmetric() -> None:
    assert symmetric({"a": ("b",), "b": (), "c": ("c",)}) == {
        "a": frozenset("b"),
        "b": frozenset("a"),
        "c": frozenset("c"),
    }


def test_environments_are_apart() -> None:
    """Jobs in different environments do not exclude each other."""
    story = given(submit("api"), submit("api", "staging"))
    assert (story.running(), story.running("staging")) == ([1], [2])


def test_a_submission_that_nothing_blocks_starts_at_once() -> None:
    given().when(submit("api")).then(
        like(ev.JobSubmitted, job=1, pipeline="api", environment="production", kind="deploy"),
        like(ev.JobAdmitted, job=1),
        like(ev.StepStarted, acquires=True),
    )


def test_a_submission_that_something_blocks_waits() -> None:
    given(submit("api")).when(submit("api")).then(like(ev.JobSubmitted, job=2))


def test_the_next_starts_when_the_running_one_ends() -> None:
    *before, last = whole(1)
    given(submit("api"), submit("api"), *before).when(last).then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=1),
        like(ev.JobAdmitted, job=2),
        like(ev.StepStarted),
    )


def started_in_order(story: Story, jobs: int) -> list[int]:
    """Let every job run through, one after the other."""
    order: list[int] = []
    while len(order) < jobs:
        [now] = story.running()
        order.append(now)
        story.given(*whole(now))
    return order


def test_jobs_start_in_the_order_of_submission() -> None:
    story = given(submit("api"), 1, submit("api"), 1, submit("api"), 1, submit("api"))
    assert started_in_order(story, 4) == [1, 2, 3, 4]


def test_jobs_of_several_pipelines_keep_one_order() -> None:
    other = pipeline("other")
    configuration = config(API, other)
    story = given(configuration, submit("api"), submit("other"), submit("api"), submit("other"))
    assert started_in_order(story, 4) == [1, 2, 3, 4]


def test_priority_goes_first() -> None:
    story = given(submit("api"), submit("api"), submit("api", priority=1))
    assert story.waiting() == [3, 2]


def test_priority_is_seniority() -> None:
    """One point is worth an hour of waiting: an older job is passed for that long, and no more."""
    story = given(submit("api"), submit("api"), 3000, submit("api", priority=1))
    assert story.waiting() == [3, 2]
    story.given(601, submit("api", priority=1))
    assert story.waiting() == [3, 2, 4]


@pytest.mark.parametrize("step", [-600, -86_400 * 365, 600], ids=["back", "a year back", "on"])
def test_a_stepped_clock_lets_nobody_pass(step: float) -> None:
    story = given(submit("api"), submit("api"), submit("api"))
    story.step_wall_clock(step)
    story.given(1, submit("api"))
    assert story.waiting() == [2, 3, 4]
    story.given(submit("api", priority=1))
    assert story.waiting() == [5, 2, 3, 4], "a priority is worth an hour still"


@pytest.mark.parametrize("from_journal", [False, True])
@pytest.mark.parametrize("seconds", [-600, 7200], ids=["back", "on"])
def test_a_boot_lets_nobody_pass(from_journal: bool, seconds: float) -> None:
    """Across a boot only the wall clock tells how long it took: never less than nothing."""
    story = given(submit("api"), submit("api"), submit("api"))
    story.step_wall_clock(seconds)
    story.restart(rebooted=True, from_journal=from_journal)
    story.given(submit("api"), submit("api", priority=1))
    passes = seconds < 3600
    assert story.waiting() == ([5, 2, 3, 4] if passes else [2, 3, 5, 4])


def test_who_excludes_is_not_overtaken() -> None:
    """A test would be admitted beside the running one, but a deploy waits before it."""
    story = given(submit("e2e"), submit("api"), submit("e2e"))
    assert (story.running(), story.waiting()) == ([1], [2, 3])
    story.given(*whole(1))
    assert (story.running(), story.waiting()) == ([2], [3])


def test_others_overtake_a_waiting_job() -> None:
    """A waiting job is overtaken by one that it does not exclude."""
    configuration = config(API, E2E, pipeline("audit", "audit"))
    story = given(configuration, submit("api"), submit("api"), submit("audit"))
    assert (story.running(), story.waiting()) == ([1, 3], [2])


def test_a_cancelled_job_lets_the_next_go() -> None:
    """A job that was cancelled while it waited lets the next go."""
    given(submit("e2e"), submit("api"), submit("e2e")).when(cmd.Cancel(caller=ROOT, job=2)).then(
        like(ev.JobEnded, job=2), like(ev.JobAdmitted, job=3), like(ev.StepStarted)
    )


def test_an_admission_says_what_it_took() -> None:
    configuration = config(WEB, WEB_CLEANUP, environments={"production": ("vpc", "db")})
    story = given(configuration, submit("web"))
    run = story.job(1).run
    assert run is not None
    assert (run.started, run.locks, run.pays) == (story.now, ("vpc", "db"), ())
    assert run.excludes == ("cleanup", "deploy", "test")


def test_a_job_without_steps_ends_at_once() -> None:
    given(config(pipeline("none", steps=()))).when(submit("none")).then(
        like(ev.JobSubmitted), like(ev.JobAdmitted), like(ev.JobEnded)
    )
