"""When an environment is closed, what may act in it, and what opens it again."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import JobDefinition
from orchestrator.core.language.model import StepRef
from orchestrator.core.language.rejections import (
    CleanupAtWork,
    MissingReason,
    NotDueYet,
    NothingOwed,
    NotPermitted,
    RecheckAtWork,
    UnknownEnvironment,
)
from orchestrator.core.language.words import JobConclusion, StepConclusion
from tests.core.core_setup import (
    ADA,
    API,
    E2E,
    EVE,
    ROOT,
    WEB,
    WEB_CLEANUP,
    accept,
    acquired,
    applied,
    audited,
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

WAIVE = cmd.Waive(caller=ROOT, environment="production", reason="gone by hand")
RECHECK = cmd.Recheck(caller=ADA, environment="production")


def rechecked(at_step: StepRef, clean: bool = True) -> cmd.RecheckDone:
    found = None if clean else finding(at_step.job, at_step.step)
    return cmd.RecheckDone(environment="production", ref=at_step, finding=found)


def retry(story: Story, job: int, caller: cmd.Caller = ROOT) -> cmd.Retry:
    one = story.job(job)
    return cmd.Retry(
        caller=caller,
        job=job,
        pipeline=one.pipeline,
        environment=one.environment,
        params=one.params,
        definition=story.world.definition(one),
    )


def at_cleanup(*more: cmd.Command) -> Story:
    """Job 1 has ended, and job 2 cleans up after it."""
    return given(submit("web"), acquired(1), applied(1), cleaned(1), *more)


def failed_cleanup() -> Story:
    return at_cleanup(acquired(2), failed(2), cleaned(2))


def dirty_without_debt() -> Story:
    return given(submit("api"), acquired(1), applied(1), dirty(1))


# --- how it comes ---------------------------------------------------------------------------


def test_a_cleanup_that_fails_closes_the_environment() -> None:
    story = at_cleanup(acquired(2), failed(2)).when(cleaned(2))
    story.then(
        like(ev.StepFinished),
        like(ev.JobEnded, job=2, conclusion=JobConclusion.FAILURE),
        like(
            ev.Quarantined,
            job=2,
            automatic=False,
            reason="the owed cleanup web-cleanup (job 2) ended as failure",
        ),
    )
    assert [debt.job for debt in story.environment().debts] == [1]


@pytest.mark.parametrize(
    ("end", "conclusion"),
    [
        ((cmd.Cancel(caller=ADA, job=2), applied(2, stopped=True), cleaned(2)), "cancelled"),
        ((cmd.AttemptFailed(ref(2), StepConclusion.LOST, "nobody knows"), cleaned(2)), "lost"),
        ((applied(2), dirty(2)), "failure"),
        ((cmd.AttemptAbandoned(ref(2), finding(2)),), "failure"),
    ],
)
def test_so_does_any_other_end(end: tuple[cmd.Command, ...], conclusion: str) -> None:
    """So does one that was cancelled, or lost, or dirty."""
    story = at_cleanup(acquired(2), *end)
    quarantine = story.environment().quarantine
    assert quarantine is not None
    assert not quarantine.automatic
    assert quarantine.reason.endswith(f"(job 2) ended as {conclusion}")
    assert (story.running(), story.waiting()) == ([], []), "no further automatic rerun"


def test_so_does_a_cancel_while_queued() -> None:
    """So does one that was cancelled in the queue."""
    story = given(audited(), submit("web"), submit("audit"), acquired(1), applied(1), cleaned(1))
    story.when(cmd.Cancel(caller=ADA, job=3)).then(
        like(ev.JobEnded, job=3, conclusion=JobConclusion.CANCELLED), like(ev.Quarantined, job=3)
    )


def test_a_step_that_leaves_something_closes_the_environment() -> None:
    story = given(submit("api"), acquired(1), applied(1)).when(dirty(1))
    story.then(
        like(ev.StepFinished, finding=finding(1)),
        like(
            ev.Quarantined,
            job=1,
            findings=(finding(1),),
            automatic=False,
            reason="step apply of job 1 left it dirty: a lock is left",
        ),
        like(ev.JobEnded, job=1, dirty=True, conclusion=JobConclusion.FAILURE),
    )


def test_after_a_dirty_step_cleanup_starts() -> None:
    """After a dirty step the owed cleanup still starts by itself."""
    story = given(submit("web"), acquired(1), applied(1)).when(dirty(1))
    story.then_among(
        like(ev.Quarantined, automatic=True),
        like(ev.JobEnded, job=1, dirty=True),
        like(ev.JobAdmitted, job=2),
    )


def cleaned_up() -> Story:
    """Step apply of job 1 was dirty, and its owed cleanup has succeeded."""
    return given(submit("web"), acquired(1), applied(1), dirty(1), *whole(2))


def test_its_success_has_the_finding_looked_at() -> None:
    """It has cleaned up what it knows of; whether the finding is gone, only a look can tell."""
    *before, last = whole(2)
    story = given(submit("web"), acquired(1), applied(1), dirty(1), *before).when(last)
    story.then_among(
        like(ev.DebtPaid, job=1), like(ev.RecheckRequested, reason="job 2 has succeeded")
    )
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.rechecking == (ref(1),)


def test_a_clean_look_opens_the_environment() -> None:
    look = cmd.RecheckDone(environment="production", ref=ref(1))
    story = cleaned_up().given(submit("api")).when(look)
    story.then_among(like(ev.QuarantineLifted, by_job=None), like(ev.JobAdmitted, job=3))


def test_a_dirty_look_keeps_it_closed() -> None:
    """And nobody looks a second time by himself."""
    look = cmd.RecheckDone(environment="production", ref=ref(1), finding=finding(1))
    story = cleaned_up().given(submit("api"), look)
    assert (story.running(), story.waiting()) == ([], [3])
    quarantine = story.environment().quarantine
    assert quarantine is not None and quarantine.rechecking == ()


def test_nothing_starts_beside_what_may_be_alive() -> None:
    """Whatever is found after it."""
    web = pipeline("web", steps=(step("a"), step("b")), cleanup="clean")
    story = given(config(web, pipeline("clean", "cleanup")), submit("web"))
    story.given(acquired(1, "a"), acquired(1, "b"), applied(1, "a"), applied(1, "b"))
    story.given(cmd.AttemptAbandoned(ref(1, "a"), finding(1, "a")), dirty(1, "b"))
    assert story.running() == []


def test_a_failed_cleanup_never_starts_by_itself() -> None:
    """Not after an admin's retry of another pipeline has left something either."""
    kinds = {"deploy": ("deploy",), "test": ("test",), "cleanup": ("cleanup",), "wipe": ("wipe",)}
    other = pipeline("other", "test", cleanup="wipe")
    web, clean = pipeline("web", cleanup="clean"), pipeline("clean", "cleanup")
    both = config(web, clean, other, pipeline("wipe", "wipe"), kinds=kinds)
    story = given(both, submit("web"), *whole(1), acquired(2), failed(2), cleaned(2))
    again = JobDefinition(other, both.environments["production"], both.pipelines["wipe"])
    story.given(cmd.Retry(ROOT, 9, "other", "production", params={}, definition=again))
    story.given(acquired(3), applied(3), dirty(3))
    assert (story.running(), story.waiting()) == ([], [])


def test_it_starts_by_itself_once() -> None:
    story = given(submit("web"), acquired(1), applied(1), dirty(1), acquired(2), failed(2))
    story.when(cleaned(2)).then_among(like(ev.Quarantined, job=2, automatic=False))
    assert (story.running(), story.waiting()) == ([], [])


def test_a_debt_after_the_finding() -> None:
    """Two steps in parallel: one is dirty before the other has touched anything."""
    web = pipeline("web", steps=(step("a", touches=False), step("b")), cleanup="clean")
    story = given(config(web, pipeline("clean", "cleanup")), submit("web"))
    story.given(acquired(1, "a"), applied(1, "a"), dirty(1, "a"), *whole(1, "b"))
    assert story.running() == [2]


def test_a_second_finding_keeps_the_first() -> None:
    """A second finding keeps the first, and since when."""
    two = pipeline("two", steps=(step("a"), step("b")))
    story = given(config(two), submit("two"), acquired(1, "a"), acquired(1, "b"))
    story.given(applied(1, "a"), applied(1, "b"), dirty(1, "a"))
    since = story.now
    story.given(5, dirty(1, "b"))
    quarantine = story.environment().quarantine
    assert quarantine is not None
    assert quarantine.findings == (finding(1, "a"), finding(1, "b"))
    assert quarantine.since == since


# --- what may act there ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["web", "api", "e2e"])
def test_nothing_else_starts(name: str) -> None:
    assert failed_cleanup().given(submit(name)).waiting() == [3]


def test_that_cleanup_by_hand_may_and_opens_it() -> None:
    story = failed_cleanup().given(submit("web-cleanup"))
    assert story.running() == [3]
    *before, last = whole(3)
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=1, paid_by=3), like(ev.QuarantineLifted, by_job=3)
    )


def test_that_cleanup_with_other_parameters_may_not() -> None:
    story = failed_cleanup().given(submit("web-cleanup", params={"version": "v9"}))
    assert story.waiting() == [3]


def test_an_admins_retry_may_and_opens_it() -> None:
    story = failed_cleanup()
    story.when(retry(story, 2)).then_among(
        like(ev.JobSubmitted, job=3, retry_of=2, admin_retry=True), like(ev.JobAdmitted, job=3)
    )
    *before, last = whole(3)
    story.given(*before).when(last).then_among(like(ev.QuarantineLifted, by_job=3))


def test_a_retry_in_quarantine_needs_an_admin() -> None:
    story = failed_cleanup()
    story.when(retry(story, 2, ADA)).refused(NotPermitted, "admin", "under quarantine")


def test_an_admins_retry_still_waits() -> None:
    """An admin's retry of a deploy still waits for what is owed."""
    story = failed_cleanup()
    assert story.given(retry(story, 1)).waiting() == [3]


def test_an_admins_retry_without_debt_repairs() -> None:
    story = dirty_without_debt()
    story.given(submit("api"), retry(story, 1))
    assert (story.running(), story.waiting()) == ([3], [2])
    story.given(*whole(3))
    assert story.environment().quarantine is not None, "a look must find it gone"
    story.given(cmd.RecheckDone(environment="production", ref=ref(1)))
    assert story.running() == [2]


def test_an_admins_retry_that_fails_opens_nothing() -> None:
    story = dirty_without_debt()
    story.given(retry(story, 1), acquired(2), failed(2), cleaned(2))
    assert story.environment().quarantine is not None


def test_a_paid_cleanup_is_dropped() -> None:
    """It waits in a quarantine, where only a run by hand may start, and does."""
    lab = pipeline("lab", "lab", params=WEB.params, cleanup=WEB.cleanup)
    kinds = {"lab": (), "cleanup": ("cleanup", "lab")}
    story = given(config(lab, WEB_CLEANUP, kinds=kinds), submit("lab"))
    story.given(submit("lab", params={"version": "v2"}), acquired(1), acquired(2))
    story.given(applied(1), cleaned(1), applied(2), cleaned(2), acquired(3), failed(3), cleaned(3))
    assert (story.running(), story.waiting()) == ([], [4])
    story.given(submit("web-cleanup", params={"version": "v2"}))
    assert (story.running(), story.waiting()) == ([5], [4])
    *before, last = whole(5)
    story.given(*before).when(last).then_among(
        like(ev.DebtPaid, job=2, paid_by=5),
        like(
            ev.JobEnded, job=4, conclusion=JobConclusion.CANCELLED, reason="what job 2 owed is paid"
        ),
    )


# --- waive ----------------------------------------------------------------------------------


def test_a_waiver_lets_debt_and_quarantine_go() -> None:
    failed_cleanup().given(submit("api")).when(WAIVE).then(
        ev.DebtWaived(environment="production", job=1, reason="gone by hand"),
        ev.QuarantineLifted(environment="production", reason="waived: gone by hand"),
        like(ev.JobAdmitted, job=3),
        like(ev.StepStarted),
    )


def test_a_waiver_drops_the_owed_cleanup_that_waits() -> None:
    story = given(audited(), submit("web"), submit("audit"), acquired(1), applied(1), cleaned(1))
    story.when(WAIVE).then(
        like(ev.DebtWaived, job=1), like(ev.JobEnded, job=3, reason="its debt was waived")
    )


def test_a_waiver_waits_for_a_cleanup_at_work() -> None:
    at_cleanup().when(WAIVE).refused(CleanupAtWork, "job 2", "orchestrator cancel 2")


def test_a_waiver_waits_for_a_look_at_work() -> None:
    story = dirty_without_debt().given(RECHECK)
    story.when(WAIVE).refused(RecheckAtWork, "orchestrator cancel production/recheck-1")


def test_a_running_jobs_debt_is_not_waived() -> None:
    given(submit("web"), acquired(1)).when(WAIVE).refused(NotDueYet, "orchestrator cancel 1")


def test_a_waiver_needs_something_to_waive() -> None:
    given().when(WAIVE).refused(NothingOwed, "production")


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_waiver_needs_a_reason(reason: str) -> None:
    command = cmd.Waive(caller=ROOT, environment="production", reason=reason)
    failed_cleanup().when(command).refused(MissingReason, "--reason")


@pytest.mark.parametrize("caller", [ADA, EVE])
def test_a_waiver_needs_the_role_admin(caller: cmd.Caller) -> None:
    command = cmd.Waive(caller=caller, environment="production", reason="please")
    failed_cleanup().when(command).refused(NotPermitted, "admin", caller.user)


def test_a_waiver_names_near_environments() -> None:
    """A waiver of an unknown environment names near ones."""
    command = cmd.Waive(caller=ROOT, environment="prodction", reason="please")
    given().when(command).refused(UnknownEnvironment, "did you mean production?")


# --- a removed environment ------------------------------------------------------------------


def test_a_quarantine_keeps_its_environment() -> None:
    """A quarantine keeps a removed environment until it is lifted."""
    left = config(API, E2E, environments=("staging",))
    story = failed_cleanup().given(accept(left)).restart()
    assert story.environment().retired
    story.given(WAIVE)
    assert "production" not in story.world.environments
