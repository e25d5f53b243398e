"""Locks: each held by one job at a time, across environments."""

from orchestrator.core.language import events as ev
from tests.core.core_setup import API, E2E, accept, config, submit, whole
from tests.core.core_story import given, like

SHARED = config(
    API, E2E, environments={"a": ("vpc",), "b": ("vpc",), "c": ("vpc", "db"), "d": ("db",)}
)


def test_how_long_a_lock_is_held() -> None:
    """A lock is held from admission to the end of the job."""
    story = given(SHARED, submit("api", "a"), submit("api", "b"))
    assert (story.running("a"), story.waiting("b")) == ([1], [2])
    *before, last = whole(1)
    story.given(*before).when(last).then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=1),
        like(ev.JobAdmitted, job=2),
        like(ev.StepStarted),
    )


def test_no_two_jobs_share_a_lock() -> None:
    """Jobs that do not exclude each other share an environment, but not a lock."""
    story = given(SHARED, submit("e2e", "a"), submit("e2e", "a"))
    assert (story.running("a"), story.waiting("a")) == ([1], [2])


def test_all_locks_are_taken_at_once_or_none() -> None:
    story = given(SHARED, submit("api", "a"), submit("api", "c"))
    assert story.waiting("c") == [2]
    assert not story.world.locks.holders("db"), "what waits for one lock does not hold the other"


def test_the_one_that_waits_longest_gets_the_lock() -> None:
    story = given(SHARED, submit("api", "a"), 1, submit("api", "c"), 1, submit("api", "b"))
    story.given(*whole(1))
    assert (story.running("c"), story.waiting("b")) == ([2], [3])
    story.given(*whole(2))
    assert story.running("b") == [3]


def test_priority_counts_across_environments() -> None:
    story = given(SHARED, submit("api", "a"), submit("api", "c"), submit("api", "b", priority=1))
    story.given(*whole(1))
    assert (story.running("b"), story.waiting("c")) == ([3], [2])


def test_locks_as_configured_at_the_start() -> None:
    """A job that waits takes the locks that are configured when it starts."""
    story = given(SHARED, submit("api", "a"), submit("api", "a"))
    story.given(accept(config(API, environments={"a": ("db",)})), *whole(1))
    run = story.job(2).run
    assert run is not None
    assert run.locks == ("db",)


def test_a_reload_takes_no_lock() -> None:
    """A reload takes no lock from a running job."""
    story = given(SHARED, submit("api", "a"))
    story.given(accept(config(API, environments={"a": (), "b": ("vpc",)})), submit("api", "b"))
    assert story.waiting("b") == [2]


def test_a_reload_drops_a_lock() -> None:
    """A reload that drops a lock lets go who waited for it."""
    story = given(SHARED, submit("api", "a"), submit("api", "b"))
    story.when(accept(config(API, environments={"a": ("vpc",), "b": ()})))
    story.then(like(ev.ConfigAccepted), like(ev.JobAdmitted, job=2), like(ev.StepStarted))


def test_a_removed_environment_waits_for_its_locks_too() -> None:
    """Its job keeps the locks it was submitted with, and hears when they are free."""
    story = given(SHARED, submit("api", "a"), submit("api", "b"))
    story.given(accept(config(API, environments={"a": ("vpc",)})))
    assert story.waiting("b") == [2]
    story.given(*whole(1))
    assert story.running("b") == [2]
