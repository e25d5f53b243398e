"""Capacity counts tools at work on this host, with one slot in reserve for owed cleanups."""

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.words import Section
from tests.core.core_setup import (
    API,
    ROOT,
    accept,
    acquired,
    applied,
    cleaned,
    config,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

ENVIRONMENTS = ("a", "b", "c", "d")


def test_no_more_tools_work_than_capacity_allows() -> None:
    story = given(
        config(environments=ENVIRONMENTS, capacity=2),
        submit("api", "a"),
        submit("api", "b"),
        submit("api", "c"),
    )
    assert story.world.slots.in_use == 2
    assert story.waiting("c") == [3]


def test_who_waits_longest_gets_the_slot() -> None:
    story = given(
        config(environments=ENVIRONMENTS, capacity=1),
        submit("api", "a"),
        1,
        submit("api", "c"),
        1,
        submit("api", "b"),
    )
    story.given(acquired(1)).when(applied(1))
    story.then(like(ev.StepApplied), like(ev.JobAdmitted, job=2), like(ev.StepStarted))
    assert story.waiting("b") == [3]


def test_cleaning_up_takes_no_slot() -> None:
    story = given(config(environments=ENVIRONMENTS, capacity=1), submit("api", "a"), acquired(1))
    story.given(applied(1))
    assert story.world.slots.in_use == 0


def test_cancelling_takes_no_slot() -> None:
    story = given(config(environments=ENVIRONMENTS, capacity=1), submit("api", "a"), acquired(1))
    story.given(cmd.Cancel(caller=ROOT, job=1))
    assert story.world.slots.in_use == 0


def test_waiting_takes_no_slot() -> None:
    """A step that waits takes no slot, and may go on at any time."""
    story = given(
        config(environments=ENVIRONMENTS, capacity=1), submit("api", "a"), submit("api", "b")
    )
    story.when(cmd.NoteWaiting(ref=ref(1), text="the state lock of bob"))
    story.then(like(ev.StepWaiting), like(ev.JobAdmitted, job=2), like(ev.StepStarted))
    story.given(cmd.NoteWaiting(ref=ref(1), text=None))
    assert story.world.slots.in_use == 2


def test_a_step_that_takes_none_needs_none() -> None:
    poll = pipeline("poll", steps=(step("poll", takes_slot=False),))
    story = given(
        config(API, poll, environments=ENVIRONMENTS, capacity=1),
        submit("api", "a"),
        submit("poll", "b"),
    )
    assert (story.running("b"), story.world.slots.in_use) == ([2], 1)


def test_steps_wait_for_a_slot() -> None:
    """A step of a running job waits for a slot."""
    wide = pipeline("wide", steps=(step("one"), step("two")))
    story = given(config(wide, environments=ENVIRONMENTS, capacity=1), submit("wide", "a"))
    assert [one.active for one in story.job(1).steps] == [True, False]
    story.given(acquired(1, "one")).when(applied(1, "one"))
    story.then(like(ev.StepApplied), like(ev.StepStarted, ref=ref(1, "two")))


def test_who_needs_no_slot_passes() -> None:
    """A step that needs no slot passes one that waits for it."""
    mixed = pipeline("mixed", steps=(step("a"), step("b"), step("poll", takes_slot=False)))
    story = given(config(mixed, environments=ENVIRONMENTS, capacity=1), submit("mixed", "a"))
    assert [one.active for one in story.job(1).steps] == [True, False, True]


def test_a_running_job_goes_before_one_that_waits() -> None:
    """It holds its environment and its locks already."""
    wide = pipeline("wide", steps=(step("one"), step("two")))
    story = given(
        config(wide, API, environments=ENVIRONMENTS, capacity=1),
        submit("api", "b"),
        submit("api", "c"),
    )
    story.given(cmd.NoteWaiting(ref=ref(1), text="a poll"))
    story.given(acquired(2), 1, submit("wide", "a", priority=5))
    assert story.waiting("a") == [3]
    story.given(applied(2))
    assert story.running("a") == [3]
    story.given(submit("api", "d", priority=9), acquired(3, "one")).when(applied(3, "one"))
    story.then(like(ev.StepApplied), like(ev.StepStarted, ref=ref(3, "two")))


def test_no_admission_without_a_slot() -> None:
    """Admission takes everything at once: two jobs never get the same slot."""
    story = given(
        config(environments=ENVIRONMENTS, capacity=1),
        submit("api", "a"),
        submit("api", "b"),
        submit("api", "c"),
        acquired(1),
        applied(1),
    )
    assert (story.running("b"), story.waiting("c")) == ([2], [3])


def owed_in_a(capacity: int = 1) -> Story:
    """In a, a job has ended and its cleanup is owed; in b, a job has the only slot."""
    configuration = config(environments=ENVIRONMENTS, capacity=capacity)
    story = given(configuration, submit("web", "a"), acquired(1), submit("api", "b"))
    return story.given(applied(1))


def test_an_owed_cleanup_has_a_slot_in_reserve() -> None:
    story = owed_in_a()
    assert story.running("b") == [2]
    story.when(cleaned(1)).then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=1),
        like(ev.JobSubmitted, job=3, cleanup_for=1),
        like(ev.JobAdmitted, job=3),
        like(ev.StepStarted, ref=ref(3)),
    )
    assert story.world.slots.in_use == 2


def test_one_slot_in_reserve() -> None:
    """There is one slot in reserve, and no more."""
    story = given(
        config(environments=ENVIRONMENTS, capacity=1),
        submit("web", "a"),
        acquired(1),
        applied(1),
        submit("web", "b"),
        acquired(2),
        applied(2),
        submit("api", "c"),
    )
    story.given(cleaned(1), cleaned(2))
    assert (story.running("a"), story.running("b"), story.waiting("b")) == ([4], [], [5])


def test_others_do_not_hide_the_reserve() -> None:
    """One waits longer than the second owed cleanup, but the slot that gets free is not for it."""
    story = given(
        config(environments=ENVIRONMENTS, capacity=1),
        *(submit("web", "a"), acquired(1), applied(1)),
        *(submit("web", "b"), acquired(2), applied(2)),
        *(submit("api", "c"), submit("api", "d"), cleaned(1), cleaned(2), acquired(5)),
    )
    assert (story.running("a"), story.waiting("d"), story.waiting("b")) == ([5], [4], [6])
    story.when(applied(5)).then_among(like(ev.JobAdmitted, job=6))
    assert story.waiting("d") == [4]


def test_who_pays_by_hand_has_the_reserve() -> None:
    """It keeps the owed cleanup from being queued, so it must not wait where that would not."""
    story = given(
        config(environments=ENVIRONMENTS, capacity=1),
        submit("web", "a"),
        acquired(1),
        submit("web-cleanup", "a"),
        applied(1),
        submit("api", "b"),
    )
    story.when(cleaned(1)).then_among(like(ev.JobAdmitted, job=2), like(ev.StepStarted))


def test_who_prepares_to_pay_has_the_reserve() -> None:
    look = step("look", section=Section.BEFORE, touches=False)
    tidy = pipeline("tidy", "cleanup", steps=(look, step("apply")))
    story = given(
        config(pipeline("web", cleanup="tidy"), tidy, API, environments=ENVIRONMENTS, capacity=1),
        *(submit("web", "a"), *whole(1), acquired(2, "look"), failed(2, "look")),
        *(cleaned(2, "look"), submit("api", "b")),
    )
    assert story.world.slots.in_use == 1 and story.environment("a").debts
    story.when(submit("tidy", "a")).then_among(like(ev.StepStarted, ref=ref(4, "look")))


def test_more_capacity_is_felt_at_once() -> None:
    """A reload that adds capacity is felt at once."""
    wide = pipeline("wide", steps=(step("one"), step("two"), step("three")))
    story = given(
        config(wide, API, environments=ENVIRONMENTS, capacity=1),
        submit("wide", "a"),
        submit("api", "b"),
    )
    story.when(accept(config(wide, API, environments=ENVIRONMENTS, capacity=3)))
    assert [one.active for one in story.job(1).steps] == [True, True, True]
    assert story.waiting("b") == [2]


def test_a_reload_that_takes_capacity_stops_nothing() -> None:
    story = given(
        config(environments=ENVIRONMENTS, capacity=3),
        submit("api", "a"),
        submit("api", "b"),
        submit("api", "c"),
        submit("api", "c"),
    )
    story.when(accept(config(environments=ENVIRONMENTS, capacity=1)))
    story.then(like(ev.ConfigAccepted))
    story.given(*whole(1))
    assert story.world.slots.in_use == 2
