"""Runs that the journal does not know keep everything out until somebody says what they are."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.model import Finding, UnknownRun
from orchestrator.core.language.rejections import (
    MissingReason,
    NotPermitted,
    NoUnknownRun,
    StaleObservation,
)
from orchestrator.core.language.words import BlockerType, JobConclusion, Section
from orchestrator.core.rules.admission import blockers
from orchestrator.core.rules.wanted import SetUnknownAside, wanted
from tests.core.core_setup import (
    ADA,
    API,
    ROOT,
    acquired,
    applied,
    audited,
    cleaned,
    config,
    dirty,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

RUN = UnknownRun(job=7, token="0a1b", pipeline="web", environment="production")
UNMARKED = UnknownRun(job=8)


def opened(*unknown: UnknownRun, set_aside: tuple[int, ...] = ()) -> cmd.OpenDaemon:
    """A daemon that has found these."""
    return cmd.OpenDaemon(
        version="1", pid=1, seed="5eed", numbers_from=9, unknown=unknown, set_aside=set_aside
    )


def judged(wait: bool = False, job: int = 7, **fields: str) -> cmd.JudgeUnknown:
    """What root says of it."""
    return cmd.JudgeUnknown(caller=ROOT, job=job, wait=wait, **({"reason": "looked"} | fields))


def with_unknown() -> Story:
    """One run in production, of which nobody has said anything."""
    return given(opened(RUN))


def test_nothing_starts_where_one_may_live() -> None:
    story = with_unknown().given(submit("api"), submit("api", "staging"))
    assert (story.running(), story.running("staging")) == ([], [10])
    [blocker] = blockers(story.world, story.job(9))
    assert (blocker.type, blocker.id) == (BlockerType.UNKNOWN, "7")
    assert blocker.text == "job 7, which the journal does not know, may be at work here"
    assert blocker.lift is not None
    assert "orchestrator unknown 7 --wait --reason …" in blocker.lift


def test_owed_cleanup_waits_too() -> None:
    """It would work beside a tool that may be alive."""
    story = given(submit("web"), acquired(1), opened(RUN), applied(1), cleaned(1))
    assert story.running() == []
    assert story.waiting() == [9]
    assert story.environment().debts


def test_unmarked_run_may_be_anywhere() -> None:
    story = given(opened(UNMARKED)).given(submit("api"), submit("api", "staging"))
    assert story.running() == story.running("staging") == []
    story.given(judged(job=8)).when(cmd.NoteSetAside(job=8))
    story.then_among(
        ev.UnknownRunSetAside(environment="production", job=8),
        ev.UnknownRunSetAside(environment="staging", job=8),
    )
    assert (story.running(), story.running("staging")) == ([9], [10])


def test_dead_run_is_set_aside_then_admitted() -> None:
    story = with_unknown().given(submit("api"))
    assert not list(wanted(story.world, "production"))
    story.when(judged()).then(like(ev.UnknownRunJudged, job=7))
    assert list(wanted(story.world, "production")) == [SetUnknownAside(job=7, wait=False)]
    story.when(cmd.NoteSetAside(job=7)).then_among(
        ev.UnknownRunSetAside(environment="production", job=7), like(ev.JobAdmitted, job=9)
    )
    story.when(cmd.NoteSetAside(job=7)).refused(StaleObservation)


def test_who_waits_may_say_dead_later() -> None:
    """Not the reverse; and what was said once is not said again."""
    story = with_unknown().given(submit("api"), judged(wait=True))
    assert list(wanted(story.world, "production")) == [SetUnknownAside(job=7, wait=True)]
    [blocker] = blockers(story.world, story.job(9))
    assert "the daemon waits until nothing of it lives" in blocker.text
    story.when(judged(wait=True)).then_nothing()
    story.when(judged()).then(like(ev.UnknownRunJudged, job=7))
    story.when(judged(wait=True)).then_nothing()
    assert list(wanted(story.world, "production")) == [SetUnknownAside(job=7, wait=False)]


def test_roles_are_asked_first() -> None:
    """Of an environment that there is not, or without a reason, a stranger hears nothing."""
    story = with_unknown()
    request = cmd.JudgeUnknown(caller=ADA, job=99, wait=False, reason="")
    story.when(request).refused(NotPermitted, "admin")
    story.when(judged(job=99)).refused(NoUnknownRun, "these are: 7")
    story.when(judged(reason=" ")).refused(MissingReason, "unknown needs a reason")
    given().when(judged()).refused(NoUnknownRun, "there is none")


@pytest.mark.parametrize("rebooted", [False, True])
def test_a_restart_forgets_no_unknown_run(rebooted: bool) -> None:
    """The next daemon has found what became of it, or finds it again."""
    story = with_unknown().given(submit("api")).restart(rebooted=rebooted)
    assert story.running() == []
    story.when(opened(RUN)).then(like(ev.DaemonStarted))
    story.when(opened(set_aside=(7,))).then_among(
        ev.UnknownRunSetAside(environment="production", job=7), like(ev.JobAdmitted, job=9)
    )


def test_nothing_is_looked_at_beside_it() -> None:
    """A recheck runs the adapter's cleanup, and waits for what may live as a job does."""
    story = given(submit("api"), acquired(1), applied(1), dirty(1), opened(RUN))
    request = cmd.Recheck(caller=ROOT, environment="production")
    story.when(request).then(like(ev.RecheckRequested))
    story.given(judged()).when(cmd.NoteSetAside(job=7))
    story.then(like(ev.UnknownRunSetAside), like(ev.RecheckStarted))


def test_an_environment_that_was_taken_out() -> None:
    """It is retired, and goes when the run is set aside."""
    gone = UnknownRun(job=7, token="0a1b", pipeline="web", environment="gone")
    story = given(opened(gone))
    assert story.environment("gone").retired
    story.when(config_again()).then_nothing()
    story.given(judged()).when(cmd.NoteSetAside(job=7))
    assert "gone" not in story.world.environments


def config_again() -> cmd.AcceptConfiguration:
    """The same configuration as before."""
    return cmd.AcceptConfiguration(configuration=config(), digest="c0ffee", caller=None)


# --- a job that waits by the journal, and ran by its records --------------------------------


def test_a_waiting_job_that_ran_is_lost() -> None:
    """It is not run again; what it left is a finding, and looked at again as any other."""
    story = given(submit("api"), submit("web"))
    opened = cmd.OpenDaemon(version="1", pid=1, seed="5eed", ran=(ref(2),))
    story.when(opened).then(
        like(ev.DaemonStarted),
        like(ev.JobEnded, job=2, conclusion=JobConclusion.LOST, dirty=True),
        like(ev.Quarantined, job=2, automatic=False),
    )
    quarantine = story.environment().quarantine
    assert quarantine is not None
    [finding] = quarantine.findings
    assert finding == Finding(
        ref=ref(2),
        found="step apply of job 2 ran, and the journal lost how it ended, and whether web-cleanup "
        "has followed",
        commands=("orchestrator log 2 apply",),
    )
    story.given(*whole(1), cmd.Recheck(caller=ROOT, environment="production"))
    story.when(cmd.RecheckDone(environment="production", ref=ref(2))).then_among(
        like(ev.QuarantineLifted)
    )


def test_a_prepared_job_that_ran_is_lost() -> None:
    """Its steps that had not begun by the journal are told why they never will."""
    before = step("plan", section=Section.BEFORE, touches=False)
    web = pipeline("web", steps=(before, step("apply", needs=("plan",))))
    story = given(config(web, API), submit("api"), submit("web"), *whole(2, "plan"))
    assert story.waiting() == [2]
    story.when(cmd.OpenDaemon(version="1", pid=1, seed="5eed", ran=(ref(2),))).then(
        like(ev.DaemonStarted),
        like(ev.StepNotRun, ref=ref(2)),
        like(ev.JobEnded, job=2, conclusion=JobConclusion.LOST),
        like(ev.Quarantined, job=2),
    )


def test_an_owed_cleanup_that_ran_is_lost() -> None:
    """Nobody knows whether it has cleaned up: its debt stands, and no other follows by itself."""
    story = given(audited(), submit("audit"), submit("web"), *whole(2))
    assert story.waiting() == [3]
    story.when(cmd.OpenDaemon(version="1", pid=1, seed="5eed", ran=(ref(3),))).then(
        like(ev.DaemonStarted),
        like(ev.JobEnded, job=3, conclusion=JobConclusion.LOST),
        like(ev.Quarantined, debts=(2,)),
        like(ev.Quarantined, findings=(like_finding(3),)),
    )
    assert story.environment().debts
    assert story.waiting() == []


def like_finding(job: int) -> Finding:
    """What is found of a job that owes nothing."""
    return Finding(
        ref=ref(job),
        found=f"step apply of job {job} ran, and the journal lost how it ended",
        commands=(f"orchestrator log {job} apply",),
    )


def test_a_job_at_work_goes_on() -> None:
    """It adopts what it finds of its own."""
    story = given(submit("web"))
    story.when(cmd.OpenDaemon(version="1", pid=1, seed="5eed", ran=(ref(1), ref(9)))).then(
        like(ev.DaemonStarted)
    )
