"""Limits that the clock enforces: timeouts, grace, cleanup_timeout, clients that stay away."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import ApprovalRule, PipelineDefinition, StopRules
from orchestrator.core.language.model import Cancelling, Finished
from orchestrator.core.language.rejections import NotPermitted, StopForbidden
from orchestrator.core.language.words import (
    JobConclusion,
    Section,
    StepConclusion,
    StopCause,
    StopPolicy,
)
from tests.core.core_setup import (
    ADA,
    ROOT,
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


def limited(**fields: float) -> PipelineDefinition:
    """A pipeline whose one step has these limits."""
    return pipeline("api", steps=(step("apply", **fields),))


def of(one: PipelineDefinition, *commands: cmd.Command | float) -> Story:
    return given(config(one), submit("api"), *commands)


# --- timeout of a step ----------------------------------------------------------------------


def test_a_long_step_is_asked_to_stop() -> None:
    """A step that takes too long is asked to stop."""
    story = of(limited(timeout=60), acquired(1), 59)
    story.after(1).then(like(ev.StepStopRequested, ref=ref(1)))
    phase = story.phase(1)
    assert isinstance(phase, Cancelling)
    assert (phase.stop.cause, phase.stop.by) == (StopCause.TIMEOUT, None)
    assert phase.stop.reason == "timeout of the step: 1m"


def test_its_time_begins_with_its_acquire() -> None:
    story = of(limited(timeout=60), 40, acquired(1))
    story.after(20).then(like(ev.StepStopRequested))


def test_an_acquire_can_time_out_too() -> None:
    story = of(limited(timeout=60)).after(60).then(like(ev.StepStopRequested))
    gave_up = cmd.AttemptFailed(ref(1), StepConclusion.CANCELLED, "")
    story.given(gave_up, cleaned(1))
    ended = story.phase(1)
    assert isinstance(ended, Finished)
    assert ended.ending.conclusion is StepConclusion.TIMED_OUT


def test_a_step_that_timed_out() -> None:
    """A step that timed out fails its job, and what needs it is not run."""
    two = pipeline("api", steps=(step("apply", timeout=60), step("smoke", needs=("apply",))))
    story = of(two, acquired(1), 60, failed(1)).when(cleaned(1))
    story.then(
        like(ev.StepFinished),
        like(ev.StepNotRun, ref=ref(1, "smoke")),
        like(ev.JobEnded, conclusion=JobConclusion.TIMED_OUT),
    )


def test_without_grace_nothing_is_forced() -> None:
    story = of(limited(timeout=60), acquired(1), 60)
    story.after(1_000_000).then_nothing()


@pytest.mark.parametrize("in_acquire", [True, False])
def test_after_its_grace_it_is_ended_by_force(in_acquire: bool) -> None:
    story = of(limited(timeout=60, grace=10), *(() if in_acquire else (acquired(1),)), 60, 9)
    story.after(1).then(ev.StepForced(ref=ref(1), reason="it did not stop within its grace of 10s"))
    story.after(100).then_nothing()


def test_a_cancel_has_no_grace() -> None:
    """A cancel by a person has no grace but the cool-off."""
    story = of(limited(timeout=60, grace=10), acquired(1), cmd.Cancel(caller=ADA, job=1))
    story.after(100_000).then_nothing()


def test_force_without_grace() -> None:
    """An admin may force what timed out without grace."""
    force = cmd.Cancel(caller=ROOT, job=1, force=True)
    story = of(limited(timeout=60), acquired(1), 60).when(force)
    story.then(like(ev.JobStopRequested), like(ev.JobForceRequested))
    story.after(300).then(like(ev.JobForced), like(ev.StepForced))


def test_a_timeout_does_not_reach_into_the_cleanup() -> None:
    story = of(limited(timeout=60), acquired(1), applied(1))
    story.after(60).then_nothing()


# --- timeout of a job -----------------------------------------------------------------------


def test_a_long_job_is_stopped() -> None:
    """A job that takes too long is stopped with all its steps."""
    wide = pipeline("api", steps=(step("a"), step("b"), step("c", needs=("a",))), timeout=100)
    story = of(wide, acquired(1, "a"))
    story.after(100).then(
        like(ev.JobStopRequested, job=1),
        like(ev.StepStopRequested, ref=ref(1, "a")),
        like(ev.StepStopRequested, ref=ref(1, "b")),
        like(ev.StepNotRun, ref=ref(1, "c")),
    )
    stop = story.job(1).stop
    assert stop is not None
    assert stop.reason == "timeout of the pipeline: 1m40s"


def test_its_time_begins_when_it_starts() -> None:
    """Its time begins when it starts, not when it is submitted."""
    one = pipeline("api", timeout=100)
    story = of(one, submit("api"), 90, acquired(1), applied(1), cleaned(1), acquired(2))
    story.after(99).then_nothing()
    story.after(1).then(like(ev.JobStopRequested, job=2), like(ev.StepStopRequested))


def test_it_ends_as_timed_out() -> None:
    story = of(pipeline("api", timeout=100), acquired(1), 100, applied(1, stopped=True))
    story.when(cleaned(1)).then(
        like(ev.StepFinished), like(ev.JobEnded, conclusion=JobConclusion.TIMED_OUT)
    )


def test_grace_counts_from_the_stop() -> None:
    """The grace of its steps counts from the stop."""
    one = pipeline("api", timeout=100, steps=(step("apply", grace=10),))
    story = of(one, acquired(1), 100)
    story.after(10).then(like(ev.StepForced))


# --- cleanup_timeout ------------------------------------------------------------------------


def test_a_long_cleanup_is_forced_and_dirty() -> None:
    """A cleanup that takes too long is forced and dirty."""
    story = of(limited(cleanup_timeout=20), acquired(1), applied(1))
    story.after(20).then(
        ev.StepForced(ref=ref(1), reason="its cleanup took longer than cleanup_timeout: 20s")
    )
    story.when(cleaned(1)).then_among(like(ev.Quarantined), like(ev.JobEnded, dirty=True))


def test_its_time_begins_when_the_tool_has_ended() -> None:
    story = of(limited(cleanup_timeout=20), 100, acquired(1), 100, applied(1))
    story.after(19).then_nothing()


def test_a_limit_of_no_time_passes_at_once() -> None:
    """Also where the deadline is made by what has just happened."""
    given(config(limited(timeout=0, grace=0))).when(submit("api")).then(
        like(ev.JobSubmitted),
        like(ev.JobAdmitted),
        like(ev.StepStarted),
        like(ev.StepStopRequested),
        like(ev.StepForced),
    )


# --- a client that stays away ---------------------------------------------------------------

GONE = cmd.SeeClient(job=1, present=False)
BACK = cmd.SeeClient(job=1, present=True)


def attended(*commands: cmd.Command | float) -> Story:
    return given(submit("api", cancel_on_disconnect=True), *commands)


def test_a_client_stays_away() -> None:
    """A client that stays away for 15 seconds cancels its job."""
    story = attended(acquired(1)).when(GONE).then(ev.ClientLost(job=1))
    story.after(14).then_nothing()
    story.after(1).then(like(ev.JobStopRequested), like(ev.StepStopRequested))
    stop = story.job(1).stop
    assert stop is not None
    assert (stop.cause, stop.by) == (StopCause.DISCONNECT, ADA.actor)
    assert stop.reason == "the submitting client has been gone for 15s"


def test_in_the_queue_that_ends_it() -> None:
    story = given(submit("api"), submit("api", cancel_on_disconnect=True))
    story.given(cmd.SeeClient(job=2, present=False))
    story.after(15).then(like(ev.JobEnded, job=2, conclusion=JobConclusion.CANCELLED))


def test_before_the_queue_that_stops_it() -> None:
    build = step("build", section=Section.BEFORE, touches=False)
    web = pipeline("web", steps=(build, step("apply")), approval=ApprovalRule())
    story = given(config(web), submit("web", cancel_on_disconnect=True), GONE)
    story.after(15).then_among(like(ev.JobStopRequested), like(ev.StepStopRequested))
    waits = given(config(web), submit("web", cancel_on_disconnect=True), *whole(1, "build"), GONE)
    waits.after(15).then_among(like(ev.JobEnded, conclusion=JobConclusion.CANCELLED))


def test_a_client_comes_back_in_time() -> None:
    """A client that comes back in time changes nothing."""
    story = attended(GONE, 14).when(BACK).then(ev.ClientReturned(job=1))
    story.after(100).then_nothing()


@pytest.mark.parametrize("command", [GONE, BACK])
def test_a_job_without_a_client(command: cmd.Command) -> None:
    """A job that depends on no client hears of none."""
    given(submit("api")).when(command).then_nothing()


def test_gone_twice_is_gone_since_the_first_time() -> None:
    story = attended(GONE, 10).when(GONE).then_nothing()
    story.after(5).then_among(like(ev.JobStopRequested))


def test_after_a_restart_the_time_is_anew() -> None:
    """The 15 seconds count from readiness: a stop or crash of the daemon is never a disconnect."""
    story = attended(GONE, 14).restart()
    story.then(like(ev.DaemonStarted), ev.ClientLost(job=1))
    story.after(14).then_nothing()
    story.after(1).then_among(like(ev.JobStopRequested))


def test_after_a_restart_clients_come_back() -> None:
    """After a restart a client that was there has to come back."""
    story = attended().restart()
    story.given(10).when(BACK).then(ev.ClientReturned(job=1))
    story.after(100).then_nothing()


def test_a_stopped_job_waits_for_no_client() -> None:
    """A job that was stopped already waits for no client."""
    story = attended(cmd.Cancel(caller=ADA, job=1))
    story.when(GONE).then_nothing()
    story.restart().then(like(ev.DaemonStarted))


@pytest.mark.parametrize(
    ("stop", "rejection"),
    [
        (StopRules(applying=StopPolicy.NOBODY), StopForbidden),
        (StopRules(applying=StopPolicy.ADMINS), NotPermitted),
    ],
)
def test_who_may_not_stop_may_not_ask(
    stop: StopRules, rejection: type[NotPermitted | StopForbidden]
) -> None:
    """It is refused at submit where the submitter may not stop."""
    story = given(config(pipeline("api", stop=stop)))
    story.when(submit("api", cancel_on_disconnect=True)).refused(rejection, "its client is gone")


def test_an_owner_who_may_stop_may_depend() -> None:
    owner = StopRules(*[StopPolicy.OWNER] * 5)
    story = given(config(pipeline("api", stop=owner)))
    story.when(submit("api", cancel_on_disconnect=True)).then_among(like(ev.JobAdmitted))
