"""Each phase of a step and each observation: what is legal leads on, all else is stale."""

from collections.abc import Callable

import pytest

from orchestrator.core.language import commands as cmd
from orchestrator.core.language import events as ev
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    CallRecord,
    CleaningUp,
    Finished,
    Pending,
    ProcessRecord,
    StepPhase,
)
from orchestrator.core.language.rejections import StaleObservation
from orchestrator.core.language.words import JobConclusion, Outcome, StepConclusion
from tests.core.core_setup import (
    ADA,
    acquired,
    applied,
    at,
    cleaned,
    config,
    dirty,
    finding,
    pipeline,
    ref,
    step,
    submit,
)
from tests.core.core_story import Story, given, like

CANCEL = cmd.Cancel(caller=ADA, job=1)
FAILURE, CANCELLED, LOST = (
    StepConclusion.FAILURE,
    StepConclusion.CANCELLED,
    StepConclusion.LOST,
)
A = ref(1, "a")


def in_phase(*commands: cmd.Command | float) -> Story:
    """A job of three steps: `a` is where the commands lead it, `b` needs it, `c` is at work."""
    steps = (step("a"), step("b", needs=("a",)), step("c"))
    return given(config(pipeline("web", steps=steps)), submit("web"), *commands)


STORIES: dict[str, Callable[[], Story]] = {
    "pending": lambda: in_phase_pending(),
    "acquiring": lambda: in_phase(),
    "acquiring, stopped": lambda: in_phase(CANCEL),
    "applying": lambda: in_phase(acquired(1, "a")),
    "cancelling": lambda: in_phase(acquired(1, "a"), CANCEL),
    "cleaning_up": lambda: in_phase(acquired(1, "a"), applied(1, "a")),
    "finished": lambda: in_phase(acquired(1, "a"), applied(1, "a"), cleaned(1, "a")),
}


def in_phase_pending() -> Story:
    """Here `a` waits for `c`."""
    steps = (step("a", needs=("c",)), step("c"))
    return given(config(pipeline("web", steps=steps)), submit("web"))


OBSERVATIONS: dict[str, cmd.Command] = {
    "acquire done": acquired(1, "a"),
    "attempt failed": cmd.AttemptFailed(A, FAILURE, "no"),
    "apply done": applied(1, "a"),
    "cleanup done": cleaned(1, "a"),
    "cleanup dirty": dirty(1, "a"),
    "abandoned": cmd.AttemptAbandoned(A, finding(1, "a")),
    "waits": cmd.NoteWaiting(A, "a lock"),
    "warns": cmd.NoteWarning(A, "careful"),
    "process": cmd.IntendProcess(A, ProcessRecord("cleanup", "tool", "boot-1")),
    "call": cmd.NoteCall(A, CallRecord("cleanup", "post")),
}
ALWAYS = {"abandoned", "waits", "warns", "process", "call"}
"""Legal in every phase in which an adapter is at work."""

LEGAL: dict[str, dict[str, type]] = {
    "pending": {},
    "acquiring": {"acquire done": Applying, "attempt failed": CleaningUp},
    "acquiring, stopped": {"acquire done": CleaningUp, "attempt failed": CleaningUp},
    "applying": {"apply done": CleaningUp, "attempt failed": CleaningUp},
    "cancelling": {"apply done": CleaningUp, "attempt failed": CleaningUp},
    "cleaning_up": {"cleanup done": Finished, "cleanup dirty": Finished},
    "finished": {},
}


def legal(phase: str, observation: str) -> bool:
    at_work = phase not in ("pending", "finished")
    return observation in LEGAL[phase] or (at_work and observation in ALWAYS)


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize("phase", STORIES)
def test_each_phase_with_each_observation(phase: str, observation: str) -> None:
    story = STORIES[phase]().when(OBSERVATIONS[observation])
    if not legal(phase, observation):
        story.refused(StaleObservation, "step a")
    elif observation in LEGAL[phase]:
        assert story.rejection is None
        assert isinstance(story.phase(1, "a"), LEGAL[phase][observation])
    else:
        assert story.rejection is None
        assert story.happened


@pytest.mark.parametrize("observation", OBSERVATIONS)
@pytest.mark.parametrize(
    "over", ["another job", "another step", "another attempt", "a job that waits"]
)
def test_what_is_stale(over: str, observation: str) -> None:
    """What is over, or was never there, is stale."""
    elsewhere = {
        "another job": ref(7, "a"),
        "another step": ref(1, "x"),
        "another attempt": ref(1, "a", 2),
        "a job that waits": ref(2, "a"),
    }[over]
    command = OBSERVATIONS[observation]
    moved = type(command)(
        **{**{f: getattr(command, f) for f in command.__struct_fields__}, "ref": elsewhere}
    )
    in_phase().given(submit("web")).when(moved).refused(StaleObservation)


# --- what each leads to ---------------------------------------------------------------------


def test_a_whole_life() -> None:
    story = given(submit("web")).then(
        like(ev.JobSubmitted), like(ev.JobAdmitted), ev.StepStarted(ref=ref(1), acquires=True)
    )
    story.when(acquired(1)).then(like(ev.DebtIncurred), ev.StepApplying(ref=ref(1)))
    story.when(applied(1, summary="+1", outputs={"url": "x"}, sensitive=("url",))).then(
        like(ev.StepApplied, summary="+1", outputs={"url": "x"}, sensitive=("url",))
    )
    story.when(cleaned(1)).then_among(
        like(ev.StepFinished, finding=None), like(ev.JobEnded, conclusion=JobConclusion.SUCCESS)
    )
    [step] = story.job(1).steps
    assert (step.summary, step.outputs, step.sensitive) == ("+1", {"url": "x"}, ("url",))


def test_a_step_without_an_acquire() -> None:
    """A step whose adapter has no acquire begins in apply."""
    story = given(config(pipeline("web", steps=(step("apply", has_acquire=False),))))
    story.when(submit("web")).then_among(ev.StepStarted(ref=ref(1), acquires=False))
    assert isinstance(story.phase(1), Applying)


def test_a_step_without_a_cleanup() -> None:
    """A step whose adapter has no cleanup ends with its apply."""
    story = given(config(pipeline("web", steps=(step("apply", has_cleanup=False),))))
    story.given(submit("web"), acquired(1)).when(applied(1)).then(
        like(ev.StepApplied), like(ev.StepFinished), like(ev.JobEnded)
    )


def ended(story: Story, name: str = "a") -> Finished:
    phase = story.phase(1, name)
    assert isinstance(phase, Finished)
    return phase


@pytest.mark.parametrize(
    ("commands", "conclusion"),
    [
        ((cmd.AttemptFailed(A, FAILURE, "no tool"),), FAILURE),
        ((cmd.AttemptFailed(A, LOST, "nobody knows"),), LOST),
        ((CANCEL, cmd.AttemptFailed(A, CANCELLED, "")), CANCELLED),
        ((CANCEL, cmd.AttemptFailed(A, FAILURE, "in the middle")), CANCELLED),
        ((CANCEL, cmd.AttemptFailed(A, LOST, "nobody knows")), LOST),
        ((acquired(1, "a"), cmd.AttemptFailed(A, FAILURE, "a bug")), FAILURE),
        ((acquired(1, "a"), cmd.AttemptFailed(A, LOST, "nobody knows")), LOST),
        ((acquired(1, "a"), CANCEL, cmd.AttemptFailed(A, FAILURE, "ended by force")), CANCELLED),
        ((acquired(1, "a"), CANCEL, cmd.AttemptFailed(A, LOST, "nobody knows")), LOST),
    ],
)
def test_how_an_attempt_that_failed_is_read(
    commands: tuple[cmd.Command, ...], conclusion: StepConclusion
) -> None:
    story = in_phase(*commands, cleaned(1, "a"))
    assert ended(story).ending.conclusion is conclusion
    assert ended(story).ending.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("stopped", "exit", "conclusion"),
    [
        (None, 1, CANCELLED),  # exit 1 after a cancel looks like a failure: we know that we asked
        (None, 0, CANCELLED),
        (True, 0, CANCELLED),
        (False, 0, StepConclusion.SUCCESS),
        (False, 1, FAILURE),
    ],
)
def test_a_stop_counts_more_than_exit(
    stopped: bool | None, exit: int, conclusion: StepConclusion
) -> None:
    """A stop that took effect counts for more than the exit code."""
    done = applied(1, "a", stopped=stopped, exit=exit, succeeded=exit == 0)
    story = in_phase(acquired(1, "a"), CANCEL, done, cleaned(1, "a"))
    assert ended(story).ending.conclusion is conclusion
    assert ended(story).ending.exit == exit


@pytest.mark.parametrize(
    ("before", "conclusion"),
    [
        ((), FAILURE),
        ((CANCEL,), CANCELLED),
        ((acquired(1, "a"),), FAILURE),
        ((acquired(1, "a"), CANCEL), CANCELLED),
        ((acquired(1, "a"), applied(1, "a")), FAILURE),
        ((acquired(1, "a"), cmd.AttemptFailed(A, LOST, "nobody knows")), LOST),
    ],
)
def test_an_abandoned_attempt_fails_and_is_dirty(
    before: tuple[cmd.Command, ...], conclusion: StepConclusion
) -> None:
    story = in_phase(*before).when(cmd.AttemptAbandoned(A, finding(1, "a")))
    story.then_among(like(ev.StepFinished), like(ev.Quarantined, findings=(finding(1, "a"),)))
    assert (ended(story).ending.conclusion, ended(story).ending.outcome) == (
        conclusion,
        Outcome.FAIL,
    )


@pytest.mark.parametrize(
    ("done", "conclusion"),
    [
        (applied(1, "a"), FAILURE),
        (applied(1, "a", succeeded=False, exit=9), FAILURE),
        (cmd.AttemptFailed(A, LOST, "nobody knows"), LOST),
    ],
)
def test_what_is_left_dirty_fails_the_step(done: cmd.Command, conclusion: StepConclusion) -> None:
    story = in_phase(acquired(1, "a"), done, dirty(1, "a"))
    assert ended(story).ending.conclusion is conclusion
    assert ended(story).ending.outcome is Outcome.FAIL
    assert ended(story).ending.reason == "left dirty: a lock is left"
    assert ended(story, "b").ending.conclusion is StepConclusion.NOT_RUN


# --- what an adapter says on its way --------------------------------------------------------


def test_waiting_is_noted_once_and_ends() -> None:
    story = in_phase().when(cmd.NoteWaiting(A, "a lock")).then(ev.StepWaiting(ref=A, text="a lock"))
    story.when(cmd.NoteWaiting(A, "a lock")).then_nothing()
    story.when(cmd.NoteWaiting(A, None)).then(ev.StepWaiting(ref=A, text=None))


def test_since_when_it_waits_without_a_break() -> None:
    story = in_phase(3, cmd.NoteWaiting(A, "the lock of ada"))
    assert story.job(1).step("a").waiting_since == at(3)
    story.given(4, cmd.NoteWaiting(A, "the lock of bob"))
    assert story.job(1).step("a").waiting_since == at(3)
    story.given(cmd.NoteWaiting(A, None))
    assert story.job(1).step("a").waiting_since is None
    story.given(5, cmd.NoteWaiting(A, "the lock of ada"))
    assert story.job(1).step("a").waiting_since == at(12)


@pytest.mark.parametrize("way_on", [(acquired(1, "a"),), (cmd.AttemptFailed(A, FAILURE, ""),)])
def test_a_new_phase_waits_for_nothing(way_on: tuple[cmd.Command, ...]) -> None:
    story = in_phase(cmd.NoteWaiting(A, "a lock"), *way_on)
    step = story.job(1).step("a")
    assert (step.waiting_for, step.waiting_since) == (None, None)


def test_a_warning_is_kept_once() -> None:
    story = in_phase(cmd.NoteWarning(A, "careful"))
    story.when(cmd.NoteWarning(A, "careful")).then_nothing()
    story.when(cmd.NoteWarning(A, "very")).then(ev.StepWarned(ref=A, text="very"))
    assert story.job(1).step("a").warnings == ("careful", "very")


def test_one_record_a_phase_and_key() -> None:
    """A call's value replaces its intent, and the same intent again is not journalled again."""
    call, done = CallRecord("apply", "post"), CallRecord("apply", "post", done=True, value=7)
    tool, again = ProcessRecord("apply", "tool", "boot-1"), ProcessRecord("apply", "tool", "boot-2")
    story = in_phase(acquired(1, "a"), cmd.NoteCall(A, call), cmd.IntendProcess(A, tool))
    story.when(cmd.IntendProcess(A, tool)).then_nothing()
    story.given(cmd.NoteCall(A, done), cmd.IntendProcess(A, again))
    assert story.job(1).step("a").records == (done, again)


# --- which steps begin ----------------------------------------------------------------------


def phases(story: Story) -> dict[str, type[StepPhase]]:
    return {one.name: type(one.phase) for one in story.job(1).steps}


def test_steps_begin_when_needs_are_met() -> None:
    """Steps begin when all that they need is met."""
    steps = (step("a"), step("b"), step("c", needs=("a", "b")), step("d", needs=("a",)))
    story = given(config(pipeline("web", steps=steps)), submit("web"))
    assert phases(story) == {"a": Acquiring, "b": Acquiring, "c": Pending, "d": Pending}
    story.given(acquired(1, "a"), applied(1, "a"), cleaned(1, "a"))
    assert phases(story) == {"a": Finished, "b": Acquiring, "c": Pending, "d": Acquiring}
    story.given(acquired(1, "b"), applied(1, "b"), cleaned(1, "b"))
    assert phases(story) == {"a": Finished, "b": Finished, "c": Acquiring, "d": Acquiring}


def test_a_failure_stops_what_is_pending() -> None:
    """A failure stops what is pending, and lets the rest finish."""
    story = in_phase(acquired(1, "a"), applied(1, "a", succeeded=False, exit=3, reason="no disk"))
    story.when(cleaned(1, "a")).then(
        like(ev.StepFinished, ref=A), like(ev.StepNotRun, ref=ref(1, "b"))
    )
    not_run = ended(story, "b")
    assert not_run.ending.reason == "a failed (exit 3: no disk)"
    assert not_run.cause is not None
    assert (not_run.cause.step, not_run.cause.exit) == ("a", 3)
    assert phases(story)["c"] is Acquiring
    story.given(acquired(1, "c"), applied(1, "c")).when(cleaned(1, "c"))
    story.then(
        like(ev.StepFinished),
        like(ev.JobEnded, conclusion=JobConclusion.FAILURE, reason="a: no disk"),
    )
