"""Looking again at what steps left behind: when it may, what it keeps out, how it is stopped."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.rejections import (
    NoRecheck,
    NothingToRecheck,
    NotQuarantined,
    RecheckAtWork,
    StaleObservation,
)
from orchestrator.core.language.words import Section, StopCause
from orchestrator.core.rules import rechecks
from orchestrator.core.rules.admission import blockers
from orchestrator.core.rules.wanted import StopLook, VerifyAgain, wanted
from tests.core.core_setup import (
    ADA,
    API,
    E2E,
    ROOT,
    acquired,
    applied,
    cleaned,
    config,
    dirty,
    failed,
    finding,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

RECHECK = cmd.Recheck(caller=ADA, environment="production")
STOP = cmd.StopRecheck(caller=ADA, environment="production", round=1, reason="enough")
FORCE = cmd.StopRecheck(caller=ROOT, environment="production", round=1, force=True)
TWO = config(pipeline("two", steps=(step("a"), step("b"))))
LOCKS = {"production": ["net"], "staging": ["net"]}


def looked(at_step: StepRef, clean: bool = True) -> cmd.RecheckDone:
    """What a look at a finding tells."""
    found = None if clean else finding(at_step.job, at_step.step)
    return cmd.RecheckDone(environment="production", ref=at_step, finding=found)


def left() -> Story:
    """Job 1 has left something, and owes nothing."""
    return given(submit("api"), *ends_dirty(1))


def ends_dirty(job: int) -> tuple[cmd.Command, ...]:
    return acquired(job), applied(job), dirty(job)


def two_left() -> Story:
    """Job 1 has left two things."""
    story = given(TWO, submit("two"), acquired(1, "a"), acquired(1, "b"))
    return story.given(applied(1, "a"), applied(1, "b"), dirty(1, "a"), dirty(1, "b"))


def effects(story: Story) -> list[type]:
    return [type(effect) for effect in wanted(story.world, "production")]


def what_blocks(story: Story, job: int) -> list[str]:
    return [blocker.type.value for blocker in blockers(story.world, story.job(job))]


# --- what it finds --------------------------------------------------------------------------


def test_it_looks_at_every_finding() -> None:
    story = left().when(RECHECK).then(like(ev.RecheckRequested), like(ev.RecheckStarted))
    story.when(looked(ref(1))).then(
        like(ev.Rechecked, ref=ref(1), finding=None),
        like(ev.QuarantineLifted, reason="rechecked, and clean", by_job=None),
    )


def test_what_is_dirty_still_opens_nothing() -> None:
    story = left().given(RECHECK).when(looked(ref(1), clean=False))
    story.then(like(ev.Rechecked, finding=finding(1)))
    story.when(RECHECK).then(like(ev.RecheckRequested), like(ev.RecheckStarted))


def test_one_dirty_finding_of_two_keeps_it_closed() -> None:
    story = two_left().given(RECHECK)
    story.when(looked(ref(1, "a"))).then(like(ev.Rechecked))
    story.when(looked(ref(1, "b"), clean=False)).then(like(ev.Rechecked))
    quarantine = story.environment().quarantine
    assert quarantine is not None
    assert (quarantine.findings, quarantine.look) == ((finding(1, "b"),), None)


def test_it_lets_the_waiting_go() -> None:
    left().given(submit("api"), RECHECK).when(looked(ref(1))).then_among(
        like(ev.QuarantineLifted), like(ev.JobAdmitted, job=2)
    )


def test_nothing_found_names_what_helps() -> None:
    story = given(submit("web"), *whole(1), acquired(2), cmd.Cancel(ADA, 2))
    story.given(applied(2, stopped=True), cleaned(2))
    story.when(RECHECK).refused(
        NothingToRecheck, "orchestrator submit web-cleanup production", "orchestrator waive"
    )


def test_a_failed_cleanup_is_no_finding() -> None:
    """No look makes it good, nor has it start again by itself."""
    story = given(submit("web"), *ends_dirty(1), acquired(2), failed(2), cleaned(2), RECHECK)
    story.when(looked(ref(1))).then(like(ev.Rechecked, finding=None))
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.findings == ()
    story.given(submit("web-cleanup"), *whole(3))
    assert story.environment().quarantine is None


def test_its_name_never_comes_again() -> None:
    """What an old screen has told somebody to type stops no other."""
    story = left().given(RECHECK, looked(ref(1)), submit("api"), *ends_dirty(2), RECHECK)
    story.when(STOP).refused(NoRecheck, "production/recheck-1", "orchestrator environment")
    story.when(cmd.StopRecheck(ADA, "production", round=2)).then(like(ev.RecheckStopRequested))


def test_a_second_one_waits_for_the_first() -> None:
    left().given(RECHECK).when(RECHECK).refused(RecheckAtWork, "production/recheck-1")


def test_it_needs_a_quarantine() -> None:
    given().when(RECHECK).refused(NotQuarantined, "production")


def test_it_survives_a_restart() -> None:
    story = left().given(RECHECK).restart()
    story.when(looked(ref(1))).then_among(like(ev.QuarantineLifted))


@pytest.mark.parametrize("story", [given(), left()], ids=["clean", "dirty"])
def test_what_nobody_asked_for_is_dropped(story: Story) -> None:
    story.when(looked(ref(1))).refused(StaleObservation)


def test_of_one_that_waits_nothing_is_told() -> None:
    story = left_beside_a_test().given(RECHECK)
    story.when(looked(ref(1))).refused(StaleObservation)


# --- when it may start ----------------------------------------------------------------------


def left_beside_a_test() -> Story:
    """Job 1 has left something while job 2, which excludes nothing of its kind, runs on."""
    kinds = {"deploy": ("deploy",), "test": ()}
    story = given(config(API, E2E, kinds=kinds), submit("api"), submit("e2e"))
    return story.given(acquired(2), *ends_dirty(1))


def test_it_waits_for_what_runs() -> None:
    """It may change what it looks at, and what others look at."""
    story = left_beside_a_test().when(RECHECK).then(like(ev.RecheckRequested))
    assert effects(story).count(VerifyAgain) == 0
    [blocker] = rechecks.blockers(story.world, story.environment())
    assert (blocker.id, blocker.text) == ("2", "job 2 (e2e) runs, and a recheck runs alone")
    *before, last = applied(2), cleaned(2)
    story.given(*before).when(last).then_among(like(ev.JobEnded, job=2), like(ev.RecheckStarted))
    assert effects(story) == [VerifyAgain]


def test_it_waits_for_the_steps_after_its_own() -> None:
    two = pipeline("two", steps=(step("a"), step("b")))
    story = given(config(two), submit("two"), acquired(1, "a"), acquired(1, "b"))
    story.given(applied(1, "a"), dirty(1, "a")).when(RECHECK).then(like(ev.RecheckRequested))
    story.given(applied(1, "b"), dirty(1, "b"))
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.is_looked_at
    assert quarantine.rechecking == (ref(1, "a"), ref(1, "b")), "what was left meanwhile too"


def test_nothing_starts_beside_it() -> None:
    """Not even the owed cleanup: it would change what is looked at."""
    story = given(submit("web"), *ends_dirty(1), acquired(2), failed(2), cleaned(2))
    story.given(RECHECK, submit("web-cleanup"))
    assert effects(story) == [VerifyAgain]
    assert (story.running(), what_blocks(story, 3)) == ([], ["recheck"])
    story.given(looked(ref(1), clean=False))
    assert story.running() == [3]


def test_it_may_use_the_reserve() -> None:
    story = given(config(API, capacity=1), submit("api"), *ends_dirty(1), submit("api", "staging"))
    story.when(RECHECK).then_among(like(ev.RecheckStarted))
    assert story.world.slots.in_use == 2


def test_without_a_slot_it_waits() -> None:
    """And starts when one is free, in whatever environment."""
    places = ("production", "staging", "lab")
    story = given(config(API, capacity=1, environments=places), submit("api"), *ends_dirty(1))
    story.given(submit("api", "lab"), *ends_dirty(2), submit("api", "staging"), RECHECK)
    story.when(cmd.Recheck(ADA, "lab")).then(like(ev.RecheckRequested))
    [blocker] = rechecks.blockers(story.world, story.environment("lab"))
    assert blocker.type.value == "capacity"
    story.when(looked(ref(1))).then_among(like(ev.RecheckStarted, environment="lab"))


def test_it_waits_for_what_the_same_job_prepares() -> None:
    steps = (step("a", section=Section.BEFORE), step("b", section=Section.BEFORE), step("go"))
    story = given(config(pipeline("web", steps=steps)), submit("web"), acquired(1, "a"))
    story.given(acquired(1, "b"), applied(1, "a"), dirty(1, "a"))
    story.when(RECHECK).then(like(ev.RecheckRequested))
    story.given(applied(1, "b")).when(cleaned(1, "b")).then_among(like(ev.RecheckStarted))


def test_a_drain_keeps_none_back() -> None:
    story = left().given(cmd.StartDrain(ROOT)).when(RECHECK)
    story.then_among(like(ev.RecheckStarted))


# --- who asks by himself --------------------------------------------------------------------


def test_a_repair_has_it_looked_at_once() -> None:
    story = given(submit("web"), *ends_dirty(1), *whole(2)[:-1]).when(whole(2)[-1])
    story.then_among(
        like(ev.DebtPaid, job=1),
        like(ev.RecheckRequested, reason="job 2 has succeeded"),
        like(ev.RecheckStarted),
    )
    story.when(looked(ref(1), clean=False)).then(like(ev.Rechecked))


def test_one_that_waits_is_not_asked_for_again() -> None:
    story = given(submit("web"), *ends_dirty(1), *whole(2)[:-1], RECHECK).when(whole(2)[-1])
    story.then(like(ev.StepFinished), like(ev.JobEnded), like(ev.DebtPaid), like(ev.RecheckStarted))


def test_any_success_let_past_has_it_looked_at() -> None:
    """An admin's retry of another job than the one that the quarantine names."""
    story = two_left().given(TWO, submit("two"))
    retry = cmd.Retry(
        caller=ROOT,
        job=9,
        pipeline="two",
        environment="production",
        params={},
        definition=story.world.definition(story.job(2)),
    )
    story.given(retry, acquired(3, "a"), acquired(3, "b"), applied(3, "a"), applied(3, "b"))
    story.given(cleaned(3, "a")).when(cleaned(3, "b"))
    story.then_among(like(ev.RecheckRequested, reason="job 3 has succeeded"))


# --- what is kept ---------------------------------------------------------------------------


def test_a_finding_keeps_its_jobs_locks() -> None:
    """What was left may be what the lock is for."""
    story = given(config(API, environments=LOCKS), submit("api"), submit("api", "staging"))
    assert what_blocks(story, 2) == ["lock"]
    story.given(*ends_dirty(1))
    [blocker] = blockers(story.world, story.job(2))
    assert blocker.text == "lock net is held by what job 1 left behind in production"
    story.given(RECHECK).when(looked(ref(1))).then_among(like(ev.JobAdmitted, job=2))


def test_debt_and_finding_are_one_holder() -> None:
    """The owed cleanup waits for neither, and either alone keeps the locks."""
    web = pipeline("web", cleanup="clean")
    both = config(web, pipeline("clean", "cleanup"), API, environments=LOCKS)
    story = given(both, submit("web"), submit("api", "staging"), *ends_dirty(1))
    assert story.running() == [3]
    story.given(*whole(3), looked(ref(1), clean=False))
    assert (story.running("staging"), what_blocks(story, 2)) == ([], ["lock"])
    story.given(cmd.Waive(ROOT, "production", "gone by hand"))
    assert story.running("staging") == [2]


def test_a_retry_has_the_locks_left() -> None:
    story = given(config(API, environments=LOCKS), submit("api"), *ends_dirty(1))
    one = story.ended[1]
    definition = story.world.definitions[one.definition]
    retry = cmd.Retry(ROOT, 1, "api", "production", params={}, definition=definition)
    story.when(retry).then_among(like(ev.JobAdmitted, job=2))


# --- stopped --------------------------------------------------------------------------------


def test_one_at_work_is_asked_to_stop() -> None:
    story = left().given(RECHECK).when(STOP).then(like(ev.RecheckStopRequested, force=False))
    assert effects(story) == [VerifyAgain, StopLook]
    story.when(STOP).then()
    story.when(looked(ref(1), clean=False)).then(like(ev.Rechecked, finding=finding(1)))
    assert effects(story) == []


def test_one_that_waits_is_over() -> None:
    story = left_beside_a_test().given(RECHECK).when(STOP).then(like(ev.RecheckStopRequested))
    story.when(RECHECK).then(like(ev.RecheckRequested))


def test_an_admin_ends_it_by_force() -> None:
    story = left().given(RECHECK, STOP).when(FORCE)
    story.then(like(ev.RecheckStopRequested, force=True))
    story.when(FORCE).then()
    [_, stop] = wanted(story.world, "production")
    assert stop == StopLook(ref(1), round=1, force=True)


@pytest.mark.parametrize("round", [0, 2])
def test_one_that_is_over_has_no_stop(round: int) -> None:
    command = cmd.StopRecheck(ADA, "production", round=round)
    left().given(RECHECK).when(command).refused(NoRecheck, f"production/recheck-{round}")


def test_its_limit_keeps_who_stopped_it() -> None:
    story = left().given(RECHECK, STOP).after(300)
    story.then_among(like(ev.RecheckStopRequested, force=True))
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.look is not None
    stop = quarantine.look.stop
    assert stop is not None and (stop.by, stop.reason) == (ADA.actor, "enough")


def test_it_ends_at_its_limit() -> None:
    """That of the slowest look: they go on side by side."""
    steps = (step("a", cleanup_timeout=20.0), step("b", cleanup_timeout=40.0))
    story = given(config(pipeline("two", steps=steps)), submit("two"))
    story.given(acquired(1, "a"), acquired(1, "b"), applied(1, "a"), applied(1, "b"))
    story.given(dirty(1, "a"), dirty(1, "b"), RECHECK)
    story.after(39).then()
    story.after(1).then(like(ev.RecheckStopRequested, force=True))
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.look is not None
    stop = quarantine.look.stop
    assert stop is not None
    assert (stop.cause, stop.reason) == (
        StopCause.TIMEOUT,
        "its recheck took longer than cleanup_timeout: 40s",
    )
