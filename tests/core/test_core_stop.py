"""The stop ladder: a graceful stop, the cool-off, an admin's force."""

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.definition import DEFAULT_CLEANUP_TIMEOUT, StopRules
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    CallRecord,
    Cancelling,
    CleaningUp,
    Finding,
    Finished,
    JobCancelling,
    JobFinished,
    ProcessRecord,
)
from orchestrator.core.language.rejections import (
    NotPermitted,
    StopComesFirst,
    StopForbidden,
    UnknownJob,
)
from orchestrator.core.language.words import JobConclusion, StepConclusion, StopCause, StopPolicy
from orchestrator.core.rules.wanted import AskToStop, EndByForce, RunAttempt, StopAcquire, wanted
from tests.core.core_setup import (
    ADA,
    API,
    BOB,
    EVE,
    ROOT,
    acquired,
    applied,
    chain,
    cleaned,
    config,
    finding,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given, like

CANCEL = cmd.Cancel(caller=ADA, job=1, reason="wrong version")
FORCE = cmd.Cancel(caller=ROOT, job=1, force=True, reason="it hangs")
COOL_OFF = 300


def effects(story: Story) -> list[str]:
    return [type(effect).__name__ for effect in wanted(story.world, "production")]


def in_acquire() -> Story:
    return given(submit("api"))


def in_apply() -> Story:
    return given(submit("api"), acquired(1))


def in_cleanup() -> Story:
    return given(submit("api"), acquired(1), applied(1))


# --- the graceful stop, phase by phase ------------------------------------------------------


def test_a_job_in_the_queue_ends_at_once() -> None:
    story = given(submit("api"), submit("api")).when(
        cmd.Cancel(caller=ADA, job=2, reason="wrong version")
    )
    [ended] = story.happened
    assert isinstance(ended, ev.JobEnded)
    assert ended.conclusion is JobConclusion.CANCELLED
    assert ended.stop is not None
    assert (ended.stop.by, ended.stop.reason) == (ADA.actor, "wrong version")


def test_in_acquire_its_scope_is_cancelled() -> None:
    """In acquire its scope is cancelled, and nothing is asked."""
    story = in_acquire().when(CANCEL)
    story.then(like(ev.JobStopRequested, job=1), like(ev.StepStopRequested, ref=ref(1)))
    assert effects(story) == ["RunAttempt", "StopAcquire"]
    gave_up = cmd.AttemptFailed(ref(1), StepConclusion.CANCELLED, "")
    story.when(gave_up).then(like(ev.StepApplied))
    story.when(cleaned(1)).then(
        like(ev.StepFinished), like(ev.JobEnded, conclusion=JobConclusion.CANCELLED)
    )


def test_an_acquire_ends_after_the_stop() -> None:
    """An acquire that ends after the stop does not go on to apply."""
    story = given(submit("web")).given(CANCEL).when(acquired(1))
    story.then(like(ev.StepApplied))
    assert isinstance(story.phase(1), CleaningUp)
    assert story.environment().debts == ()


def test_in_apply_the_tool_is_asked_once() -> None:
    story = in_apply().when(CANCEL)
    story.then(like(ev.JobStopRequested, job=1), like(ev.StepStopRequested, ref=ref(1)))
    assert isinstance(story.phase(1), Cancelling)
    assert effects(story) == ["RunAttempt", "AskToStop"]
    story.when(CANCEL).then_nothing()
    assert effects(story) == ["RunAttempt", "AskToStop"]


@pytest.mark.parametrize("end", [applied(1, exit=1, succeeded=False), applied(1, stopped=True)])
def test_cancelled_is_said_only_after_it_was_verified(end: cmd.Command) -> None:
    story = in_apply().given(CANCEL).when(end).then(like(ev.StepApplied))
    assert story.job(1).phase.__class__ is JobCancelling
    story.when(cleaned(1)).then(
        like(ev.StepFinished), like(ev.JobEnded, conclusion=JobConclusion.CANCELLED)
    )
    ended = story.phase(1)
    assert isinstance(ended, Finished)
    assert ended.ending.conclusion is StepConclusion.CANCELLED
    assert ended.ending.reason == "stopped by ada: wrong version"


def test_a_tool_that_was_done_before() -> None:
    """A tool that was done before the stop took effect has succeeded."""
    story = in_apply().given(CANCEL, applied(1, stopped=False), cleaned(1))
    phase = story.job(1).phase
    assert isinstance(phase, JobFinished)
    assert phase.conclusion is JobConclusion.SUCCESS


def test_in_cleanup_it_is_let_finish() -> None:
    story = in_cleanup().when(CANCEL)
    story.then(like(ev.JobStopRequested, job=1), like(ev.StepStopRequested, ref=ref(1)))
    assert effects(story) == ["RunAttempt"]
    story.when(cleaned(1)).then_among(like(ev.JobEnded, conclusion=JobConclusion.SUCCESS))


def test_steps_that_have_not_begun_never_do() -> None:
    story = given(config(pipeline("long", steps=chain("a", "b", "c"))), submit("long"))
    story.when(CANCEL).then(
        like(ev.JobStopRequested),
        like(ev.StepStopRequested, ref=ref(1, "a")),
        like(ev.StepNotRun, ref=ref(1, "b")),
        like(ev.StepNotRun, ref=ref(1, "c")),
    )
    ended = story.phase(1, "b")
    assert isinstance(ended, Finished)
    assert ended.ending.conclusion is StepConclusion.NOT_RUN
    assert ended.ending.reason == "the job was cancelled by ada"


def test_every_step_at_work_is_asked() -> None:
    wide = pipeline("wide", steps=(step("a"), step("b"), step("c", needs=("a",))))
    story = given(config(wide), submit("wide"), *whole(1, "a"), acquired(1, "c"))
    story.when(CANCEL).then(
        like(ev.JobStopRequested),
        like(ev.StepStopRequested, ref=ref(1, "b")),
        like(ev.StepStopRequested, ref=ref(1, "c")),
    )


def test_a_job_that_waits_for_a_slot() -> None:
    """A job that waits for a slot between two steps ends at once."""
    long = pipeline("long", steps=chain("a", "b"))
    configuration = config(long, API, environments=("production", "staging"), capacity=1)
    waits = cmd.NoteWaiting(ref=ref(1), text="a poll")
    story = given(configuration, submit("api", "staging"), waits, submit("long"))
    story.given(acquired(2, "a"), applied(2, "a"))
    story.given(cmd.NoteWaiting(ref=ref(1), text=None), cleaned(2, "a"))
    story.when(cmd.Cancel(caller=ADA, job=2)).then(
        like(ev.JobStopRequested), like(ev.StepNotRun, ref=ref(2, "b")), like(ev.JobEnded)
    )


def test_what_a_stopped_job_touched_is_still_owed() -> None:
    story = given(submit("web"), acquired(1), CANCEL, applied(1, stopped=True))
    story.when(cleaned(1)).then_among(
        like(ev.JobEnded, conclusion=JobConclusion.CANCELLED), like(ev.JobSubmitted, cleanup_for=1)
    )


def test_an_unknown_job_is_not_found() -> None:
    given().when(CANCEL).refused(UnknownJob, "there is no job 1")


# --- after the stop nothing new begins ------------------------------------------------------

RUN = cmd.IntendProcess(ref=ref(1), record=ProcessRecord("apply", "tool", "boot-1"))
CALL = cmd.NoteCall(ref=ref(1), record=CallRecord("apply", "post"))
CALL_DONE = cmd.NoteCall(ref=ref(1), record=CallRecord("apply", "post", done=True, value=1))
SIGNAL = cmd.NoteCall(ref=ref(1), record=CallRecord("cancel", "put"))
RELEASE = cmd.IntendProcess(ref=ref(1), record=ProcessRecord("cleanup", "unlock", "boot-1"))


@pytest.mark.parametrize("command", [RUN, CALL])
@pytest.mark.parametrize("story", [in_acquire, in_apply])
def test_after_a_stop_nothing_begins(story: object, command: cmd.Command) -> None:
    """No process and no call begins after a stop."""
    assert callable(story)
    story().given(CANCEL).when(command).refused(StopComesFirst, "step apply")


def test_a_call_before_the_stop() -> None:
    """A call that was made before the stop is recorded."""
    in_apply().given(CALL, CANCEL).when(CALL_DONE).then(like(ev.StepRecorded))


def test_what_asks_for_the_stop_may_begin() -> None:
    in_apply().given(CANCEL).when(SIGNAL).then(like(ev.StepRecorded))


def test_what_cleans_up_may_begin() -> None:
    in_apply().given(CANCEL, applied(1)).when(RELEASE).then(like(ev.StepRecorded))


# --- force ----------------------------------------------------------------------------------


def test_an_early_force_arms_itself() -> None:
    """A force before the cool-off is over arms itself."""
    story = in_apply().given(CANCEL, 10).when(FORCE)
    story.then(ev.JobForceRequested(job=1, by=ROOT.actor, reason="it hangs"))
    assert effects(story) == ["RunAttempt", "AskToStop"]


def test_an_armed_force_fires() -> None:
    """It does so when the cool-off since the stop is over."""
    story = in_apply().given(CANCEL, 10, FORCE, COOL_OFF - 11)
    story.when(cmd.LookAtClock()).then_nothing()
    story.after(1).then(
        ev.JobForced(job=1), ev.StepForced(ref=ref(1), by=ROOT.actor, reason="it hangs")
    )
    assert effects(story) == ["RunAttempt", "AskToStop", "EndByForce"]


def test_a_late_force_fires_at_once() -> None:
    """A force after the cool-off fires at once."""
    story = in_apply().given(CANCEL, COOL_OFF).when(FORCE)
    story.then(like(ev.JobForceRequested), like(ev.JobForced), like(ev.StepForced))


def test_the_cool_off_is_the_pipelines() -> None:
    story = given(config(pipeline("api", force_after=7)), submit("api"), acquired(1), CANCEL, FORCE)
    story.after(7).then(like(ev.JobForced), like(ev.StepForced))


def test_a_force_stops_gracefully_first() -> None:
    """A force without a stop before it stops gracefully first."""
    story = in_apply().when(FORCE)
    story.then(like(ev.JobStopRequested), like(ev.StepStopRequested), like(ev.JobForceRequested))
    story.after(COOL_OFF).then(like(ev.JobForced), like(ev.StepForced))


def test_a_force_twice_changes_nothing() -> None:
    in_apply().given(CANCEL, FORCE).when(FORCE).then_nothing()


def test_a_force_reaches_every_step() -> None:
    """A force reaches every step at work, in whatever phase."""
    wide = pipeline("wide", steps=(step("a"), step("b"), step("c")))
    story = given(config(wide), submit("wide"), acquired(1, "b"), acquired(1, "c"), applied(1, "c"))
    story.given(CANCEL, FORCE).after(COOL_OFF).then_among(
        like(ev.StepForced, ref=ref(1, "a")),
        like(ev.StepForced, ref=ref(1, "b")),
        like(ev.StepForced, ref=ref(1, "c")),
    )


def test_a_force_in_apply() -> None:
    """It is left to cleanup whether all is clean."""
    killed = cmd.AttemptFailed(ref(1), StepConclusion.FAILURE, "ended by force")
    story = in_apply().given(CANCEL, FORCE, COOL_OFF).when(killed).then(like(ev.StepApplied))
    assert effects(story) == ["RunAttempt"], "the cleanup that follows is not forced"
    story.when(cleaned(1)).then(
        like(ev.StepFinished), like(ev.JobEnded, conclusion=JobConclusion.CANCELLED, dirty=False)
    )
    ended = story.phase(1)
    assert isinstance(ended, Finished)
    assert ended.forced


def test_a_force_in_cleanup_is_dirty() -> None:
    """A force in cleanup is dirty, whatever the cleanup says."""
    story = in_cleanup().given(CANCEL, FORCE, COOL_OFF).when(cleaned(1))
    text = "its cleanup was ended by force, so nobody verified what is left"
    found = Finding(ref(1), text, cleanup_timeout=DEFAULT_CLEANUP_TIMEOUT)
    story.then(
        like(ev.StepFinished, finding=found),
        like(ev.Quarantined, findings=(found,)),
        like(ev.JobEnded, dirty=True),
    )


def test_a_cleanup_after_a_force() -> None:
    """A cleanup that follows a force can be forced itself."""
    killed = cmd.AttemptFailed(ref(1), StepConclusion.FAILURE, "ended by force")
    story = in_apply().given(CANCEL, FORCE, COOL_OFF, killed).when(FORCE)
    story.then(like(ev.JobForceRequested), like(ev.JobForced), like(ev.StepForced, ref=ref(1)))
    assert effects(story) == ["RunAttempt", "EndByForce"]
    story.when(FORCE).then_nothing()


def test_an_adapter_that_does_not_end() -> None:
    """An adapter that does not end after force is abandoned."""
    story = in_apply().given(CANCEL, FORCE, COOL_OFF)
    story.when(cmd.AttemptAbandoned(ref=ref(1), finding=finding(1))).then(
        like(ev.StepFinished, finding=finding(1)),
        like(ev.Quarantined, findings=(finding(1),)),
        like(ev.JobEnded, dirty=True, conclusion=JobConclusion.CANCELLED),
    )


def test_an_armed_force_survives_a_restart() -> None:
    story = in_apply().given(CANCEL, FORCE, 100).restart()
    story.after(COOL_OFF - 100).then(like(ev.JobForced), like(ev.StepForced))


def test_a_force_in_the_queue_cancels() -> None:
    """A force on a job in the queue is a cancel."""
    force = cmd.Cancel(caller=ROOT, job=2, force=True)
    given(submit("api"), submit("api")).when(force).then(like(ev.JobEnded, job=2))


@pytest.mark.parametrize("caller", [ADA, BOB, EVE])
def test_force_needs_the_role_admin(caller: cmd.Caller) -> None:
    force = cmd.Cancel(caller=caller, job=1, force=True)
    in_apply().given(CANCEL).when(force).refused(NotPermitted, "forcing job 1", "admin")


# --- stop = "nobody" ------------------------------------------------------------------------


def nobody() -> Story:
    api = pipeline("api", stop=StopRules(applying=StopPolicy.NOBODY))
    return given(config(api), submit("api"), acquired(1))


@pytest.mark.parametrize("caller", [ADA, ROOT])
def test_what_the_refusal_says_to_type(caller: cmd.Caller) -> None:
    """Nobody may cancel, and the refusal says what an admin types."""
    nobody().when(cmd.Cancel(caller=caller, job=1)).refused(
        StopForbidden, 'stop = "nobody"', "orchestrator cancel 1 --force", "root"
    )


def test_an_admins_first_force() -> None:
    """An admin's first force begins the stop and the cool-off."""
    story = nobody().when(FORCE)
    story.then(like(ev.JobStopRequested), like(ev.StepStopRequested), like(ev.JobForceRequested))
    story.after(COOL_OFF - 1).then_nothing()
    story.after(1).then(like(ev.JobForced), like(ev.StepForced))


# --- drain --cancel -------------------------------------------------------------------------


def test_a_drain_that_cancels() -> None:
    """A drain that cancels stops what runs, and leaves what waits."""
    story = given(submit("api"), submit("api"), submit("api", "staging"))
    story.when(cmd.StartDrain(caller=ROOT, reason="upgrade", cancel=True)).then(
        ev.DrainStarted(reason="upgrade"),
        like(ev.JobStopRequested, job=1),
        like(ev.StepStopRequested, ref=ref(1)),
        like(ev.JobStopRequested, job=3),
        like(ev.StepStopRequested, ref=ref(3)),
    )


def test_a_drain_leaves_what_nobody_stops() -> None:
    """A drain that cancels leaves what nobody may stop."""
    api = pipeline("api", stop=StopRules(acquiring=StopPolicy.NOBODY))
    story = given(config(api, pipeline("web")), submit("api"), submit("web", "staging"))
    story.when(cmd.StartDrain(caller=ROOT, cancel=True)).then(
        like(ev.DrainStarted), like(ev.JobStopRequested, job=2), like(ev.StepStopRequested)
    )


def test_a_drain_can_cancel_later() -> None:
    story = given(submit("api"), cmd.StartDrain(caller=ROOT))
    story.when(cmd.StartDrain(caller=ROOT, cancel=True)).then(
        like(ev.JobStopRequested), like(ev.StepStopRequested)
    )


# --- what the state asks for ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("commands", "asked", "phase"),
    [
        ((), [RunAttempt], Acquiring),
        ((CANCEL,), [RunAttempt, StopAcquire], Acquiring),
        ((acquired(1),), [RunAttempt], Applying),
        ((acquired(1), CANCEL), [RunAttempt, AskToStop], Cancelling),
        ((acquired(1), CANCEL, FORCE, 300), [RunAttempt, AskToStop, EndByForce], Cancelling),
        ((acquired(1), applied(1)), [RunAttempt], CleaningUp),
        ((acquired(1), applied(1), CANCEL), [RunAttempt], CleaningUp),
        ((acquired(1), applied(1), FORCE, 300), [RunAttempt, EndByForce], CleaningUp),
        ((acquired(1), applied(1), cleaned(1)), [], Finished),
    ],
)
def test_effects_are_a_function_of_the_state(
    commands: tuple[cmd.Command | float, ...], asked: list[type], phase: type
) -> None:
    story = given(submit("api"), *commands)
    assert isinstance(story.phase(1), phase)
    assert [type(effect) for effect in wanted(story.world, "production")] == asked
    again = list(wanted(story.restart().world, "production"))
    assert [type(effect) for effect in again] == asked


def test_the_cause_of_a_stop_is_kept() -> None:
    stop = in_apply().given(CANCEL).job(1).stop
    assert stop is not None
    assert (stop.cause, stop.by) == (StopCause.CANCEL, ADA.actor)
