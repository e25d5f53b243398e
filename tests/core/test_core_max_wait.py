"""`max_wait`: how long a job may be queued."""

from orchestrator.core.language import events as ev
from orchestrator.core.language.model import JobFinished, JobQueued
from orchestrator.core.language.words import JobConclusion, LongWaitPolicy
from tests.core.core_setup import config, pipeline, submit, whole
from tests.core.core_story import given, like

WAITS = pipeline("web", max_wait=60.0)
WARNS = pipeline("web", max_wait=60.0, on_max_wait=LongWaitPolicy.WARN)


def test_a_job_that_waited_too_long_expires_unrun() -> None:
    story = given(config(WAITS), submit("web"), submit("web"), 59)
    assert isinstance(story.job(2).phase, JobQueued)
    story.after(1).then(like(ev.JobEnded, job=2, conclusion=JobConclusion.EXPIRED))
    end = story.job(2).phase
    assert isinstance(end, JobFinished)
    assert end.reason == "it waited longer than max_wait: 1m"


def test_or_it_warns_once_and_goes_on_waiting() -> None:
    story = given(config(WARNS), submit("web"), submit("web")).after(60)
    story.then(ev.JobWaitedLong(job=2)).after(60).then_nothing()
    assert story.job(2).waited_long and isinstance(story.job(2).phase, JobQueued)


def test_the_time_counts_over_restarts() -> None:
    """The time counts over restarts and a stepped clock."""
    story = given(config(WAITS), submit("web"), submit("web"), 30)
    story.step_wall_clock(7200).restart().after(29).then_nothing()
    story.after(1).then(like(ev.JobEnded, job=2))


def test_an_owed_cleanup_has_no_limit() -> None:
    """An owed cleanup waits as long as it must."""
    owes = pipeline("web", cleanup="clean")
    clean = pipeline("clean", "cleanup", max_wait=60.0)
    kinds = {"deploy": ("deploy", "cleanup"), "cleanup": ("deploy", "cleanup", "test")}
    story = given(config(owes, clean, pipeline("e2e", "test"), kinds=kinds | {"test": ()}))
    story.given(submit("web"), submit("e2e"), *whole(1))
    assert story.waiting() == [3] and story.job(3).cleanup_for == 1
    story.after(3600).then_nothing()
    story.given(*whole(2))
    assert story.running() == [3]
