"""Four outcomes for one step of a matrix, before the admission, and among the handlers; and that
whatever a plan is, its job ends with every step finished, or not run for a reason."""

import hypothesis.strategies as st
import pytest
from hypothesis import given as whatever

from orchestrator.core.language import commands as cmd
from orchestrator.core.language.definition import OutcomeRule, RetryPolicy, StepDefinition
from orchestrator.core.language.model import (
    Acquiring,
    Applying,
    Cancelling,
    CleaningUp,
    Finished,
    JobFinished,
)
from orchestrator.core.language.words import (
    JobConclusion,
    Outcome,
    RunningPolicy,
    Section,
    StepConclusion,
)
from tests.core.core_setup import (
    ADA,
    ROOT,
    acquired,
    cleaned,
    config,
    failed,
    pipeline,
    ref,
    step,
    submit,
    whole,
)
from tests.core.core_story import Story, given
from tests.seed_budget import examples

CONTINUE, WARN, FAIL, HALT = Outcome
SUCCESS, FAILURE = JobConclusion.SUCCESS, JobConclusion.FAILURE
FINISH, STOP = RunningPolicy


def word(story: Story, name: str, job: int = 1) -> str:
    phase = story.phase(job, name)
    assert isinstance(phase, Finished), phase
    return phase.ending.conclusion.value


def ended(story: Story, job: int = 1) -> tuple[JobConclusion, str | None]:
    phase = story.job(job).phase
    assert isinstance(phase, JobFinished), phase
    return phase.conclusion, phase.halted_by


def rule(then: Outcome) -> tuple[OutcomeRule, ...]:
    return (OutcomeRule("exit 3", then),)


def matrix(size: int, **fields: object) -> tuple[StepDefinition, ...]:
    given = {"matrix_of": "a", "max_parallel": 2} | fields
    return tuple(step(f"a[{n}]", matrix={"n": n}, **given) for n in range(size))


def fail(story: Story, name: str, job: int = 1) -> None:
    story.given(acquired(job, name), failed(job, name, exit=3), cleaned(job, name))


@pytest.mark.parametrize("policy", RunningPolicy)
@pytest.mark.parametrize("then", Outcome)
def test_in_a_matrix(then: Outcome, policy: RunningPolicy) -> None:
    """The first of three fails while the second works; the third would follow."""
    steps = (*matrix(3, outcomes=rule(then)), step("b", needs=("a[0]", "a[1]", "a[2]")))
    one = pipeline("web", steps=steps, fail_running=policy, halt_running=policy)
    story = given(config(one), submit("web"), acquired(1, "a[1]"))
    fail(story, "a[0]")
    stops = then in (FAIL, HALT)
    assert story.job(1).step("a[2]").active is not stops
    asked = isinstance(story.phase(1, "a[1]"), Cancelling)
    assert asked is (stops and policy is STOP)
    story.given(*whole(1, "a[1]")[1:])
    if not stops:
        story.given(*whole(1, "a[2]"), *whole(1, "b"))
    cause = story.phase(1, "b")
    assert isinstance(cause, Finished) and (cause.cause is not None) is stops
    expected = {
        CONTINUE: (["success", "success", "success", "success"], (SUCCESS, None)),
        WARN: (["warning", "success", "success", "success"], (SUCCESS, None)),
        FAIL: (["failure", "success", "not_run", "not_run"], (FAILURE, None)),
        HALT: (["halted", "success", "not_run", "not_run"], (SUCCESS, "a[0]")),
    }
    words, end = expected[then]
    if asked:
        words[1] = "cancelled"
    assert [word(story, name) for name in ("a[0]", "a[1]", "a[2]", "b")] == words
    assert ended(story) == end


@pytest.mark.parametrize("policy", RunningPolicy)
@pytest.mark.parametrize("then", Outcome)
def test_before_the_admission(then: Outcome, policy: RunningPolicy) -> None:
    """`x` works beside it. Whatever comes of them, nothing is owed before the steps."""
    given_up = {"section": Section.BEFORE, "touches": False}
    steps = (
        step("a", outcomes=rule(then), **given_up),
        step("x", **given_up),
        step("b", needs=("a", "x"), **given_up),
        step("apply"),
        step("report", section=Section.FINALLY, touches=False),
    )
    one = pipeline("web", steps=steps, cleanup="clean", fail_running=policy, halt_running=policy)
    story = given(config(one, pipeline("clean", "cleanup")), submit("web"), acquired(1, "x"))
    fail(story, "a")
    stops = then in (FAIL, HALT)
    assert isinstance(story.phase(1, "x"), Cancelling) is (stops and policy is STOP)
    story.given(*whole(1, "x")[1:])
    if stops:
        assert (word(story, "b"), word(story, "apply")) == ("not_run", "not_run")
    else:
        story.given(*whole(1, "b"))
        assert story.running() == [1]
        story.given(acquired(1))
        assert story.environment().debts
        return
    story.given(*whole(1, "report"))
    assert ended(story) == ((FAILURE, None) if then is FAIL else (SUCCESS, "a"))
    assert story.job(1).run is None and not story.environment().debts


@pytest.mark.parametrize("in_parallel", [False, True])
@pytest.mark.parametrize("section", [Section.FINALLY, Section.ON_SUCCESS])
@pytest.mark.parametrize("then", Outcome)
def test_among_the_handlers(then: Outcome, section: Section, in_parallel: bool) -> None:
    """A failure there fails the job and stops nobody, halt is continue."""
    handler = {"section": section, "touches": False}
    steps = (
        step("apply"),
        step("a", outcomes=rule(then), **handler),
        step("b", needs=() if in_parallel else ("a",), **handler),
        step("last", section=Section.FINALLY, touches=False, needs=()),
    )
    one = pipeline("web", steps=steps, fail_running=STOP, halt_running=STOP)
    story = given(config(one), submit("web"), *whole(1))
    assert story.job(1).step("b").active is in_parallel
    fail(story, "a")
    if in_parallel:
        assert not isinstance(story.phase(1, "b"), Cancelling)
    story.given(*whole(1, "b"), *whole(1, "last"))
    first = {CONTINUE: "success", WARN: "warning", FAIL: "failure", HALT: "success"}[then]
    words = [word(story, name) for name in ("a", "b", "last")]
    assert words == [first, "success", "success"]
    assert ended(story) == (FAILURE if then is FAIL else SUCCESS, None)


@pytest.mark.parametrize("then", Outcome)
def test_no_handler_mends_anything(then: Outcome) -> None:
    """After a failure and after a cancel no handler mends anything."""
    for cancelled in (False, True):
        section = Section.ON_CANCEL if cancelled else Section.ON_FAILURE
        handlers = (
            step("a", section=section, touches=False, outcomes=rule(then)),
            step("b", section=section, touches=False, needs=("a",)),
        )
        story = given(config(pipeline("web", steps=(step("apply"), *handlers))), submit("web"))
        story.given(acquired(1))
        if cancelled:
            story.given(cmd.Cancel(caller=ADA, job=1))
        story.given(failed(1), cleaned(1))
        fail(story, "a")
        story.given(*whole(1, "b"))
        expected = JobConclusion.CANCELLED if cancelled else FAILURE
        assert ended(story) == (expected, None)


# --- whatever a plan is -------------------------------------------------------------------------


@st.composite
def plans(draw: st.DrawFn) -> tuple[StepDefinition, ...]:
    """Steps of any sections that need each other in any way, some of them a matrix."""
    found: list[StepDefinition] = []
    for section in Section:
        here: list[str] = []
        for place in range(draw(st.integers(section is Section.STEPS, 3))):
            some = st.lists(st.sampled_from(here), unique=True, max_size=2) if here else st.just([])
            fields = {
                "section": section,
                "needs": tuple(draw(some)),
                "touches": section is not Section.BEFORE and draw(st.booleans()),
                "outcomes": draw(st.sampled_from([(), *(rule(then) for then in Outcome)])),
                "retry": draw(st.sampled_from([None, None, RetryPolicy(2, backoff=5)])),
                "has_acquire": draw(st.booleans()),
                "takes_slot": draw(st.booleans()),
                "surely_touches": draw(st.booleans()),
            }
            size = draw(st.sampled_from([1, 1, 3]))
            name = f"{section.value}-{place}"
            limits = {"matrix_of": name, "max_parallel": 1} if size > 1 else {}
            for n in range(size):
                found.append(step(f"{name}-{n}", **fields, **limits))
                here.append(f"{name}-{n}")
    return tuple(found)


ENDS = st.sampled_from(["well", "well", "well", "exit 3", "exit 1", "cancel", "force", "restart"])


def go_on(story: Story, how: str) -> None:
    """The first step at work goes on, or ends as it should."""
    active = [(job.id, one) for job in story.world.jobs.values() for one in job.steps if one.active]
    if how == "restart":
        story.restart()
    elif how in ("cancel", "force"):
        story.when(cmd.Cancel(caller=ROOT, job=1, force=how == "force"))
    elif not active:
        story.after(400)
    else:
        job, one = active[0]
        here = ref(job, one.name, one.attempt)
        match one.phase:
            case Acquiring(stop=None):
                story.when(cmd.AcquireDone(here))
            case Acquiring():
                story.when(cmd.AttemptFailed(here, StepConclusion.CANCELLED, ""))
            case Applying() | Cancelling():
                exit = {"well": 0, "exit 3": 3, "exit 1": 1}[how]
                story.when(cmd.ApplyDone(ref=here, succeeded=exit == 0, exit=exit))
            case CleaningUp():
                story.when(cmd.CleanupDone(here))


@examples("plans")
@whatever(steps=plans(), hows=st.lists(ENDS, max_size=40), policy=st.sampled_from(RunningPolicy))
def test_every_plan_ends(
    steps: tuple[StepDefinition, ...], hows: list[str], policy: RunningPolicy
) -> None:
    """Every plan ends with every step finished, or not run for a reason."""
    web = pipeline("web", steps=steps, cleanup="clean", fail_running=policy, halt_running=policy)
    clean = pipeline("clean", "cleanup", steps=(step("wipe"),))
    story = given(config(web, clean, capacity=2), submit("web"))
    for how in (*hows, *["well"] * (12 * len(steps) + 40)):
        if 1 in story.ended:
            break
        go_on(story, how)
    assert 1 in story.ended, story.world.jobs
    for one in story.job(1).steps:
        assert isinstance(one.phase, Finished)
        ending = one.phase.ending
        assert ending.conclusion.ran is (one.phase.began is not None)
        assert ending.conclusion.ran or ending.reason
        assert one.phase.cause is None or one.phase.cause.step != one.name
